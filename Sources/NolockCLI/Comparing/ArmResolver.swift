import Foundation
import Measurement
import Revisions

/// Turns what was written on the command line into arms: subjects, shared objects, baselines, git
/// revisions (`.` is the working tree).
struct ArmResolver {
  let options: ComparisonOptions
  let signals: Signals
  /// Objects of the working tree are built into this folder.
  let scratch: String

  /// - Throws: `notFound` where the name is none of them, `sampleFailed` where a revision does not
  ///   build.
  func arm(_ name: String) throws(Failure) -> Arm {
    if Subjects.isValid(name) {
      let path = name.hasPrefix("rev:") ? String(name.dropFirst(4)) : nil
      if let path, !FileManager.default.isReadableFile(atPath: path) {
        throw Failure(.notFound, "\(name): \(path) cannot be read")
      }
      try InstrumentedSubjects.build([name], signals: signals)
      return Arm(
        name: name, subject: name, objects: path.map { [absolute($0)] } ?? [],
        note: "")
    }
    if let baseline = try BaselineStore().find(name) { return baseline.arm }
    return try revision(name)
  }

  /// - Throws: `notFound` where git knows no such revision, `sampleFailed` where it does not build.
  func revision(_ name: String) throws(Failure) -> Arm {
    let repository = try Repository.find(signals: signals)
    let isWorkingTree = name == "."
    let commit = isWorkingTree ? "" : repository.commit(name)
    guard let commit else {
      throw Failure(
        .notFound,
        "'\(name)' is no subject, no result folder, no baseline and no git revision of "
          + repository.path)
    }
    let builder = try SubjectBuilder(
      repository, design: options.design, layouts: options.layouts)
    Terminal.say("building \(name)")
    let built =
      isWorkingTree
      ? try builder.buildWorkingTree(repository.path, into: scratch + "/working-tree", name: name)
      : try builder.build(commit: commit, name: name)
    return Arm(
      name: name, subject: "rev:" + name, objects: built.objects.map(absolute), note: built.note)
  }

  /// The arms less those whose build is an earlier one's to the byte.
  static func distinct(_ arms: [Arm]) throws(Failure) -> (
    arms: [Arm], equal: [ComparisonPlan.Equal]
  ) {
    var kept: [Arm] = []
    var equal: [ComparisonPlan.Equal] = []
    for arm in arms {
      var twin: Arm?
      for other in kept where try areIdentical(arm, other) {
        twin = other
        break
      }
      if let twin {
        equal.append(.init(name: arm.name, sameAs: twin.name))
      } else {
        kept.append(arm)
      }
    }
    return (kept, equal)
  }

  private static func areIdentical(_ a: Arm, _ b: Arm) throws(Failure) -> Bool {
    if a.objects.isEmpty || b.objects.isEmpty {
      return a.objects.isEmpty && b.objects.isEmpty && a.subject == b.subject
    }
    // The n-th object of each has the n-th layout; one layout only is built another way.
    guard (a.objects.count == 1) == (b.objects.count == 1) else { return false }
    for (one, other) in zip(a.objects, b.objects) {
      if one == other { continue }
      guard try ObjectSections.areIdentical(one, other) else { return false }
    }
    return true
  }

  private func absolute(_ path: String) -> String { URL(fileURLWithPath: path).path }
}
