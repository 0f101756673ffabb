import Glibc
import Subjects
import Workloads

/// Prints each subject with a fixed name: `name`, `available` or `missing`, and its version or the
/// reason, separated by tabs.
func listSubjects() {
  // jemalloc needs more static TLS than the loader keeps by default, and the loader reads this only
  // when a program starts.
  if unsafe getenv("GLIBC_TUNABLES") == nil {
    unsafe setenv("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=65536", 1)
    // The file itself: /proc/self/exe may be the loader.
    unsafe execv(CommandLine.arguments[0], CommandLine.unsafeArgv)
  }
  for name in subjectNames {
    let line =
      switch loadSubject(name, objectPath: "") {
      case .found(let subject): "\(name)\tavailable\t\(subject.version)\n"
      case .unavailable(let reason), .failed(let reason): "\(name)\tmissing\t\(reason)\n"
      }
    let bytes = Array(line.utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
  }
}

/// `--functions SUBJECT OBJECT [NAME…]`: the functions a breakpoint may be set on, one a line; with
/// names `known`, or `unknown` and the reason.  0, 64, or 3 with `missing` and the reason.
func listFunctions(_ words: [String]) -> Int32 {
  guard words.count >= 2 else {
    complain("usage: nolock-sample --functions SUBJECT OBJECT [NAME…]")
    return 64
  }
  switch loadSubject(words[0], objectPath: words[1]) {
  case .unavailable(let reason), .failed(let reason): return missing(reason)
  case .found(let subject):
    let finder = FunctionFinder(subject)
    if words.count > 2 {
      switch finder.addresses(Array(words[2...])) {
      case .success: say("known\n")
      case .failure(let unknown): say("unknown\t\(unknown.text)\n")
      }
    } else {
      let names = finder.entryPoints.map(\.name) + finder.names()
      say(names.map { "\($0)\n" }.joined())
    }
    return 0
  }
}
