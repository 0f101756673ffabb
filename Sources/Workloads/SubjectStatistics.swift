import CNolock
import Subjects

/// A subject's counters at one instant.
struct SubjectStatistics {
  private(set) var values: [(name: String, value: UInt64)] = []

  init() {}

  /// Empty where the subject offers none.
  init(_ subject: Subject) {
    guard subject.can(NOLOCK_CAP_STATS), let stats = unsafe subject.ops.pointee.stats else {
      return
    }
    let capacity = 256
    let buffer = UnsafeMutablePointer<nolock_stat>.allocate(capacity: capacity)
    defer { unsafe buffer.deallocate() }
    let count = unsafe min(capacity, stats(buffer, capacity))
    for index in 0..<count {
      let stat = unsafe buffer[index]
      guard let name = unsafe stat.name else { continue }
      unsafe values.append((String(cString: name), stat.value))
    }
  }

  /// What changed since `earlier`; gauges (`_now`) and high-water marks (`_max`) stay as they are.
  func difference(since earlier: SubjectStatistics) -> SubjectStatistics {
    var result = self
    for index in values.indices {
      let name = values[index].name
      if name.hasSuffix("_now") || name.hasSuffix("_max") { continue }
      let before = earlier.values.first { $0.name == name }?.value ?? 0
      result.values[index].value = values[index].value &- before
    }
    return result
  }

  /// The sum of those of `names` that exist; nil if none does.
  func sum(_ names: [String]) -> UInt64? {
    let found = values.filter { names.contains($0.name) }
    return found.isEmpty ? nil : found.reduce(0) { $0 &+ $1.value }
  }
}
