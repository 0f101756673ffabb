import CPlatform

// The buffer of the one report that is kept: the first since somebody asked for it.

extension Report {
  /// True if the caller writes the text; else the report is only counted.
  static func begin() -> Bool {
    _ = unsafe nl_add(nl_lockdep_count(), 1)
    if unsafe nl_swap_u8(nl_lockdep_writing(), 1) != 0 { return false }
    if unsafe nl_get_lockdep_reports().pointee.kept != 0 {
      unsafe nl_release_u8(nl_lockdep_writing())
      return false
    }
    unsafe nl_get_lockdep_reports().pointee.length = 0
    return true
  }

  static func end() {
    let reports = unsafe nl_get_lockdep_reports()
    unsafe nl_lockdep_text()[Int(reports.pointee.length)] = 0
    unsafe reports.pointee.kept = 1
    nl_lockdep_call_hook()
    // Release: pairs with the exchange of the next writer.
    unsafe nl_release_u8(nl_lockdep_writing())
  }

  /// Forgets the text, so that the next report is kept.
  static func clear() { unsafe nl_get_lockdep_reports().pointee.kept = 0 }

  static func byte(_ value: UInt8) {
    let reports = unsafe nl_get_lockdep_reports()
    let i = unsafe Int(reports.pointee.length)
    guard i < Int(NL_REPORT_BYTES) &- 1 else { return }
    unsafe nl_lockdep_text()[i] = CChar(bitPattern: value)
    unsafe reports.pointee.length &+= 1
  }

  static func text(_ text: StaticString) {
    var i = 0
    while i < text.utf8CodeUnitCount {
      byte(unsafe text.utf8Start[i])
      i &+= 1
    }
  }

  static func string(_ text: UnsafePointer<CChar>?) {
    guard var next = unsafe text else { return }
    while unsafe next.pointee != 0 {
      byte(UInt8(bitPattern: unsafe next.pointee))
      unsafe next += 1
    }
  }

  static func number(_ value: UInt64) {
    var divisor: UInt64 = 1
    while value / divisor >= 10 { divisor &*= 10 }
    while divisor > 0 {
      byte(UInt8(truncatingIfNeeded: 48 &+ value / divisor % 10))
      divisor /= 10
    }
  }

  static func hexadecimal(_ value: UInt) {
    text("0x")
    var shift = 44
    while shift >= 0 {
      let digit = UInt8(truncatingIfNeeded: value &>> UInt(shift) & 15)
      byte(digit < 10 ? 48 &+ digit : 87 &+ digit)
      shift &-= 4
    }
  }
}
