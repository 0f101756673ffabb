import Foundation
import Measurement

/// The arms of a gate.
struct GateArms {
  let options: ComparisonOptions
  let signals: Signals
  let allow: [String]

  /// The base: a baseline by name or folder, else a revision or shared object.
  ///
  /// - Throws: `notFound`; `void` for a folder without its object, and a baseline of another
  ///   machine.
  func base(_ name: String) throws(Failure) -> Arm {
    let store = BaselineStore()
    if name != ".", FileManager.default.fileExists(atPath: name + "/.") {
      guard let baseline = try store.read(name) else {
        throw Failure(
          .void, "\(name): has no \(Baseline.fileName), so no object to run: times are not gated")
      }
      return try checked(baseline)
    }
    if let baseline = try store.find(name) { return try checked(baseline) }
    return try new(name, scratch: "")
  }

  private func checked(_ baseline: Baseline) throws(Failure) -> Arm {
    guard !baseline.objects.isEmpty else {
      throw Failure(.void, "baseline \(baseline.name): has no object to run: times are not gated")
    }
    let here = Fingerprint(machine: Fingerprint.machineFacts(), code: [:], programs: [:])
    let there = Fingerprint(machine: baseline.fingerprint.machine, code: [:], programs: [:])
    let fields = here.differences(from: there).filter { !allow.contains($0) }
    guard fields.isEmpty else {
      throw Failure(
        .void,
        "baseline \(baseline.name): of another machine: \(fields.joined(separator: ", ")) "
          + "(--allow FIELD)")
    }
    var arm = baseline.arm
    arm.objects = Array(arm.objects.prefix(options.layouts))
    return arm
  }

  /// The new code; built-in subjects have no object that could be copied.
  func new(_ name: String, scratch: String) throws(Failure) -> Arm {
    let arm = try ArmResolver(options: options, signals: signals, scratch: scratch).arm(name)
    guard !arm.objects.isEmpty else {
      throw Failure(
        .usage, "gate: '\(name)' found, allowed: a baseline, a git revision, '.', rev:FILE.so")
    }
    return arm
  }

  /// The base's objects as other files.
  ///
  /// - Throws: `notPermitted` where they cannot be written.
  static func copy(_ base: Arm, into directory: String) throws(Failure) -> Arm {
    let folder = URL(fileURLWithPath: directory).path + "/copy"
    var copies: [String] = []
    for (index, object) in base.objects.enumerated() {
      guard let bytes = FileManager.default.contents(atPath: object) else {
        throw Failure(.notFound, "\(object): cannot be read")
      }
      try? FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      let path = "\(folder)/copy-\(index).so"
      try AtomicFile.write(bytes, to: path)
      copies.append(path)
    }
    return Arm(name: "copy", subject: "rev:copy", objects: copies)
  }
}
