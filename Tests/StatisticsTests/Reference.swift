import Foundation

/// Runs a Python program with SciPy.
enum Reference {
  /// Why SciPy cannot be used; `nil` iff it can.
  static let problem: String? = {
    do {
      _ = try run("import scipy.stats, numpy", input: "")
      return nil
    } catch {
      return "python3 with scipy is not installed"
    }
  }()

  static func run(_ program: String, input: String) throws -> Data {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-W", "ignore", "-c", program]
    let (stdin, stdout) = (Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = FileHandle.nullDevice
    try process.run()
    stdin.fileHandleForWriting.write(Data(input.utf8))
    try stdin.fileHandleForWriting.close()
    let output = stdout.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    return output
  }
}
