/// What a cell may say of its interrupts besides source, rate and arrivals.
public struct InterruptOptions: Codable, Hashable, Sendable {
  /// A second source at the same time, of another kind and with a rate; `none` = no second one.
  public var second = InterruptSource.none
  /// Its arrivals per second and thread; 0 iff there is none.
  public var secondRate = 0.0
  /// Signals back to back per arrival; above 1 iff the arrivals are `burst`.
  public var burst = 1
  public var irqClass = InterruptClass.nmi
  public var threads = InterruptedThreads.each
  /// breakpoint: 1…4 functions, with `+` between; empty for every other source.
  public var functions = ""
  public var perfMode = PerfMode.period

  public static let defaultFunctions = "kmalloc"
  /// Breakpoints that an x86 processor has.
  public static let breakpointSlots = 4
  static let standardBurst = 8
  static let largestBurst = 1024
  /// Bytes of the names in a plan entry.
  static let functionBytes = 1023

  public init() {}

  enum CodingKeys: String, CodingKey {
    case second, burst, threads, functions
    case secondRate = "second_rate"
    case irqClass = "class"
    case perfMode = "perf_mode"
  }

  /// 1…4 names, or not.
  static func functions(_ text: String) -> String? {
    let names = text.split(separator: "+", omittingEmptySubsequences: false)
    guard (1...breakpointSlots).contains(names.count), names.allSatisfy({ !$0.isEmpty }),
      text.utf8.count <= functionBytes, !text.contains(",")
    else { return nil }
    return text
  }

  /// What differs from the default, as parts of a cell's id.
  var words: [String] {
    var words: [String] = []
    if second != .none { words.append("irq2=\(second.rawValue):\(plain(secondRate))") }
    if irqClass != .nmi { words.append("class=\(irqClass.rawValue)") }
    if threads != .each { words.append("irq_threads=\(threads.rawValue)") }
    if perfMode != .period { words.append("perf_mode=\(perfMode.rawValue)") }
    return words
  }
}
