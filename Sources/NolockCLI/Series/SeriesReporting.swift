import Measurement
import Revisions

/// Sorts the lines of a series' comparison to its patches.
struct SeriesReporting {
  private let versions: [PatchSeries]
  private let arms: SeriesArms
  private let matches: [PatchMatch]
  private let outcome: ComparisonSession.Outcome

  init(
    _ versions: [PatchSeries], _ arms: SeriesArms, _ matches: [PatchMatch],
    _ outcome: ComparisonSession.Outcome
  ) {
    self.versions = versions
    self.arms = arms
    self.matches = matches
    self.outcome = outcome
  }

  func report() -> SeriesReport {
    SeriesReport(
      versions: versions.indices.map(version),
      matches: matches.map { match in
        var lines: [ComparisonReport.Line] = []
        if let old = match.old, let new = match.new {
          lines = outcome.plan.cells.compactMap {
            line($0, arms.places[1][new], arms.places[0][old])
          }
        }
        return .init(old: match.old, new: match.new, sign: match.sign, lines: lines)
      },
      notes: outcome.result.notes)
  }

  private func version(_ number: Int) -> SeriesReport.Version {
    let series = versions[number]
    return .init(
      name: series.name, base: series.base,
      patches: series.patches.enumerated().map { index, patch in
        let arm = arms.places[number][index + 1]
        let effects = outcome.plan.cells.map { cell in
          SeriesReport.Effect(
            cell: cell.id, patch: line(cell, arm, arms.predecessor(number, index)),
            cumulative: line(cell, arm, arms.places[number][0]))
        }
        return .init(
          number: index + 1, title: patch.title, commit: patch.commit,
          problem: arms.problems[number][index], effects: arm == nil ? [] : effects)
      })
  }

  private func line(_ cell: ComparisonPlan.CellPlan, _ arm: Int?, _ base: Int?)
    -> ComparisonReport.Line?
  {
    guard let arm, let base else { return nil }
    let (name, against) = (arms.arms[arm].name, arms.arms[base].name)
    if arm == base { return .identical(cell, name, against) }
    return outcome.result.lines.first {
      $0.cell == cell.id && $0.arm == name && $0.base == against
    }
  }
}
