import Foundation

/// What this process writes to stderr, without the lines of the testing library, which reports on
/// other tests meanwhile.
enum StandardError {
  static func said(_ body: () throws -> Void) throws -> String {
    let file = FileManager.default.temporaryDirectory.appending(path: "stderr-\(UUID())")
    let saved = dup(2)
    let new = unsafe open(file.path, O_CREAT | O_RDWR, 0o600)
    dup2(new, 2)
    defer {
      try? FileManager.default.removeItem(at: file)
    }
    let result = Result { try body() }
    dup2(saved, 2)
    close(saved)
    close(new)
    try result.get()
    let text = try String(contentsOf: file, encoding: .utf8)
    let reports = ["✔ ", "✘ ", "◇ ", "➜ ", "↳ ", "± "]
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { line in !reports.contains { line.hasPrefix($0) } }
      .joined(separator: "\n")
  }
}
