import Foundation
import Measurement
import Traces

/// A named baseline: the shared objects of a revision with the numbers they gave.
struct Baseline: Codable, Equatable {
  static let schema = "nolock-baseline/1"
  static let fileName = "baseline.json"

  var schema = Baseline.schema
  var name: String
  /// What it was made from: a revision or a subject file, and its commit.
  var source: String
  @Explicit var commit: String?
  var design: String
  /// Seconds since 1970.
  var savedAt: Double
  /// Names of the shared objects beside `baseline.json`, one per layout, and their SHA-256.
  var objects: [String]
  var objectHashes: [String]
  var fingerprint: Fingerprint
  /// Medians by cell id, `ns_per_op`: shown, never gated.
  var numbers: [String: Double]
  /// The folder; set on reading.
  var folder = ""

  enum CodingKeys: String, CodingKey {
    case schema, name, source, commit, design, objects, fingerprint, numbers
    case savedAt = "saved_at_s"
    case objectHashes = "object_sha256"
  }

  var arm: Arm {
    Arm(name: name, subject: "rev:" + name, objects: objects.map { folder + "/" + $0 })
  }
}

/// Where baselines are kept: `NOLOCK_BASELINES`, else `results/baselines`.
struct BaselineStore {
  let path =
    ProcessInfo.processInfo.environment["NOLOCK_BASELINES"] ?? "results/baselines"

  /// A name is one path component of letters, digits, `.`, `_`, `-`.
  static func isValid(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix(".") && !name.hasPrefix("-")
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
  }

  static func missing(_ name: String) -> Failure {
    Failure(.notFound, "baseline '\(name)' not found, see nolock baseline list")
  }

  func folder(_ name: String) -> String { path + "/" + name }

  /// `nil` iff there is no baseline of that name.
  ///
  /// - Throws: `usage` where its file is not one; `void` where an object is missing or changed.
  func find(_ name: String) throws(Failure) -> Baseline? {
    guard Self.isValid(name) else { return nil }
    return try read(folder(name))
  }

  func read(_ folder: String) throws(Failure) -> Baseline? {
    let file = folder + "/" + Baseline.fileName
    guard let data = FileManager.default.contents(atPath: file) else { return nil }
    guard var baseline = try? JSONDecoder().decode(Baseline.self, from: data),
      baseline.schema == Baseline.schema
    else { throw Failure(.usage, "\(file): not a baseline of schema \(Baseline.schema)") }
    baseline.folder = URL(fileURLWithPath: folder).path
    for (object, hash) in zip(baseline.objects, baseline.objectHashes) {
      guard Fingerprint.hash(ofFile: folder + "/" + object).value == hash else {
        throw Failure(.void, "\(folder)/\(object): missing or not the object that was saved")
      }
    }
    return baseline
  }

  func all() throws(Failure) -> [Baseline] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    var all: [Baseline] = []
    for name in names.sorted() {
      if let found = try find(name) { all.append(found) }
    }
    return all
  }
}
