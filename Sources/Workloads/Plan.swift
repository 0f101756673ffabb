import CNolock
import CPlatform
import CRecords
import Counters
import Injection

/// What the foreground threads do.
enum Workload: UInt32 {
  case pair = 1
  case batch = 2
  case churn = 3
  case storm = 4
  case replay = 5
  case handoff = 6
  case larson = 7
  case kunit = 8
}

/// Sizes that an operation draws from, in bytes; their number is a power of two.
@safe struct SizeTable {
  let sizes: UnsafeMutablePointer<UInt32>
  let count: Int
  var mask: UInt64 { UInt64(count - 1) }
}

/// Perf events to count around the measured part.
@safe struct EventTable {
  let events: UnsafeMutablePointer<CountedEvent>
  let count: Int
}

/// A checked plan entry.
struct Plan {
  var subject: String
  var objectPath: String
  var tracePath: String
  /// Never `storm`, which is its foreground with checked objects.
  var workload: Workload
  var isStorm: Bool
  var threads: Int
  var batch: Int
  var shuffled: Bool
  var live: Int
  var irq: InterruptKind
  var poisson: Bool
  /// A second source, of another kind.
  var second: InterruptKind
  var secondRate: Double
  var burst: UInt32
  var oneThread: Bool
  /// Class hardirq: interrupts are held off while the foreground is inside the allocator.
  var maskable: Bool
  /// perf on a PMU: the kernel adapts the period.
  var frequency: Bool
  /// breakpoint: functions by name.
  var functions: [String]
  /// pair, batch, churn: exact instruction counts instead of times.
  var counted: Bool
  var handlerEmpty: Bool
  var rate: Double
  var iterations: UInt64
  var targetNanoseconds: UInt64
  var minimumNanoseconds: UInt64
  var seed: UInt64
  var memoryLimit: UInt64
  var pin: Bool
  var replayContexts: Bool
  var nolockCalls: Bool
  /// Share of each chunk's own time that is spent spinning after it.
  var dilation: Double
  /// Operations in a chunk; 0 = the plain loop.
  var dilationChunk: UInt64
  var mix: SizeTable
  var handlerMix: SizeTable
  var events: EventTable

  /// Whether a handler allocates and frees.
  var handlerAllocates: Bool { irq != .none && !handlerEmpty }
}

/// Why a plan entry is not one: the field, what was found, what is allowed.
public struct PlanError: Error {
  public let text: String
}

extension Plan {
  init(_ entry: UnsafePointer<nl_plan_entry>) throws(PlanError) {
    events = try unsafe eventTable(entry)
    subject = try unsafe text(nl_plan_subject(entry), 64, "subject")
    objectPath = try unsafe text(nl_plan_object_path(entry), 1024, "object_path")
    tracePath = try unsafe text(nl_plan_trace_path(entry), 1024, "trace_path")
    let functionNames = try unsafe text(nl_plan_irq_function(entry), 1024, "irq_function")
    let entry = unsafe entry.pointee
    guard let named = Workload(rawValue: entry.workload) else {
      throw bad("workload", entry.workload, "1…8")
    }
    isStorm = named == .storm
    if isStorm {
      guard let foreground = Workload(rawValue: entry.foreground),
        foreground == .pair || foreground == .churn
      else { throw bad("foreground", entry.foreground, "1 (pair) or 3 (churn)") }
      workload = foreground
    } else {
      workload = named
    }
    threads = Int(try within(entry.threads, 1...UInt32(NL_MAX_THREADS), "threads"))
    guard workload != .handoff || threads % 2 == 0 else {
      throw PlanError(
        text: "plan entry: threads is \(threads), allowed for handoff: an even number")
    }
    let needsBatch = workload == .batch || workload == .kunit
    batch = Int(try within(entry.batch, (needsBatch ? 1 : 0)...(1 << 20), "batch"))
    shuffled = try flag(entry.shuffled, "shuffled")
    live = Int(
      try within(
        entry.live, (workload == .churn || workload == .larson ? 1 : 0)...(1 << 24), "live"))
    guard let kind = InterruptKind(rawValue: entry.irq) else { throw bad("irq", entry.irq, "0…6") }
    irq = kind
    poisson = try flag(entry.arrivals, "arrivals")
    handlerEmpty = try flag(entry.handler, "handler")
    rate = entry.irq_rate
    guard !kind.hasRate || (rate > 0 && rate <= 1e6) else {
      throw PlanError(
        text: "plan entry: irq_rate is \(rate), allowed: above 0, at most 1000000 per second")
    }
    guard let other = InterruptKind(rawValue: entry.irq2), other == .none || other.hasRate,
      other == .none || (kind != .none && other != kind)
    else { throw bad("irq2", entry.irq2, "0, or 1…3 but not irq's own, with irq set") }
    second = other
    secondRate = entry.irq2_rate
    guard second == .none || (secondRate > 0 && secondRate <= 1e6) else {
      throw PlanError(
        text: "plan entry: irq2_rate is \(secondRate), allowed: above 0, at most 1000000 per second"
      )
    }
    burst = max(1, try within(entry.irq_burst, 0...1024, "irq_burst"))
    oneThread = try flag(entry.irq_one_thread, "irq_one_thread")
    maskable = try flag(entry.irq_class, "irq_class")
    frequency = try flag(entry.irq_frequency, "irq_frequency")
    counted = try flag(entry.counted, "counted")
    let countable = [.pair, .batch, .churn].contains(workload) && !isStorm
    guard !counted || (countable && irq == .none && threads == 1) else {
      throw PlanError(
        text: "plan entry: counted is 1, allowed with pair, batch or churn, one thread, no irq")
    }
    let names = functionNames.isEmpty ? "kmalloc" : functionNames
    functions = names.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard functions.count <= Breakpoints.slots else {
      throw PlanError(
        text: "plan entry: irq_function names \(functions.count) functions, "
          + "allowed: at most \(Breakpoints.slots), the processor's breakpoints")
    }
    guard kind != .step || (entry.iterations <= 10_000 && threads == 1) else {
      throw PlanError(
        text: "plan entry: irq step with \(threads) threads and \(entry.iterations) iterations, "
          + "allowed: one thread and 0…10000 iterations, for each instruction costs a signal")
    }
    guard kind != .step || ([.pair, .batch, .churn].contains(workload) && !maskable) else {
      throw PlanError(
        text: "plan entry: irq step, allowed with pair, batch, churn, storm of class nmi")
    }
    guard burst == 1 || kind.hasRate else { throw bad("irq_burst", burst, "1 without a rate") }
    // Nothing to calibrate where each instruction costs a signal, and what handlers defer meanwhile
    // makes the next call as long as a drain may be.
    let isFixed = kind == .step && entry.iterations == 0
    iterations = isFixed ? max(4, UInt64(batch)) : entry.iterations
    targetNanoseconds = entry.target_ns
    guard iterations > 0 || (targetNanoseconds > 0 && targetNanoseconds <= 3_600_000_000_000) else {
      throw PlanError(
        text: "plan entry: iterations is 0 and target_ns is \(targetNanoseconds), "
          + "allowed: 1…3600000000000")
    }
    guard iterations <= 1 << 50 else { throw bad("iterations", iterations, "0…2^50") }
    minimumNanoseconds = entry.minimum_ns
    seed = entry.seed
    memoryLimit = entry.memory_limit
    pin = try flag(entry.pin, "pin")
    replayContexts = try flag(entry.replay_contexts, "replay_contexts")
    nolockCalls = try flag(entry.nolock_calls, "nolock_calls")
    dilation = entry.dilation
    guard dilation >= 0, dilation <= 10 else {
      throw PlanError(text: "plan entry: dilation is \(dilation), allowed: 0…10")
    }
    dilationChunk = UInt64(entry.dilation_chunk)
    guard dilation == 0 || dilationChunk > 0 else { throw bad("dilation_chunk", 0, "1…") }
    let ownBucket = try flag(entry.handler_own_bucket, "handler_own_bucket")
    if workload == .replay && entry.mix_count == 0 {
      mix = unsafe SizeTable(sizes: mapped(UInt32.self, count: 1), count: 1)
    } else {
      mix = unsafe try table(entry, count: entry.mix_count, "mix") { unsafe nl_plan_mix($0) }
    }
    if irq == .none || handlerEmpty || ownBucket {
      handlerMix = mix
    } else {
      handlerMix = unsafe try table(entry, count: entry.handler_mix_count, "handler_mix") {
        unsafe nl_plan_handler_mix($0)
      }
    }
  }
}

private func bad(_ field: String, _ found: some BinaryInteger, _ allowed: String) -> PlanError {
  PlanError(text: "plan entry: \(field) is \(found), allowed: \(allowed)")
}

private func within(
  _ value: UInt32, _ range: ClosedRange<UInt32>, _ field: String
) throws(PlanError) -> UInt32 {
  guard range.contains(value) else {
    throw bad(field, value, "\(range.lowerBound)…\(range.upperBound)")
  }
  return value
}

private func flag(_ value: UInt32, _ field: String) throws(PlanError) -> Bool {
  try within(value, 0...1, field) == 1
}

private func text(
  _ characters: UnsafePointer<CChar>, _ capacity: Int, _ field: String
) throws(PlanError) -> String {
  for index in 0..<capacity where unsafe characters[index] == 0 {
    return unsafe String(cString: characters)
  }
  throw PlanError(text: "plan entry: \(field) has no end within \(capacity) bytes")
}

private func eventTable(_ entry: UnsafePointer<nl_plan_entry>) throws(PlanError) -> EventTable {
  let count = Int(
    try within(unsafe entry.pointee.counter_count, 0...UInt32(NL_MAX_COUNTERS), "counter_count"))
  let events = unsafe mapped(CountedEvent.self, count: count)
  guard let counters = unsafe nl_plan_counters(entry) else {
    return unsafe EventTable(events: events, count: 0)
  }
  for index in 0..<count {
    let counter = unsafe counters[index]
    guard let fallback = CounterFallback(rawValue: counter.fallback) else {
      throw bad("counters[\(index)].fallback", counter.fallback, "0…5")
    }
    unsafe (events + index).initialize(
      to: CountedEvent(
        event: nl_perf_event(
          type: counter.type, flags: counter.flags, config: counter.config,
          config1: counter.config1, config2: counter.config2),
        fallback: fallback,
        isHardware: try flag(counter.hardware, "counters[\(index)].hardware")))
  }
  return unsafe EventTable(events: events, count: count)
}

/// Copies a mix.  Sizes below 8 become 8: every subject's smallest bucket, and room for the word
/// that each object gets.
private func table(
  _ entry: nl_plan_entry, count: UInt32, _ field: String,
  _ sizes: (UnsafePointer<nl_plan_entry>) -> UnsafePointer<UInt32>?
) throws(PlanError) -> SizeTable {
  guard count > 0, count <= UInt32(NL_MIX_ENTRIES), count & (count - 1) == 0 else {
    throw bad("\(field)_count", count, "a power of two, at most \(NL_MIX_ENTRIES)")
  }
  let copy = unsafe mapped(UInt32.self, count: Int(count))
  let wrong = unsafe withUnsafePointer(to: entry) { entry -> (Int, UInt32)? in
    guard let source = unsafe sizes(entry) else { return nil }
    for index in 0..<Int(count) {
      let size = unsafe source[index]
      guard size >= 1, size <= NOLOCK_MAX_SIZE else { return (index, size) }
      unsafe copy[index] = max(8, size)
    }
    return nil
  }
  if let (index, size) = wrong {
    throw bad("\(field)[\(index)]", size, "1…\(NOLOCK_MAX_SIZE)")
  }
  return unsafe SizeTable(sizes: copy, count: Int(count))
}
