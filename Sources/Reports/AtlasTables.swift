public import Measurement

/// What an atlas shows as text and Markdown.
public enum AtlasTables {
  /// One row per state: the operation's own count, and the bound.
  public static func summary(_ results: [AtlasResult]) -> Table {
    let counted = results.allSatisfy { $0.bound == nil }
    var columns: [Table.Column] = [
      .init("operation", .left), .init("state", .left), .init("instructions"),
    ]
    if !counted {
      columns += [
        .init("boundaries"), .init("handler's kmalloc_nolock"), .init("handler's kfree_nolock"),
        .init("buckets"), .init("failed"), .init("deferred"), .init("waits", .left),
      ]
    }
    let done = results.filter { $0.reason == nil }
    return Table(
      title: "atlas of \(results.first?.subject ?? ""), \(results.first?.size ?? 0) bytes",
      subtitle: "exact instructions by single-step", columns: columns,
      rows: done.map { result in
        var row = [result.operation, result.state, "\(result.instructions)"]
        if let bound = result.bound {
          row += [
            "\(result.boundaries.count)", "\(bound.allocationInstructions)",
            "\(bound.releaseInstructions)", "\(bound.buckets)", "\(bound.failures)",
            "\(bound.deferred)",
            bound.defects > 0
              ? "DEFECT"
              : bound.pauses > 0 ? "spins" : bound.systemCalls > 0 ? "1 gettid" : "never",
          ]
        }
        return row
      }, notes: results.compactMap { result in result.reason.map { "not done: \($0)" } })
  }

  /// The runs of boundaries at which handlers met the same.
  public static func runs(_ result: AtlasResult) -> Table {
    var rows: [[String]] = []
    var first = 0
    let all = result.boundaries
    while first < all.count {
      var last = first
      while last + 1 < all.count, same(all[first], all[last + 1]) { last += 1 }
      let part = all[first...last]
      let loop = part.map(\.loop).max() ?? 1
      rows.append([
        all[first].number == all[last].number
          ? "\(all[first].number)" : "\(all[first].number)–\(all[last].number)",
        all[first].place, all[first].line ?? "", loop > 3 ? "loop ×\(loop)" : "",
        all[first].allocation.text, range(part.map(\.allocation.instructions)),
        all[first].release.text, range(part.map(\.release.instructions)),
      ])
      first = last + 1
    }
    return Table(
      title:
        "\(result.operation) of \(result.subject), state \(result.state), \(result.size) bytes: "
        + "\(result.instructions) instructions",
      subtitle: "a handler at every boundary allocates, or frees",
      columns: [
        .init("boundaries", .left), .init("from", .left), .init("line", .left), .init("", .left),
        .init("kmalloc_nolock", .left), .init("instructions"), .init("kfree_nolock", .left),
        .init("instructions"),
      ], rows: rows, notes: result.bound.map { [$0.text] } ?? [])
  }

  /// Every boundary, for CSV.
  public static func boundaries(_ results: [AtlasResult]) -> Table {
    let names = [
      "subject", "operation", "state", "size", "boundary", "symbol", "offset", "line", "loop",
      "alloc_outcome", "alloc_why", "alloc_instructions", "free_outcome", "free_why",
      "free_instructions", "source",
    ]
    return Table(
      title: "atlas", columns: names.map { Table.Column($0) },
      rows: results.flatMap { result in
        result.boundaries.map {
          [
            result.subject, result.operation, result.state, "\(result.size)", "\($0.number)",
            $0.symbol ?? "", $0.offset.map { "\($0)" } ?? "", $0.line ?? "", "\($0.loop)",
            $0.allocation.kind.rawValue, $0.allocation.why, "\($0.allocation.instructions)",
            $0.release.kind.rawValue, $0.release.why, "\($0.release.instructions)", "step",
          ]
        }
      })
  }

  private static func same(_ a: AtlasBoundary, _ b: AtlasBoundary) -> Bool {
    a.allocation.text == b.allocation.text && a.release.text == b.release.text
  }

  private static func range(_ values: [Int]) -> String {
    guard let low = values.min(), let high = values.max() else { return "" }
    return low == high ? "\(low)" : "\(low)–\(high)"
  }
}
