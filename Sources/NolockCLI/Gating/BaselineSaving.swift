import Foundation
import Measurement
import Revisions
import Statistics

/// Writes a baseline's folder: into a temporary name, then renamed.
enum BaselineSaving {
  /// - Throws: `void` where the arm has no objects, `notPermitted` where files cannot be written.
  static func save(
    _ name: String, arm: Int, from: String, design: String, plan: ComparisonPlan,
    samples: [Sample], store: BaselineStore
  ) throws(Failure) {
    let objects = plan.arms[arm].objects
    guard !objects.isEmpty else {
      throw Failure(.void, "arm '\(plan.arms[arm].name)' has no shared object to keep")
    }
    let temporary = store.folder(".\(name).\(getpid())")
    defer { try? FileManager.default.removeItem(atPath: temporary) }
    do {
      try FileManager.default.createDirectory(
        atPath: temporary, withIntermediateDirectories: true)
    } catch {
      throw Failure(.notPermitted, "\(temporary): \(error.localizedDescription)")
    }
    var names: [String] = []
    var hashes: [String] = []
    for (index, object) in objects.enumerated() {
      guard let bytes = FileManager.default.contents(atPath: object) else {
        throw Failure(.notFound, "\(object): cannot be read")
      }
      names.append("subject-\(index).so")
      try AtomicFile.write(bytes, to: "\(temporary)/subject-\(index).so")
      hashes.append(Fingerprint.hash(ofFile: "\(temporary)/subject-\(index).so").value ?? "")
    }
    let commit = (try? Repository.find())?.commit(from == "." ? "HEAD" : from)
    let baseline = Baseline(
      name: name, source: from, commit: commit, design: design,
      savedAt: Date().timeIntervalSince1970, objects: names, objectHashes: hashes,
      fingerprint: plan.fingerprint, numbers: numbers(plan, arm, samples))
    try AtomicFile.write(json: baseline, to: temporary + "/" + Baseline.fileName)
    let folder = store.folder(name)
    try? FileManager.default.removeItem(atPath: folder)
    guard unsafe rename(temporary, folder) == 0 else {
      throw Failure(.notPermitted, "\(folder): \(errorText(errno))")
    }
  }

  private static func numbers(_ plan: ComparisonPlan, _ arm: Int, _ samples: [Sample])
    -> [String: Double]
  {
    var numbers: [String: Double] = [:]
    for cell in plan.cells { numbers[cell.id] = plan.median(of: "ns_per_op", cell, arm, samples) }
    return numbers
  }
}
