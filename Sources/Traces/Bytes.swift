import Foundation

/// A view of some bytes of a read buffer; every access is checked.
///
/// Valid only until the reader is asked for more: never kept.
@safe struct Bytes {
  private let start: UnsafePointer<UInt8>
  let count: Int

  init(_ start: UnsafePointer<UInt8>, count: Int) {
    unsafe self.start = unsafe start
    self.count = count
  }

  @inline(__always)
  subscript(index: Int) -> UInt8 {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    return unsafe start[index]
  }

  subscript(range: Range<Int>) -> Bytes {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return unsafe Bytes(start + range.lowerBound, count: range.count)
  }

  /// The position of `byte` in `from ..< end`, by memchr.
  func firstIndex(of byte: UInt8, from: Int, end: Int) -> Int? {
    precondition(from >= 0 && end <= count)
    guard from < end, let hit = unsafe memchr(start + from, Int32(byte), end - from) else {
      return nil
    }
    return unsafe UnsafeRawPointer(hit) - UnsafeRawPointer(start)
  }

  func firstIndex(of byte: UInt8, from: Int) -> Int? {
    firstIndex(of: byte, from: from, end: count)
  }

  /// Whether the bytes at `position` are `text`.
  func has(_ text: StaticString, at position: Int) -> Bool {
    let length = text.utf8CodeUnitCount
    guard position >= 0, position + length <= count else { return false }
    return unsafe memcmp(start + position, text.utf8Start, length) == 0
  }

  /// Whether `range` is exactly `text`.
  func equals(_ text: StaticString, _ range: Range<Int>) -> Bool {
    range.count == text.utf8CodeUnitCount && has(text, at: range.lowerBound)
  }

  /// Whether `range` is the begin of `text`, or all of it.
  func isBegin(of text: StaticString, _ range: Range<Int>) -> Bool {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    guard range.count <= text.utf8CodeUnitCount else { return false }
    return unsafe memcmp(start + range.lowerBound, text.utf8Start, range.count) == 0
  }

  /// Whether `text` occurs in `range`.
  func contains(_ text: StaticString, in range: Range<Int>) -> Bool {
    let last = range.upperBound - text.utf8CodeUnitCount
    let first = unsafe text.utf8Start.pointee
    var at = range.lowerBound
    while let hit = firstIndex(of: first, from: at, end: max(at, last + 1)) {
      if has(text, at: hit) { return true }
      at = hit + 1
    }
    return false
  }

  /// The first position at or after `position` that is no blank.
  func skippingBlanks(from position: Int) -> Int {
    var at = position
    while at < count, self[at] == .space || self[at] == .tab { at += 1 }
    return at
  }

  /// The end of the word that begins at `position`.
  func wordEnd(from position: Int) -> Int { firstIndex(of: .space, from: position) ?? count }

  /// The decimal number at `position` and where it ends; `nil` iff there is none or more than
  /// 19 digits.
  func decimal(at position: Int) -> (value: UInt64, end: Int)? {
    var at = position
    var value: UInt64 = 0
    while at < count, self[at].isDigit {
      value = value &* 10 &+ UInt64(self[at] &- .zero)
      at += 1
    }
    guard at > position, at - position <= 19 else { return nil }
    return (value, at)
  }

  /// The whole of `range` as a hexadecimal number, at most 16 digits, with or without `0x`.
  func hexadecimal(_ range: Range<Int>) -> UInt64? {
    let begin = has("0x", at: range.lowerBound) ? range.lowerBound + 2 : range.lowerBound
    guard begin < range.upperBound, range.upperBound - begin <= 16 else { return nil }
    var value: UInt64 = 0
    for at in begin..<range.upperBound {
      guard let digit = self[at].hexDigit else { return nil }
      value = value << 4 | digit
    }
    return value
  }

  /// The first `limit` bytes for a message: control bytes as `·`.
  func excerpt(_ limit: Int = 80) -> String {
    let shown = (0..<Swift.min(count, limit)).map { self[$0] < 0x20 ? UInt8.tab : self[$0] }
    let text = String(decoding: shown, as: UTF8.self).replacingOccurrences(of: "\t", with: "·")
    return count > limit ? text + "…" : text
  }
}

extension UInt8 {
  static let tab = UInt8(ascii: "\t")
  static let newline = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")
  static let space = UInt8(ascii: " ")
  static let zero = UInt8(ascii: "0")
  static let colon = UInt8(ascii: ":")
  static let openBracket = UInt8(ascii: "[")
  static let closeBracket = UInt8(ascii: "]")

  var isDigit: Bool { self &- .zero < 10 }

  var hexDigit: UInt64? {
    switch self {
    case 0x30...0x39: UInt64(self &- 0x30)
    case 0x61...0x66: UInt64(self &- 0x57)
    case 0x41...0x46: UInt64(self &- 0x37)
    default: nil
    }
  }
}
