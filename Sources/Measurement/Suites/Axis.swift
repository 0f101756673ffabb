/// What a suite's group and `-p axis=a,b` may vary.
public enum Axis: String, CaseIterable, Comparable, Sendable {
  case workload, mix, trace, threads, irq, rate, batch, order, live, foreground, calls, handler
  case arrivals, burst, function, counted
  case irqClass = "class"
  case irqThreads = "irq_threads"
  case irq2, rate2
  case perfMode = "perf_mode"
  case ownBucket = "own_bucket"
  case handlerMix = "handler_mix"
  case contexts, limit, seconds, subject

  public static func < (a: Axis, b: Axis) -> Bool { a.position < b.position }
  private var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  /// The largest rate, in interrupts per second and thread.
  public static let largestRate = 1_000_000
  static let largestThreads = 256
  static let largestLive = 10_000_000
  static let largestBatch = 1_000_000
  static let largestSeconds = 86_400

  /// What may be written as a value.
  public var allowed: String {
    switch self {
    case .workload: list(Workload.allCases)
    case .mix, .handlerMix: Mix.allowed
    case .trace: "a file"
    case .threads: "1…\(Self.largestThreads)"
    case .irq: list(InterruptSource.allCases)
    case .rate, .rate2: "1…1,000,000 per second and thread"
    case .irq2: "none, timer, perf, tgkill"
    case .burst: "2…\(InterruptOptions.largestBurst) signals back to back"
    case .function:
      "at most \(InterruptOptions.breakpointSlots) names of nolock list functions SUBJECT, with + "
        + "between: the processor has \(InterruptOptions.breakpointSlots) breakpoints"
    case .irqClass: list(InterruptClass.allCases)
    case .irqThreads: list(InterruptedThreads.allCases)
    case .perfMode: list(PerfMode.allCases)
    case .batch: "1…\(Self.largestBatch)"
    case .order: list(FreeOrder.allCases)
    case .live: "0…\(Self.largestLive)"
    case .foreground: list(Foreground.allCases)
    case .calls: list(Calls.allCases)
    case .handler: list(Handler.allCases)
    case .arrivals: list(Arrivals.allCases)
    case .ownBucket, .contexts, .counted: "true, false"
    case .limit: "bytes, 0 = none"
    case .seconds: "0…\(Self.largestSeconds), 0 = as short as calibration finds enough"
    case .subject: Subjects.allowed
    }
  }

  /// The workloads that have this axis.
  func applies(to workload: Workload) -> Bool {
    switch self {
    case .mix: workload != .replay
    case .trace, .contexts: workload == .replay
    case .batch: workload == .batch || workload == .kunit
    case .order: workload == .batch
    case .counted: workload == .pair
    case .live: [.pair, .churn, .storm, .larson].contains(workload)
    case .foreground: workload == .storm
    case .calls: workload == .pair || workload == .batch || workload == .churn
    default: true
    }
  }

  /// Whether the axis means nothing without interrupts.
  var needsInterrupts: Bool {
    switch self {
    case .rate, .handler, .arrivals, .ownBucket, .handlerMix, .burst, .function, .irqClass,
      .irqThreads, .irq2, .rate2, .perfMode:
      true
    default: false
    }
  }

  /// Sets the value in a cell.
  ///
  /// - Returns: false iff `text` is not `allowed`; the cell is then unchanged.
  func apply(_ text: String, to cell: inout Cell) -> Bool {
    func set<T>(_ value: T?, _ path: WritableKeyPath<Cell, T>) -> Bool {
      guard let value else { return false }
      cell[keyPath: path] = value
      return true
    }
    return switch self {
    case .workload: set(Workload(rawValue: text), \.workload)
    case .mix: set(Mix(text).map { _ in text }, \.mix)
    case .handlerMix: set(Mix(text).map { _ in text }, \.handlerMix)
    case .trace: set(text.isEmpty ? nil : "trace:" + text, \.mix)
    case .threads: set(integer(text, 1...Self.largestThreads), \.threads)
    case .irq: set(InterruptSource(rawValue: text), \.interrupts)
    case .rate: set(Self.rate(text), \.rate)
    case .rate2: set(Self.rate(text), \.irq.secondRate)
    case .irq2:
      set(
        InterruptSource(rawValue: text).flatMap { $0 == .none || $0.hasRate ? $0 : nil },
        \.irq.second)
    case .burst: set(integer(text, 2...InterruptOptions.largestBurst), \.irq.burst)
    case .function: set(InterruptOptions.functions(text), \.irq.functions)
    case .irqClass: set(InterruptClass(rawValue: text), \.irq.irqClass)
    case .irqThreads: set(InterruptedThreads(rawValue: text), \.irq.threads)
    case .perfMode: set(PerfMode(rawValue: text), \.irq.perfMode)
    case .counted: set(["true": true, "false": false][text], \.counted)
    case .batch: set(integer(text, 1...Self.largestBatch), \.batch)
    case .order: set(FreeOrder(rawValue: text), \.order)
    case .live: set(integer(text, 0...Self.largestLive), \.live)
    case .foreground: set(Foreground(rawValue: text), \.foreground)
    case .calls: set(Calls(rawValue: text), \.calls)
    case .handler: set(Handler(rawValue: text), \.handler)
    case .arrivals: set(Arrivals(rawValue: text), \.arrivals)
    case .ownBucket: set(["true": true, "false": false][text], \.ownBucket)
    case .contexts: set(["true": true, "false": false][text], \.contexts)
    case .limit: set(UInt64(text), \.limit)
    case .seconds: set(integer(text, 0...Self.largestSeconds), \.seconds)
    case .subject: set(Subjects.isValid(text) ? text : nil, \.subject)
    }
  }

  /// Whether `text` is an allowed value.
  public func accepts(_ text: String) -> Bool {
    var scratch = Cell(subject: "", workload: .pair, mix: "")
    return apply(text, to: &scratch)
  }

  private static func rate(_ text: String) -> Double? {
    guard let value = Double(text), value >= 1, value <= Double(largestRate) else { return nil }
    return value
  }
}

private func integer(_ text: String, _ range: ClosedRange<Int>) -> Int? {
  guard let value = Int(text), range.contains(value) else { return nil }
  return value
}

private func list<T: RawRepresentable<String>>(_ cases: [T]) -> String {
  cases.map(\.rawValue).joined(separator: ", ")
}
