import CRecords
import Foundation
import TestSupport
import Testing

/// Stands between `nolock` and the real `nolock-sample`: changes what a gate's arm is given, while
/// the gate knows nothing of it.
enum SabotagedSample {
  enum Change: String {
    /// The copy is slowed like another build: its dilation becomes 3.
    case slowCopy
    /// The plant is not slowed: its dilation becomes 0.
    case idlePlant
    /// The new code is slowed: a real regression, its dilation becomes 3.
    case slowNew
    /// Every sample of the new code fails.
    case failingNew
    /// The copy's object is replaced by another build.
    case otherCopy
  }

  /// Writes the program; `NOLOCK_SAMPLE` names it.
  static func write(_ change: Change, to path: String, other: String = "") throws {
    let dilation = MemoryLayout<nl_plan_entry>.offset(of: \.dilation) ?? 0
    let object = MemoryLayout<nl_plan_entry>.offset(of: \.object_path) ?? 0
    let text = """
      #!/usr/bin/env python3
      import os, struct, subprocess, sys
      real = "\(Paths.sample)"
      if len(sys.argv) > 1: os.execv(real, [real] + sys.argv[1:])
      entry = bytearray(sys.stdin.buffer.read())
      path = bytes(entry[\(object):\(object) + 1024]).split(b"\\0")[0].decode()
      share, = struct.unpack_from("<d", entry, \(dilation))
      change = "\(change.rawValue)"
      if change == "slowCopy" and "/copy/" in path: share = 3.0
      if change == "idlePlant": share = 0.0
      if change == "slowNew" and "/new" in path: share = 3.0
      if change == "otherCopy" and "/copy/" in path:
          entry[\(object):\(object) + 1024] = b"\(other)".ljust(1024, b"\\0")
      if change == "failingNew" and "/new" in path: sys.exit(1)
      struct.pack_into("<d", entry, \(dilation), share)
      sys.exit(subprocess.run([real], input=bytes(entry)).returncode)
      """
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }
}

/// What builds and measures runs one test at a time: two cores are few.
@Suite("Comparing", .serialized)
struct Comparing {}

extension TestObjects {
  /// The working tree with so many instructions more in each kmalloc; `nil` where it does not build.
  static func planted(_ count: Int) -> String? {
    try? once("planted-\(count).so") {
      [packageFolder + "/Benchmarks/studies/planted-subject", $0, "\(count)"]
    }
  }

  /// The working tree in layouts 1 and 2; `nil` where it does not build.
  static let built: [String]? = try? (1...2).map { try build(layout: $0) }
}
