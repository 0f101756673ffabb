import CRecords

/// Single samples of one small cell, outside any plan: what a sample costs, and what two equal arms
/// differ by.
public struct SampleProbe: Sendable {
  private let tool: SampleTool
  private let cell: Cell

  /// Pairs of 64 bytes on one thread.
  public init(_ tool: SampleTool, subject: String) {
    self.tool = tool
    cell = Cell(subject: subject, workload: .pair, mix: "fixed:64")
  }

  /// The cell's id, for reports.
  public var id: String { cell.id }

  /// Runs one sample.
  ///
  /// - Parameter iterations: 0 = the sample calibrates itself to `targetNanoseconds`.
  /// - Throws: `sampleFailed` with the reason where there is no ok record.
  public func run(iterations: UInt64, targetNanoseconds: UInt64, seed: UInt64) throws(Failure)
    -> Sample
  {
    let mix = MixTable(fixed: 64)
    let entry = try PlanEntry(
      cell, iterations: iterations, targetNanoseconds: targetNanoseconds, seed: seed, mix: mix,
      handlerMix: mix, trace: "")
    let before = monotonicSeconds()
    switch try tool.run(entry, seconds: 10, signals: nil) {
    case .interrupted: throw Failure(.interrupted, "interrupted")
    case .failed(let reason, _): throw Failure(.sampleFailed, "\(cell.id): \(reason)")
    case .record(let record):
      let took = UInt64((monotonicSeconds() - before) * 1e9)
      guard record.status == .ok else {
        throw Failure(.sampleFailed, "\(cell.id): \(record.reason)")
      }
      return Sample(
        cell: cell.id, hash: cell.hash, block: 0, position: 0, attempt: 0, seed: seed, status: .ok,
        startedAt: 0, processNanoseconds: took, metrics: record.metrics, latency: [])
    }
  }
}
