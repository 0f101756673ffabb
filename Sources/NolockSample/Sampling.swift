import CRecords
import Glibc
import Workloads

/// Reads a plan entry, runs it, writes its record.  0, 64 for a malformed entry, 1 if the record
/// cannot be written.
func sample() -> Int32 {
  // Standard output is the record's alone: whatever else is printed goes to standard error.
  let output = fcntl(1, F_DUPFD_CLOEXEC, 3)
  guard output >= 0, dup2(2, 1) == 1 else {
    complain(unsafe "standard output: \(String(cString: strerror(errno)))")
    return 1
  }
  let entry = UnsafeMutablePointer<nl_plan_entry>.allocate(capacity: 1)
  let size = MemoryLayout<nl_plan_entry>.size
  let bytes = UnsafeMutableRawPointer(entry)
  // abi and size first: an entry of another build may be shorter than ours.
  let count = unsafe readInput(bytes, 8)
  guard count == 8 else {
    complain("plan entry: \(count) bytes, allowed: \(size)")
    return 64
  }
  guard unsafe entry.pointee.abi == NL_RECORDS_ABI, unsafe entry.pointee.size == UInt32(size) else {
    complain(
      unsafe "plan entry: abi \(entry.pointee.abi) and size \(entry.pointee.size), "
        + "allowed: \(NL_RECORDS_ABI) and \(size); nolock is of another build")
    return 64
  }
  let rest = unsafe readInput(bytes + 8, size - 8)
  guard rest == size - 8 else {
    complain("plan entry: \(rest + 8) bytes, allowed: \(size)")
    return 64
  }
  do {
    let record = unsafe try runSample(entry)
    guard record.write(to: output) else {
      complain(unsafe "the record: \(String(cString: strerror(errno)))")
      return 1
    }
  } catch {
    complain(error.text)
    return 64
  }
  return 0
}

/// Reads up to `wanted` bytes of standard input; fewer only at its end.
private func readInput(_ target: UnsafeMutableRawPointer, _ wanted: Int) -> Int {
  var done = 0
  while done < wanted {
    let count = unsafe read(0, target + done, wanted - done)
    if count < 0 && errno == EINTR { continue }
    if count <= 0 { break }
    done += count
  }
  return done
}

/// One line on standard error.
func complain(_ text: String) {
  let line = Array("nolock-sample: \(text)\n".utf8)
  _ = unsafe line.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
}
