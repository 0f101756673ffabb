import Foundation

/// Programs for python3, where a second opinion is written in it.
public enum Python {
  /// Whether one of the modules cannot be imported.
  public static func lacks(_ modules: String...) -> Bool {
    (try? run("import " + modules.joined(separator: ", "), input: "")) == nil
  }

  /// What the program prints, given `input`.
  ///
  /// - Throws: where it ends with another code than 0.
  public static func run(_ program: String, input: String) throws -> Data {
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
