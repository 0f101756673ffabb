import CNolock
import CPlatform
import CRecords
import Counters
import Glibc
import Injection
import Subjects

/// One sample, from its threads' start to its record.  Runs on the main thread.
@safe struct SampleRun {
  let plan: Plan
  private let subject: Subject
  private let schedule: ReplaySchedule?
  private let shared: UnsafeMutablePointer<SharedState>
  let blocks: UnsafeMutablePointer<ThreadBlock>
  private let gaps: GapTable?
  private let secondGaps: GapTable?
  private let clock: TickClock

  init(_ plan: Plan, _ subject: Subject, _ schedule: ReplaySchedule?) {
    self.plan = plan
    self.subject = subject
    self.schedule = schedule
    // Only handlers convert ticks while they run.
    clock = TickClock(
      calibratingFor: plan.handlerAllocates || plan.replayContexts ? 1_000_000 : 200_000)
    gaps = plan.irq != .none && plan.poisson ? GapTable(rate: plan.rate, seed: plan.seed) : nil
    secondGaps =
      plan.second != .none && plan.poisson && plan.second != .perf
      ? GapTable(rate: plan.secondRate, seed: plan.seed &+ 1) : nil
    let checked = !subject.returnsOneObject
    let calls = Calls(
      subject, nolockCalls: plan.nolockCalls,
      around: unsafe plan.irq == .step
        ? .stepper(onStep) : plan.maskable && plan.irq != .none ? .softFlag : .nothing)
    let functions = breakpoints(plan, subject)
    let probes = plan.irq == .probe
    unsafe shared = unsafe mapped(SharedState.self, count: 1)
    unsafe shared.initialize(
      to: SharedState(
        plan: LoopPlan(
          workload: plan.workload, pin: plan.pin, batch: plan.batch, live: plan.live, mix: plan.mix,
          interrupted: plan.irq != .none, handlerAllocates: plan.handlerAllocates,
          maskable: plan.maskable, checked: checked,
          checkedLoop: checked && plan.isStorm, replayContexts: plan.replayContexts,
          dilation: plan.dilation, dilationChunk: plan.dilationChunk, schedule: schedule,
          events: plan.events),
        calls: calls, threads: plan.threads, attach: subject.ops.pointee.thread_attach,
        detach: subject.ops.pointee.thread_detach))
    unsafe blocks = unsafe mapped(ThreadBlock.self, count: plan.threads)
    let objectCount =
      switch plan.workload {
      case .pair, .churn: plan.live
      case .larson: plan.live
      case .batch, .kunit: plan.batch
      case .handoff: TransferRing.capacity
      case .storm, .replay: 0
      }
    let exchange = plan.workload == .larson ? SlotExchange(slots: plan.live) : nil
    let rings = (0..<(plan.workload == .handoff ? plan.threads / 2 : 0)).map { _ in TransferRing() }
    for index in 0..<plan.threads {
      var seed = plan.seed &+ UInt64(index + 1) &* 0x9e37_79b9_7f4a_7c15
      seed ^= seed >> 31
      let shuffled = plan.workload == .batch && plan.shuffled
      unsafe (blocks + index).initialize(
        to: ThreadBlock(
          index: index, shared: shared,
          source: InterruptSource(
            kind: plan.oneThread && index > 0 ? .none : plan.irq, rate: plan.rate, gaps: gaps,
            seed: seed, burst: plan.burst, functions: functions,
            cyclesPerSecond: clock.frequency, frequency: plan.frequency),
          second: InterruptSource(
            kind: plan.oneThread && index > 0 ? .none : plan.second, rate: plan.secondRate,
            gaps: secondGaps, seed: seed &* 3, cyclesPerSecond: clock.frequency,
            frequency: plan.frequency),
          probes: probes ? mapped(UInt64.self, count: Int(NL_PROBE_POINTS)) : nil,
          traffic: HandlerTraffic(
            calls: calls, mix: plan.handlerMix, multiplier: clock.multiplier, checked: checked,
            kunitSize: plan.workload == .kunit ? Int(plan.mix.sizes[0]) : 0, seed: seed),
          objects: mapped(UnsafeMutableRawPointer?.self, count: objectCount),
          objectCount: objectCount,
          order: shuffled ? permutation(count: plan.batch, seed: seed) : nil,
          transfer: rings.isEmpty ? nil : rings[index / 2],
          receives: !rings.isEmpty && index % 2 == 1, exchange: exchange, random: seed | 1))
    }
    // Handlers pass objects to the next thread; with one thread only to its own foreground.
    for index in 0..<plan.threads {
      let next = unsafe blocks + (index + 1) % plan.threads
      unsafe blocks[index].traffic.nextForeground = unsafe field(next, \.toForeground)
      if plan.threads > 1 {
        unsafe blocks[index].traffic.nextHandler = unsafe field(next, \.toHandler)
      }
    }
  }

  /// Measures and returns the record.
  func record() -> SampleRecord {
    let first = SubjectStatistics(subject)
    if plan.irq != .none {
      for kind in [plan.irq, plan.second] where kind.hasRate || kind == .breakpoint {
        let error = unsafe InterruptSource.install(onInterrupt, for: kind)
        if error != 0 { return SampleRecord(NL_FAILED, "sigaction: \(errorText(error))") }
      }
      if plan.irq == .probe, let refusal = setProbes(subject) { return refusal }
    }
    if plan.replayContexts {
      let error = unsafe InterruptSource.installSelfSignal(onReplay)
      if error != 0 { return SampleRecord(NL_FAILED, "sigaction: \(errorText(error))") }
    }
    if let reason = startThreads() { return SampleRecord(NL_FAILED, reason) }
    command(.prepare)
    if let refusal = setUpError() { return refusal }
    var storm: StormThread?
    if plan.irq == .tgkill || plan.second == .tgkill {
      let second = plan.second == .tgkill
      let sources = unsafe (0..<plan.threads).map {
        index -> UnsafeMutablePointer<InterruptSource> in
        unsafe second ? field(blocks + index, \.second) : field(blocks + index, \.source)
      }
      storm = unsafe StormThread(
        sources: sources, rate: second ? plan.secondRate : plan.rate,
        gaps: second ? secondGaps : gaps)
      if storm == nil { return SampleRecord(NL_FAILED, "pthread_create: \(errorText(errno))") }
    }

    let operations = warmUp()
    if plan.handlerAllocates { command(.prime) }
    let residentBefore = ResidentMemory.now()
    let before = SubjectStatistics(subject)
    let countsBefore = total()
    let sentBefore = storm?.sent() ?? 0
    let mergedBefore = storm?.merged() ?? 0
    for index in 0..<plan.threads {
      unsafe blocks[index].traffic.latency.clear()
      unsafe blocks[index].counters.clear()
      unsafe blocks[index].lateness.clear()
      unsafe blocks[index].inside.clear()
    }
    let measured = measure(operations)
    let events = eventCounts()
    let countsAfter = total()
    let after = SubjectStatistics(subject)
    let residentAfter = ResidentMemory.now()
    let merged = storm.map { $0.merged() &- mergedBefore }
    let sent = storm.map { $0.end() &- sentBefore }

    command(.cleanUp)
    command(.quit)
    for index in 0..<plan.threads { unsafe pthread_join(blocks[index].thread, nil) }
    if let barrier = unsafe subject.ops.pointee.barrier { barrier() }
    let last = SubjectStatistics(subject)

    var whole = total()
    let part = Counts.combine(countsAfter, countsBefore, &-)
    if let schedule {
      let wanted = schedule.remoteFrees &* measured.runs
      whole.droppedFrees = wanted &- (part.remoteFrees &+ part.handlerRemoteFrees)
    }
    var record = SampleRecord()
    measured.write(to: &record, clock)
    write(part, whole, measured, sent: sent, merged: merged, to: &record)
    write(events, measured, to: &record)
    writeLateness(part, to: &record)
    if plan.pin, plan.threads > 1, let trip = CoreRoundTrip.measure() {
      record.add("core_round_trip_ns", trip)
    }
    if let residentBefore { record.add("resident_before_bytes", residentBefore) }
    if let residentAfter { record.add("resident_bytes", residentAfter) }
    if let peak = ResidentMemory.peak() { record.add("peak_resident_bytes", peak) }
    for (name, value) in after.difference(since: before).values {
      record.add("stat.\(name)", value)
    }
    record.add(
      latencies { $0.traffic.latency }, intended: latencies { $0.lateness },
      inside: latencies { $0.inside })
    if let error = bookError(
      whole, subject, statistics: last.difference(since: first), limited: plan.memoryLimit != 0)
    {
      record.fail(error)
    }
    return record
  }

  private func startThreads() -> String? {
    for index in 0..<plan.threads {
      let error = unsafe pthread_create(
        &blocks[index].thread, nil,
        { argument in
          unsafe foregroundThread(argument!.assumingMemoryBound(to: ThreadBlock.self))
          return nil
        }, blocks + index)
      if error != 0 { return "pthread_create: \(errorText(error))" }
    }
    return nil
  }

  private func command(_ command: Command) {
    unsafe shared.pointee.command = command
    unsafe shared.pointee.gate.open(threads: UInt32(plan.threads))
  }

  private func setUpError() -> SampleRecord? {
    for index in 0..<plan.threads {
      let error = unsafe blocks[index].setUpError
      switch unsafe blocks[index].setUpStep {
      case .none: continue
      case .pin: return SampleRecord(NL_FAILED, "sched_setaffinity: \(errorText(error))")
      case .interrupts:
        return SampleRecord(NL_SKIPPED, "irq \(plan.irq): \(errorText(error))")
      }
    }
    return nil
  }

  /// Runs unmeasured until caches and branch predictors have seen the loop; returns the operations
  /// per thread of the measured part (replay: passes).
  private func warmUp() -> UInt64 {
    if plan.workload == .replay {
      let elapsed = run(1).longest
      command(.endPass)
      if plan.iterations != 0 { return plan.iterations }
      return max(1, plan.targetNanoseconds / max(1, elapsed))
    }
    if plan.iterations != 0 {
      _ = run(min(plan.iterations, 10_000))
      return plan.iterations
    }
    let target = plan.targetNanoseconds
    let unit = plan.workload == .batch || plan.workload == .kunit ? UInt64(plan.batch) : 1
    var operations = max(unit, 1000)
    while true {
      let elapsed = max(1, run(operations).longest)
      let factor = Double(target) / Double(elapsed)
      // Long enough to be scaled up to the target, within the error of a quarter of it.
      let done = elapsed >= target / 4 || operations >= 1 << 50
      let next = Double(operations) * (done ? factor : min(100, max(2, factor / 2)))
      operations = max(unit, UInt64(next) / unit * unit)
      if done { return operations }
    }
  }

  /// The measured part; replay: one run per pass, with the leftovers freed between.
  private func measure(_ operations: UInt64) -> Measured {
    guard plan.workload == .replay else {
      return run(operations, minimum: plan.minimumNanoseconds)
    }
    var sum = Measured()
    while sum.runs < operations || sum.wall < plan.minimumNanoseconds {
      sum.add(run(1))
      command(.endPass)
    }
    return sum
  }

  private func run(_ operations: UInt64, minimum: UInt64 = 0) -> Measured {
    unsafe shared.pointee.operations = operations
    unsafe shared.pointee.minimumNanoseconds = minimum
    command(.run)
    return unsafe Measured(blocks, threads: plan.threads)
  }

  /// What the threads counted, per event; read before they close their counters.
  private func eventCounts() -> [EventCount] {
    (0..<plan.events.count).map { event in
      var sum = EventCount()
      for index in 0..<plan.threads {
        unsafe sum.add(blocks[index].counters.count(of: event))
      }
      return sum
    }
  }

  /// What one thread counted of an event, in its own group.
  func eventCount(_ event: Int, thread: Int) -> EventCount {
    unsafe blocks[thread].counters.count(of: event)
  }

  /// What one reading costs the first thread, in nanoseconds.
  var counterReadNanoseconds: UInt64 { unsafe blocks[0].counters.readNanoseconds }

  private func total() -> Counts {
    (0..<plan.threads).reduce(Counts()) { unsafe Counts.combine($0, blocks[$1].counts, &+) }
  }

  /// The threads' histograms, added up.
  func latencies(_ histogram: (borrowing ThreadBlock) -> LatencyHistogram) -> [UInt64] {
    var sum = [UInt64](repeating: 0, count: LatencyHistogram.bucketCount)
    for index in 0..<plan.threads {
      let own = unsafe histogram(blocks[index])
      for bucket in sum.indices { unsafe sum[bucket] &+= own.counts[bucket] }
    }
    return sum
  }
}

/// A pointer to one stored property of a block, which never moves.
private func field<T>(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ property: PartialKeyPath<ThreadBlock>
) -> UnsafeMutablePointer<T> {
  let offset = MemoryLayout<ThreadBlock>.offset(of: property)!
  return unsafe (UnsafeMutableRawPointer(block) + offset).assumingMemoryBound(to: T.self)
}
