import Foundation

/// Source lines of addresses, by binutils' `addr2line`.
struct SourceLines {
  /// Why there are none; `nil` iff the program was found.
  let reason: String?
  private let tool: String

  init() {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
    let found = folders.map { $0 + "/addr2line" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    tool = found ?? ""
    reason = found == nil ? "no source lines: addr2line is not installed (binutils)" : nil
  }

  /// `File.swift:12` for each address that the debug information of `object` has.
  func find(_ addresses: [UInt64], in object: String) -> [UInt64: String] {
    guard reason == nil, !addresses.isEmpty else { return [:] }
    let child = ChildProcess(
      path: tool, arguments: ["-s", "-e", object], environment: ["LC_ALL=C"])
    let input = addresses.map { "0x" + String($0, radix: 16) + "\n" }.joined()
    guard let result = try? child.run(input: Array(input.utf8), seconds: 60, signals: nil),
      result.end == .exited(0)
    else { return [:] }
    let lines = String(decoding: result.output, as: UTF8.self).split(separator: "\n")
    guard lines.count == addresses.count else { return [:] }
    var found: [UInt64: String] = [:]
    for (address, line) in zip(addresses, lines) {
      // `??:?`, and line 0 for code that the compiler made.
      let place = line.split(separator: " ").first ?? line
      if place.hasPrefix("?") || place.hasSuffix(":?") || place.hasSuffix(":0") { continue }
      found[address] = String(place)
    }
    return found
  }
}
