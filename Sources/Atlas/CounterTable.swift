import CNolock
import Subjects

/// The subject's counters in memory of our own, so that a handler can read them.
@safe struct CounterTable {
  static let capacity = 128
  let count: Int
  private let stats: @convention(c) (UnsafeMutablePointer<nolock_stat>?, Int) -> Int
  private let buffer: UnsafeMutablePointer<nolock_stat>
  private let before: UnsafeMutablePointer<UInt64>

  /// Context: task.  The subject has `stats` (checked by `Atlas.refusal`).
  init(_ subject: Subject) {
    unsafe stats = unsafe subject.ops.pointee.stats.unsafelyUnwrapped
    unsafe buffer = .allocate(capacity: Self.capacity)
    unsafe before = .allocate(capacity: Self.capacity)
    unsafe before.initialize(repeating: 0, count: Self.capacity)
    count = unsafe min(Self.capacity, stats(buffer, Self.capacity))
  }

  func name(_ index: Int) -> String {
    unsafe buffer[index].name.map { unsafe String(cString: $0) } ?? ""
  }

  func value(_ name: String) -> UInt64 {
    _ = unsafe stats(buffer, Self.capacity)
    for index in 0..<count where self.name(index) == name { return unsafe buffer[index].value }
    return 0
  }

  /// Bits of the counters in `names`; those that the subject does not have are left out.
  func mask(_ names: [String]) -> CounterSet {
    var set = CounterSet()
    for index in 0..<count where names.contains(name(index)) { set.insert(index) }
    return set
  }

  /// Async-signal-safe, as `stats` is.
  func remember() {
    _ = unsafe stats(buffer, Self.capacity)
    for index in 0..<count { unsafe before[index] = buffer[index].value }
  }

  /// The counters that changed since `remember()`.  Async-signal-safe.
  func changed() -> CounterSet {
    _ = unsafe stats(buffer, Self.capacity)
    var set = CounterSet()
    for index in 0..<count where unsafe before[index] != buffer[index].value { set.insert(index) }
    return set
  }
}

/// A set of counters by their index.
struct CounterSet: Equatable {
  var low: UInt64 = 0
  var high: UInt64 = 0

  mutating func insert(_ index: Int) {
    if index < 64 { low |= 1 &<< UInt64(index) } else { high |= 1 &<< UInt64(index &- 64) }
  }

  func contains(_ index: Int) -> Bool {
    (index < 64 ? low &>> UInt64(index) : high &>> UInt64(index &- 64)) & 1 == 1
  }

  func isSuperset(of other: CounterSet) -> Bool {
    low & other.low == other.low && high & other.high == other.high
  }

  func intersection(_ other: CounterSet) -> CounterSet {
    CounterSet(low: low & other.low, high: high & other.high)
  }

  func subtracting(_ other: CounterSet) -> CounterSet {
    CounterSet(low: low & ~other.low, high: high & ~other.high)
  }
}
