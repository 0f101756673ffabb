/// What the samples so far say about each arm and block, kept as they come in.
struct Ledger {
  private struct Arm {
    var ok = 0
    var failed = 0
    var skipped = 0
    /// The last attempt of each block that has a sample of this arm.
    var attempts: [Int: Int] = [:]

    /// An arm that cannot run (skipped), or that failed twice and never gave a result, is not run
    /// again: its comparison goes on without it.
    var isWithdrawn: Bool { skipped > 0 || (ok == 0 && failed >= 2) }
  }

  private var arms: [String: Arm] = [:]

  init(_ samples: [Sample]) {
    for sample in samples { add(sample) }
  }

  mutating func add(_ sample: Sample) {
    var arm = arms[sample.hash] ?? Arm()
    switch sample.status {
    case .ok: arm.ok += 1
    case .failed: arm.failed += 1
    case .skipped: arm.skipped += 1
    }
    arm.attempts[sample.block] = max(sample.attempt, arm.attempts[sample.block] ?? 0)
    arms[sample.hash] = arm
  }

  func isWithdrawn(_ hash: String) -> Bool { arms[hash]?.isWithdrawn ?? false }

  /// The last attempt at a block; `nil` iff it was never begun.
  func attempt(_ comparison: Plan.Comparison, block: Int) -> Int? {
    comparison.arms.compactMap { arms[$0.hash]?.attempts[block] }.max()
  }

  /// Whether every arm that can run has a sample in the last attempt at a block.
  func isComplete(_ comparison: Plan.Comparison, block: Int) -> Bool {
    guard let last = attempt(comparison, block: block) else { return false }
    return comparison.arms.allSatisfy {
      isWithdrawn($0.hash) || arms[$0.hash]?.attempts[block] == last
    }
  }

  /// Samples run and to be run in all, skipped ones apart.
  func progress(_ plan: Plan) -> (done: Int, total: Int) {
    var done = 0
    var total = 0
    for comparison in plan.comparisons {
      for hash in comparison.arms.map(\.hash) {
        let arm = arms[hash] ?? Arm()
        let ran = arm.ok + arm.failed
        done += ran
        total += arm.isWithdrawn ? ran : max(ran, plan.blocks(of: comparison))
      }
    }
    return (done, total)
  }
}
