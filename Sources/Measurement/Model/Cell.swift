/// One measurable thing: a subject under a workload with all that defines it.
public struct Cell: Codable, Hashable, Sendable {
  /// Name of the allocator: `sheaves`, `glibc`, `peer:/path/lib.so`, …
  public var subject: String
  public var workload: Workload
  /// The foreground's sizes, as written: `fixed:64`.  Replay: `trace:` and its file.
  public var mix: String
  public var threads = 1
  public var interrupts = InterruptSource.none
  /// Arrivals per second and thread; 0 where the source has no rate.
  public var rate = 0.0
  /// kunit: objects per round, and rounds.
  static let kunitBatch = 1000
  static let kunitRounds = 1000
  /// batch, kunit: objects per batch.
  public var batch = 1
  /// batch: order of the frees.
  public var order = FreeOrder.same
  /// churn, larson, storm over churn: live objects per thread; pair: other objects kept alive.
  public var live = 0
  /// storm: what is interrupted.
  public var foreground = Foreground.pair
  /// pair, batch, churn: the calls of the foreground.
  public var calls = Calls.ordinary
  public var handler = Handler.nolock
  public var arrivals = Arrivals.periodic
  /// The handler allocates only the foreground's own sizes.
  public var ownBucket = false
  /// The handler's sizes where `ownBucket` is false.
  public var handlerMix = "bpf"
  /// replay: events of irq context are issued from a signal.
  public var contexts = false
  /// Memory limit of the subject in bytes; 0 = none.
  public var limit: UInt64 = 0
  /// The measured part lasts at least so long; 0 = as short as calibration finds enough.
  public var seconds = 0
  public var irq = InterruptOptions()
  /// pair: exact instruction counts by single-step instead of times.
  public var counted = false

  public init(subject: String, workload: Workload, mix: String) {
    self.subject = subject
    self.workload = workload
    self.mix = mix
  }

  /// replay: the trace's file; `nil` for every other workload.
  public var trace: String? {
    workload == .replay && mix.hasPrefix("trace:") ? String(mix.dropFirst(6)) : nil
  }
}

extension Cell {
  /// Cells written before there were `irq` and `counted` have their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    subject = try values.decode(String.self, forKey: .subject)
    workload = try values.decode(Workload.self, forKey: .workload)
    mix = try values.decode(String.self, forKey: .mix)
    threads = try values.decode(Int.self, forKey: .threads)
    interrupts = try values.decode(InterruptSource.self, forKey: .interrupts)
    rate = try values.decode(Double.self, forKey: .rate)
    batch = try values.decode(Int.self, forKey: .batch)
    order = try values.decode(FreeOrder.self, forKey: .order)
    live = try values.decode(Int.self, forKey: .live)
    foreground = try values.decode(Foreground.self, forKey: .foreground)
    calls = try values.decode(Calls.self, forKey: .calls)
    handler = try values.decode(Handler.self, forKey: .handler)
    arrivals = try values.decode(Arrivals.self, forKey: .arrivals)
    ownBucket = try values.decode(Bool.self, forKey: .ownBucket)
    handlerMix = try values.decode(String.self, forKey: .handlerMix)
    contexts = try values.decode(Bool.self, forKey: .contexts)
    limit = try values.decode(UInt64.self, forKey: .limit)
    seconds = try values.decode(Int.self, forKey: .seconds)
    irq = try values.decodeIfPresent(InterruptOptions.self, forKey: .irq) ?? InterruptOptions()
    counted = try values.decodeIfPresent(Bool.self, forKey: .counted) ?? false
  }
}
