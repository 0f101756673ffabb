import ArgumentParser
import Measurement

/// Options that compare, gate and series share.
struct ComparisonOptions: ParsableArguments {
  @Option(help: .init("Cells: a suite's name or path (default: compare).", valueName: "file"))
  var suite = "compare"

  @Option(
    name: .shortAndLong, parsing: .singleValue,
    help: .init("Values of an axis; may be repeated.", valueName: "axis=a,b"))
  var parameter: [String] = []

  @Option(help: .init("Wall time for each cell: 60s, 2m, 500ms.", valueName: "time"))
  var budget = "60s"

  @Option(help: .init("At most so many blocks per cell.", valueName: "n"))
  var blocks: Int?

  @Option(help: .init("Layouts that each revision is built in.", valueName: "n"))
  var layouts = 4

  @Option(help: "Design of a revision, as its build-subject knows it: sheaves, heap, …")
  var design = "sheaves"

  @Option(help: .init("Seed of every random order (default: fresh).", valueName: "n"))
  var seed: UInt64?

  @Option(name: .shortAndLong, help: .init("Folder of the result files.", valueName: "dir"))
  var output: String?

  @Flag(help: "Go on with the interrupted comparison of the output folder.")
  var resume = false

  @Option(help: "text, json, csv or markdown.")
  var format = OutputFormat.text

  func validate() throws {
    do {
      try check()
    } catch {
      throw ValidationError(error.message)
    }
  }

  private func check() throws(Failure) {
    if resume && output == nil { throw Failure(.usage, "--resume needs the folder: -o DIR") }
    if let blocks, !(1...1_000_000).contains(blocks) {
      throw Failure(.usage, "--blocks '\(blocks)' found, allowed: 1…1000000")
    }
    guard (1...16).contains(layouts) else {
      throw Failure(.usage, "--layouts '\(layouts)' found, allowed: 1…16")
    }
    guard !design.isEmpty,
      design.allSatisfy({ $0.isASCII && ($0.isLetter || "-0123456789".contains($0)) })
    else {
      throw Failure(.usage, "--design '\(design)' found, allowed: a design's name: sheaves, heap")
    }
    _ = try seconds()
  }

  /// The budget in seconds.
  func seconds() throws(Failure) -> Double {
    let units: [(String, Double)] = [("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600), ("", 1)]
    for (unit, factor) in units where budget.hasSuffix(unit) {
      if let value = Double(budget.dropLast(unit.count)), value > 0, value * factor <= 86_400 {
        return value * factor
      }
    }
    throw Failure(
      .usage, "--budget '\(budget)' found, allowed: above 0, at most 24h: 60s, 2m, 500ms")
  }

  /// The cells of the suite without their subjects, each once, and the suite's path.
  func cells() throws(Failure) -> (cells: [Cell], path: String) {
    let path = try SuiteFinder.find(suite)
    var suite = try Suite(path: path)
    for argument in parameter {
      if argument.hasPrefix("subject=") {
        throw Failure(.usage, "-p '\(argument)': the subjects are the arguments of the command")
      }
      try suite.override(argument)
    }
    var cells: [Cell] = []
    for var cell in try suite.cells() {
      cell.subject = "*"
      if !cells.contains(cell) { cells.append(cell) }
    }
    return (cells, path)
  }
}

/// What compare and series look at.
struct ComparedMetrics: ParsableArguments {
  @Option(
    help: .init(
      "Differences within it do not matter (of a metric that may be 0: in its unit).",
      valueName: "share"))
  var margin = "2%"

  @Option(
    parsing: .singleValue,
    help: .init("A metric (default: ns_per_op); may be repeated.", valueName: "name"))
  var metric: [String] = []

  /// - Throws: `usage` for a margin or name that is none.
  func metrics() throws(Failure) -> [ComparisonPlan.Metric] {
    guard let share = parseShare(margin) else {
      throw Failure(.usage, "--margin '\(margin)' found, allowed: above 0: 2%, 0.02")
    }
    let names = metric.isEmpty ? ["ns_per_op"] : metric
    for name in names where !Derived.gated.contains(name) {
      throw Failure(
        .usage,
        "--metric '\(name)' found, allowed: " + Derived.gated.joined(separator: ", "))
    }
    guard Set(names).count == names.count else {
      throw Failure(.usage, "--metric: a name stands twice")
    }
    return names.map { .init(name: $0, limit: share) }
  }
}

/// A share as people write it: `2%`, `2 %`, `0.02`.
func parseShare(_ text: String) -> Double? {
  let trimmed = text.filter { $0 != " " }
  let value =
    trimmed.hasSuffix("%") ? Double(trimmed.dropLast()).map { $0 / 100 } : Double(trimmed)
  guard let value, value > 0, value < 10 else { return nil }
  return value
}
