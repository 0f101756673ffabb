import Glibc

/// Resident memory of the process in bytes, from procfs(5).  nil where it cannot be read.
public enum ResidentMemory {
  /// Second field of /proc/self/statm, in pages.
  public static func now() -> UInt64? {
    readFile("/proc/self/statm") { text in
      var numbers = text.split(separator: UInt8(ascii: " "))
      numbers.removeFirst()
      return numbers.first.flatMap { number($0) }.map { $0 * UInt64(sysconf(Int32(_SC_PAGESIZE))) }
    }
  }

  /// The largest it ever was: VmHWM of /proc/self/status, in KiB.
  public static func peak() -> UInt64? {
    readFile("/proc/self/status") { text in
      let key = Array("VmHWM:".utf8)
      guard
        let line = text.split(separator: UInt8(ascii: "\n")).first(where: { $0.starts(with: key) })
      else { return nil }
      return number(line.dropFirst(key.count)).map { $0 * 1024 }
    }
  }

  /// The first run of digits.
  private static func number(_ text: ArraySlice<UInt8>) -> UInt64? {
    let digits = text.drop { !isDigit($0) }.prefix { isDigit($0) }
    return digits.isEmpty ? nil : digits.reduce(0) { $0 * 10 + UInt64($1 - UInt8(ascii: "0")) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private static func readFile(_ path: String, _ parse: (ArraySlice<UInt8>) -> UInt64?) -> UInt64? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
    return count > 0 ? parse(buffer[0..<count]) : nil
  }
}
