/// What `nolock run` measures: groups of cells and how often.
public struct Suite: Equatable, Sendable {
  public var name: String
  /// Path as opened, for messages.
  public var file: String
  public var title: String
  /// The subject that ratios are taken against.
  public var base: String
  /// Samples of every arm.
  public var blocks: Int
  /// The shortest measured part tried when calibrating, in milliseconds.
  public var sampleMilliseconds: Int
  /// Every random choice follows from it.
  public var seed: UInt64
  public var groups: [Group]
  /// Names of the events to count; empty if none.
  public var counters: [String] = []
  /// Where they stand, for messages.
  public var countersPlace = ""

  public static let largestBlocks = 100_000

  /// All cells, in the order written; a cell of two groups appears once.
  ///
  /// - Throws: `usage` where a combination makes no sense or nothing is left.
  public func cells() throws(Failure) -> [Cell] {
    var seen = Set<Cell>()
    var cells: [Cell] = []
    for group in groups {
      for cell in try group.cells(file: file) where seen.insert(cell).inserted {
        cells.append(cell)
      }
    }
    if cells.isEmpty { throw Failure(.usage, "suite \(file): no cells") }
    return cells
  }

  /// Applies `-p axis=a,b`: `workload` keeps the groups of those workloads; every other axis
  /// replaces the values of the groups that have it.
  ///
  /// - Throws: `usage` for an unknown axis or value, and where no group has the axis.
  public mutating func override(_ argument: String) throws(Failure) {
    let halves = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard halves.count == 2 else {
      throw Failure(.usage, "-p '\(argument)': not of the form axis=value,value")
    }
    guard let axis = Axis(rawValue: String(halves[0])) else {
      let all = Axis.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(.usage, "-p '\(argument)': axis '\(halves[0])' is unknown, allowed: \(all)")
    }
    let values = halves[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    for value in values where !axis.accepts(value) {
      throw Failure(
        .usage, "-p '\(argument)': \(axis.rawValue) '\(value)' found, allowed: \(axis.allowed)")
    }
    if axis == .workload {
      groups = groups.compactMap { group in
        var group = group
        group.values[.workload] = group.values[.workload]?.filter(values.contains)
        return group.values[.workload]?.isEmpty == false ? group : nil
      }
    } else {
      var changed = false
      for index in groups.indices where groups[index].has(axis) {
        groups[index].values[axis] = values
        changed = true
      }
      if !changed { groups = [] }
    }
    if groups.isEmpty { try none(argument) }
  }

  private func none(_ argument: String) throws(Failure) {
    throw Failure(.usage, "-p '\(argument)': no group of suite \(name) has this axis or value")
  }
}

extension Group {
  /// Whether the axis means something in this group.
  func has(_ axis: Axis) -> Bool {
    let workloads = (values[.workload] ?? []).compactMap(Workload.init(rawValue:))
    guard !workloads.isEmpty, workloads.allSatisfy(axis.applies(to:)) else { return false }
    return !axis.needsInterrupts || (values[.irq] ?? []).contains { $0 != "none" }
  }
}
