import Foundation
import Measurement

/// The folder of a run's files.
enum RunFolder {
  /// `results/local/2026-11-21T101530-quick`, local time.
  static func standard(suite: String) -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.dateFormat = "yyyy-MM-dd'T'HHmmss"
    return "results/local/\(format.string(from: Date()))-\(suite)"
  }

  /// Makes the folder and writes a file in it, to learn now that it can be done.
  ///
  /// - Throws: `notPermitted`.
  static func prepare(_ directory: String) throws(Failure) {
    var path = directory.hasPrefix("/") ? "/" : ""
    for part in directory.split(separator: "/") {
      path += part + "/"
      // mkdir(2) itself: its reason is the one that helps.
      guard unsafe mkdir(path, 0o777) != 0, errno != EEXIST else { continue }
      throw Failure(.notPermitted, "output folder \(directory): \(errorText(errno))")
    }
    let probe = directory + "/.writable"
    do throws(Failure) {
      try AtomicFile.write("", to: probe)
    } catch {
      throw Failure(.notPermitted, "output folder \(directory): \(error.message)")
    }
    try? FileManager.default.removeItem(atPath: probe)
  }
}
