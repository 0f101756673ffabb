import Foundation

/// Numbers as people read them.
enum NumberText {
  /// Three significant digits, but never rounding above the decimal point: 0.412, 3.10, 48.2, 1234.
  static func short(_ value: Double) -> String {
    let size = abs(value)
    let digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
    return String(format: "%.\(digits)f", locale: Locale(identifier: "en_US_POSIX"), value)
  }

  /// `low–high`, or `–` where there is no interval.
  static func interval(_ low: Double?, _ high: Double?) -> String {
    guard let low, let high else { return "–" }
    return "\(short(low))–\(short(high))"
  }

  /// A value or `–`.
  static func orDash(_ value: Double?) -> String { value.map(short) ?? "–" }

  /// 0.99987 → `99.987`: more digits the nearer it is to 100 %, never rounded up to it.
  static func percent(_ share: Double?) -> String {
    guard let share else { return "–" }
    if share == 1 { return "100" }
    let text = String(
      format: "%.3f", locale: Locale(identifier: "en_US_POSIX"), (share * 1e5).rounded(.down) / 1e3)
    return text
  }

  /// Nanoseconds with their unit: 850 ns, 2.10 µs, 1.20 ms.
  static func time(_ nanoseconds: UInt64) -> String {
    let value = Double(nanoseconds)
    if value < 1e3 { return "\(nanoseconds) ns" }
    if value < 1e6 { return short(value / 1e3) + " µs" }
    if value < 1e9 { return short(value / 1e6) + " ms" }
    return short(value / 1e9) + " s"
  }
}
