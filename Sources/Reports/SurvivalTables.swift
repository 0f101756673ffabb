import Foundation
import Measurement

/// The tables of `nolock run survival`.
public enum SurvivalTables {
  /// A line per subject: outcomes per setting with the median number of signals until death.
  public static func summary(_ result: SurvivalResult) -> Table {
    let settings = result.plan.settings
    let peers = result.survivingPeers
    let peer = peers.first
    let crowd = result.sideBySide > 1 ? ", \(result.sideBySide) at a time" : ""
    var columns = [Table.Column("subject", .left)]
    columns += settings.map { .init($0.name, .left) }
    let times = Table.Column("× \(peer.map(short) ?? "survivor")")
    columns += [
      .init("survived"), .init("ns/pair" + crowd), times, .init("ns/burst" + crowd), times,
    ]
    var table = Table(
      title: "Who survives its malloc and free being called from a signal handler",
      subtitle: "\(result.plan.trials) trials each"
        + (result.plan.signals.map { " of \($0) signals" } ?? ", 50000 signals (5000 at 1 kHz)")
        + "; @: signals until death, median",
      columns: columns, rows: [])
    for subject in result.plan.subjects {
      if let reason = result.missing(subject) {
        table.notes.append("\(short(subject)) skipped: \(reason)")
        continue
      }
      let random = result.score(subject, step: false)
      let step = result.score(subject, step: true)
      let cost = result.costSetting.flatMap { result.cost(subject, $0) }
      let other = peer.flatMap { peer in result.costSetting.flatMap { result.cost(peer, $0) } }
      let pair = result.pairCost(subject)
      var row = [short(subject)]
      row += settings.map { cell(result.trials(subject, $0)) }
      row.append(
        "\(random.ok)/\(random.tried)" + (step.tried > 0 ? " + \(step.ok)/\(step.tried)" : ""))
      row.append(pair.map { String(format: "%.2f", $0) } ?? "–")
      row.append(ratio(pair, peer.flatMap { result.pairCost($0) }))
      row.append(cost.map { "\($0)" } ?? "–")
      row.append(ratio(cost.map { Double($0) }, other.map { Double($0) }))
      table.rows.append(row)
    }
    if settings.contains(where: \.isStep) {
      table.notes.append("survived: of the settings without, + with a handler at every instruction")
    }
    table.notes += costNotes(result, peers)
    if result.interrupted {
      let total = result.plan.tasks.count
      table.notes.append("interrupted: \(result.trials.count) of \(total) trials")
    }
    return table
  }

  /// How the costs were measured, and the default allocator's against every survivor's.
  private static func costNotes(_ result: SurvivalResult, _ peers: [String]) -> [String] {
    let setting = result.costSetting
    var notes = [
      "ns/pair: malloc(64) and free before the first signal, the loop included: the least of 21 "
        + "times 2,000 in each trial"
    ]
    if let setting {
      notes.append(
        "ns/burst: 64 frees and 64 allocations in a handler of \(setting.name), reading the clock "
          + "taken off: the median handler of the median surviving trial")
    }
    if result.sideBySide > 1 {
      notes.append(
        "measured with \(result.sideBySide) trials at a time, which disturb each other: costs to be "
          + "quoted need --jobs 1")
    }
    for subject in result.plan.subjects where SurvivalResult.promises(subject) {
      for peer in peers {
        let pair = ratio(result.pairCost(subject), result.pairCost(peer))
        let burst = ratio(
          setting.flatMap { result.cost(subject, $0) }.map { Double($0) },
          setting.flatMap { result.cost(peer, $0) }.map { Double($0) })
        notes.append(
          "\(subject) against \(short(peer)), which survived: \(pair) × its pair, \(burst) × its "
            + "burst")
      }
    }
    return notes
  }

  /// A line per trial, for CSV.
  public static func trials(_ result: SurvivalResult) -> Table {
    Table(
      title: "survival",
      columns: [
        "subject", "setting", "trial", "outcome", "signals", "operations", "nulls", "handler_ns",
        "handler_calls", "pair_ps", "side_by_side", "seconds", "detail",
      ].map { .init($0, .left) },
      rows: result.trials.map { trial in
        [
          trial.subject, trial.setting, "\(trial.trial)", trial.outcome.rawValue,
          "\(trial.signals)", "\(trial.operations)", "\(trial.nulls)",
          trial.handlerNanoseconds.map { "\($0)" } ?? "", "\(trial.handlerCalls)",
          "\(trial.pairPicoseconds)", "\(trial.sideBySide)",
          String(format: "%.2f", trial.seconds), trial.detail ?? "",
        ]
      })
  }

  private static func ratio(_ own: Double?, _ other: Double?) -> String {
    guard let own, let other, other > 0 else { return "–" }
    return String(format: "%.2f", own / other)
  }

  /// `ok 5`, `deadlock 3, crash 2 @29`.
  private static func cell(_ trials: [SurvivalTrial]) -> String {
    var parts: [String] = []
    for outcome in SurvivalOutcome.allCases {
      let count = trials.count { $0.outcome == outcome }
      if count > 0 { parts.append("\(outcome.rawValue) \(count)") }
    }
    let dead = trials.filter { $0.outcome != .ok }.map(\.signals).sorted()
    return parts.joined(separator: ", ") + (dead.isEmpty ? "" : " @\(dead[dead.count / 2])")
  }

  private static func short(_ subject: String) -> String {
    for prefix in ["peer:", "rev:"] where subject.hasPrefix(prefix) {
      return prefix + (subject.split(separator: "/").last.map(String.init) ?? subject)
    }
    return subject
  }
}
