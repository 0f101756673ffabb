import Foundation
import Injection

/// How much of a state the atlas asks for (Atlas/AtlasRun.swift).
public enum AtlasMode: String, Sendable { case count, linear, exhaustive, quadratic }

/// An operation and state that can be asked for.
public struct AtlasState: Codable, Equatable, Sendable {
  public var operation: String
  public var name: String
  public var summary: String
}

extension SampleTool {
  /// What the program can count and interrupt in this subject.
  ///
  /// - Throws: `void` where the subject is not here; `sampleFailed` where the answer is not
  ///   the agreed one.
  public func atlasStates(_ subject: String) throws(Failure) -> [AtlasState] {
    let (name, object) = Cell(subject: subject, workload: .pair, mix: "").nameAndObject
    let result = try child(["--states", name, object]).run(input: [], seconds: 30, signals: nil)
    if result.end == .exited(3) {
      let said = String(decoding: result.output, as: UTF8.self).split(whereSeparator: \.isNewline)
      throw Failure(.void, said.first.map { String($0.dropFirst("missing\t".count)) } ?? subject)
    }
    guard result.end == .exited(0) else {
      throw Failure(.sampleFailed, "\(path) --states failed: \(result.end)")
    }
    var states: [AtlasState] = []
    for line in String(decoding: result.output, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: "\t").map(String.init)
      guard words.count == 3 else {
        throw Failure(.sampleFailed, "\(path) --states: line '\(line)' is not three words")
      }
      states.append(AtlasState(operation: words[0], name: words[1], summary: words[2]))
    }
    return states
  }

  /// What `atlas` will take: seconds and boundaries; nil where it cannot be done, which `atlas` says.
  public func atlasEstimate(
    subject: String, _ state: AtlasState, size: Int, mode: AtlasMode, signals: Signals?
  ) throws(Failure) -> (seconds: Double, boundaries: Int)? {
    let (name, object) = Cell(subject: subject, workload: .pair, mix: "").nameAndObject
    let words = [
      "--atlas", name, object, state.operation, state.name, "\(size)", "estimate-\(mode.rawValue)",
    ]
    let ended = try child(words).run(input: [], seconds: 120, signals: signals)
    if ended.end == .interrupted { throw Failure(.interrupted, "interrupted") }
    let said = String(decoding: ended.output, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard said.count == 3, said[0] == "estimate", let milliseconds = Double(said[1]),
      let boundaries = Int(said[2])
    else { return nil }
    return (milliseconds / 1e3, boundaries)
  }

  /// One state of one subject; `reason` says why not where it cannot be done here.
  ///
  /// - Throws: `interrupted`, or `sampleFailed` where the program broke.
  public func atlas(
    subject: String, _ state: AtlasState, size: Int, mode: AtlasMode, seconds: Double = 7200,
    signals: Signals?
  ) throws(Failure) -> AtlasResult {
    let (name, object) = Cell(subject: subject, workload: .pair, mix: "").nameAndObject
    let words = ["--atlas", name, object, state.operation, state.name, "\(size)", mode.rawValue]
    let ended = try child(words).run(input: [], seconds: seconds, signals: signals)
    if ended.end == .interrupted { throw Failure(.interrupted, "interrupted") }
    var result = AtlasResult(
      subject: subject, operation: state.operation, state: state.name, size: size)
    guard ended.end == .exited(0) || ended.end == .exited(3) else {
      let said = String(decoding: ended.errors.suffix(200), as: UTF8.self)
      throw Failure(.sampleFailed, "atlas \(state.operation)/\(state.name): \(ended.end) \(said)")
    }
    do {
      try result.read(String(decoding: ended.output, as: UTF8.self))
    } catch {
      throw Failure(.sampleFailed, "atlas \(state.operation)/\(state.name): \(error.text)")
    }
    return result
  }
}

/// Adds symbols and, where debug information has them, source lines.
///
/// - Returns: why there are no lines, if so.
public func addPlaces(to results: inout [AtlasResult]) -> String? {
  var addresses: [String: Set<UInt64>] = [:]
  for result in results {
    for boundary in result.boundaries { addresses[boundary.object, default: []].insert(boundary.address) }
  }
  let lines = SourceLines()
  for (object, wanted) in addresses {
    let table = FunctionTable(path: object)
    let found = lines.find(wanted.sorted(), in: object)
    for result in results.indices {
      for index in results[result].boundaries.indices
      where results[result].boundaries[index].object == object {
        let address = results[result].boundaries[index].address
        let symbol = table.find(address)
        results[result].boundaries[index].symbol = symbol?.name
        results[result].boundaries[index].offset = symbol?.offset
        results[result].boundaries[index].line = found[address]
      }
    }
  }
  return lines.reason
}
