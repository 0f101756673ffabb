import Foundation

/// Where suites and the package lie.
public enum SuiteFinder {
  static let folder = "Benchmarks/suites"

  /// The package this executable was built from: the nearest folder above it with a Package.swift;
  /// `nil` for an installed program.
  public static var package: String? {
    var folder = (executablePath() as NSString).deletingLastPathComponent
    while folder.count > 1 {
      if FileManager.default.fileExists(atPath: folder + "/Package.swift") { return folder }
      folder = (folder as NSString).deletingLastPathComponent
    }
    return nil
  }

  /// Names and paths of the suites: those of the current folder first, then the package's.
  public static func all() -> [(name: String, path: String)] {
    var found: [(name: String, path: String)] = []
    for root in [".", package].compactMap({ $0 }) {
      let path = root == "." ? folder : root + "/" + folder
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      for file in names.sorted() where file.hasSuffix(".yaml") {
        let name = String(file.dropLast(5))
        if !found.contains(where: { $0.name == name }) { found.append((name, path + "/" + file)) }
      }
    }
    return found
  }

  /// The path of a suite given by name or by path.
  ///
  /// - Throws: `usage` with the names that exist.
  public static func find(_ suite: String) throws(Failure) -> String {
    if suite.contains("/") || suite.hasSuffix(".yaml") {
      return suite
    }
    let all = all()
    if let found = all.first(where: { $0.name == suite }) { return found.path }
    let names = all.map(\.name).joined(separator: ", ")
    throw Failure(
      .usage, "suite '\(suite)' not found, allowed: \(names.isEmpty ? "" : names + ", or ")a path")
  }
}
