import CPlatform
import CRecords
import Glibc
import Subjects
import Workloads

/// `--survive SUBJECT OBJECT SOURCE WORK HANDLER SIGNALS SEED FILE`: one trial; FILE is the page
/// that its watcher reads.  0, 64 for wrong words, or a code of survival.h with a reason on standard
/// output.
func survive(_ words: [String]) -> Int32 {
  guard words.count == 8, let signals = UInt64(words[5]), let seed = UInt64(words[6]),
    let trial = Trial(
      source: words[2], work: words[3], handler: words[4], signals: signals, seed: seed)
  else {
    complain(
      "usage: nolock-sample --survive SUBJECT OBJECT SOURCE WORK HANDLER SIGNALS SEED FILE")
    return 64
  }
  // A trial that hangs must not outlive a watcher that was killed; one killed before this has taken
  // the page with it.
  nl_signal_end_with_parent()
  let file = unsafe open(words[7], O_RDWR | O_CLOEXEC)
  let page = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
  guard file >= 0, let page = unsafe page, unsafe page != MAP_FAILED else {
    complain(unsafe "\(words[7]): \(String(cString: strerror(errno)))")
    return 64
  }
  let progress = unsafe page.bindMemory(to: nl_survival.self, capacity: 1)
  switch loadSubject(words[0], objectPath: words[1]) {
  case .found(let subject):
    let (code, reason) = unsafe trial.run(subject, progress)
    tell(reason)
    return code
  case .unavailable(let reason), .failed(let reason):
    tell(reason)
    return Int32(NL_SURVIVAL_EXIT_UNAVAILABLE)
  }
}

private func tell(_ text: String) {
  let bytes = Array(text.utf8)
  _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
}
