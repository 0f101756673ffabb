import Measurement
import Revisions

/// The revisions of one or more versions of a series as arms, each build once.
struct SeriesArms {
  private(set) var arms: [Arm] = []
  /// By version: the arm of the base, then of each patch; `nil` where there is none.
  private(set) var places: [[Int?]] = []
  /// By version and patch: why there is no arm.
  private(set) var problems: [[String?]] = []

  init(_ versions: [PatchSeries], _ builder: SubjectBuilder) throws(Failure) {
    for version in versions {
      var place: [Int?] = []
      var problem: [String?] = []
      // Without its base a series has nothing to be compared with.
      place.append(try add(version.base, "base \(version.base.prefix(12))", builder))
      for (index, patch) in version.patches.enumerated() {
        guard let commit = patch.commit else {
          place.append(nil)
          problem.append(patch.problem)
          continue
        }
        let name = "\(version.name) \(index + 1)"
        do throws(Failure) {
          place.append(try add(commit, name, builder))
          problem.append(nil)
        } catch  where error.status == .sampleFailed {
          Terminal.say(error.message)
          place.append(nil)
          problem.append(error.message)
        } catch {
          throw error
        }
      }
      places.append(place)
      problems.append(problem)
    }
  }

  /// The index of the arm, an earlier one's where the builds are identical.
  private mutating func add(_ commit: String, _ name: String, _ builder: SubjectBuilder)
    throws(Failure) -> Int
  {
    Terminal.say("building \(name)")
    let built = try builder.build(commit: commit, name: name)
    let arm = Arm(name: name, subject: "rev:" + name, objects: built.objects, note: built.note)
    for (index, other) in arms.enumerated() {
      if try ArmResolver.distinct([other, arm]).arms.count == 1 { return index }
    }
    arms.append(arm)
    return arms.count - 1
  }

  /// The arm of the patch before `index` (from 0) that has one: the base at last.
  func predecessor(_ version: Int, _ index: Int) -> Int? {
    places[version][...index].last { $0 != nil } ?? nil
  }

  /// Every pair that a report needs, each once: patch against predecessor and against base, and
  /// the matched patches of two versions.
  func pairs(_ matches: [PatchMatch]) -> [ComparisonPlan.Pair] {
    var pairs: [ComparisonPlan.Pair] = []
    func want(_ arm: Int?, _ base: Int?) {
      guard let arm, let base, arm != base else { return }
      let pair = ComparisonPlan.Pair(arm: arm, base: base)
      if !pairs.contains(pair) { pairs.append(pair) }
    }
    for version in places.indices {
      for index in places[version].indices.dropLast() {
        let arm = places[version][index + 1]
        want(arm, predecessor(version, index))
        want(arm, places[version][0])
      }
    }
    for match in matches {
      guard let old = match.old, let new = match.new, places.count > 1 else { continue }
      want(places[1][new], places[0][old])
    }
    return pairs
  }
}
