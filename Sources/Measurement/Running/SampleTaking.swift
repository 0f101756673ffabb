import Foundation

/// Where a sample stands in its run.
struct SamplePlace {
  var cell: String
  var hash: String
  var block: Int
  var position: Int
  var attempt: Int
  var seed: UInt64
}

extension Sample {
  /// A sample of this place without any values yet.
  init(_ place: SamplePlace, _ status: Status, reason: String? = nil) {
    self.init(
      cell: place.cell, hash: place.hash, block: place.block, position: place.position,
      attempt: place.attempt, seed: place.seed, status: status, reason: reason,
      startedAt: Date().timeIntervalSince1970, processNanoseconds: 0, metrics: [], latency: [])
  }
}

extension SampleTool {
  /// Runs one sample and books how it ended; `nil` iff it was interrupted.
  ///
  /// - Parameters:
  ///   - seconds: after this time the process is killed.
  ///   - counters: what its `counter.N` are called.
  /// - Throws: `notPermitted` where the program cannot be started.
  func take(
    _ place: SamplePlace, _ entry: PlanEntry, seconds: Double, signals: Signals,
    counters: CounterPlan? = nil
  ) throws(Failure) -> Sample? {
    var sample = Sample(place, .failed)
    let before = monotonicSeconds()
    let outcome = try run(entry, seconds: seconds, signals: signals)
    sample.processNanoseconds = UInt64((monotonicSeconds() - before) * 1e9)
    switch outcome {
    case .interrupted: return nil
    case .failed(let reason, let signal):
      sample.reason = reason
      sample.signal = signal
    case .record(let record):
      sample.status = record.status
      sample.reason = record.status == .ok ? nil : record.reason
      // These may have a reason in a value's place; a metric is a value.
      sample.metrics = record.metrics.filter {
        !$0.name.hasPrefix("counter.") && !$0.name.hasPrefix("pmu_")
      }
      if record.status == .ok { sample.exact = ExactCount(record) }
      sample.latency = record.buckets
      sample.intendedLatency = record.intended
      sample.insideLatency = record.inside
      if let counters, record.status == .ok {
        sample.counters = counters.values(
          record.metrics, errors: record.errors, block: place.block)
      }
    }
    return sample
  }
}
