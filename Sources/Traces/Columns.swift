/// Appends numbers to bytes.
struct ColumnWriter {
  var bytes: [UInt8] = []

  mutating func append<Number: FixedWidthInteger>(fixed number: Number) {
    for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  /// LEB128: seven bits a byte, the low ones first.
  mutating func append(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Small numbers of both signs to small varints: 0, -1, 1, -2 … become 0, 1, 2, 3 …
  mutating func append(zigzag number: Int64) {
    append(UInt64(bitPattern: (number << 1) ^ (number >> 63)))
  }
}

/// Reads what `ColumnWriter` wrote; every error names the offset in the inflated file.
struct ColumnReader {
  private let bytes: [UInt8]
  private let path: String
  private(set) var at: Int
  private let end: Int

  init(bytes: [UInt8], at: Int, path: String) {
    self.init(bytes: bytes, at: at, end: bytes.count, path: path)
  }

  private init(bytes: [UInt8], at: Int, end: Int, path: String) {
    self.bytes = bytes
    self.at = at
    self.end = end
    self.path = path
  }

  var remaining: Int { end - at }

  func fault(_ problem: String, at offset: Int) -> TraceError {
    TraceError(path, .inflatedOffset(offset), problem)
  }

  mutating func fixed<Number: FixedWidthInteger>(_: Number.Type) throws -> Number {
    let length = Number.bitWidth / 8
    guard remaining >= length else { throw fault("the data ends too early", at: at) }
    var number: Number = 0
    for index in 0..<length {
      number |= Number(truncatingIfNeeded: bytes[at + index]) << (8 * index)
    }
    at += length
    return number
  }

  /// A number that the import counted.
  mutating func count() throws -> UInt64 {
    let number = try fixed(UInt64.self)
    guard number <= TraceCounts.limit else {
      throw fault("a count of \(number); allowed: at most \(TraceCounts.limit)", at: at - 8)
    }
    return number
  }

  mutating func count(absent: UInt64) throws -> UInt64? {
    var ahead = self
    guard try ahead.fixed(UInt64.self) != absent else {
      self = ahead
      return nil
    }
    return try count()
  }

  mutating func varint() throws -> UInt64 {
    var number: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard at < end else { throw fault("the column ends too early", at: at) }
      let byte = bytes[at]
      at += 1
      number |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return number }
    }
    throw fault("a number longer than 10 bytes", at: at)
  }

  mutating func zigzag() throws -> Int64 {
    let number = try varint()
    return Int64(bitPattern: (number >> 1) ^ (0 &- (number & 1)))
  }

  /// The next column: its length, then its bytes.
  mutating func column() throws -> ColumnReader {
    let lengthAt = at
    let length = try fixed(UInt64.self)
    guard length <= UInt64(remaining) else {
      throw fault("a column of \(length) bytes; \(remaining) are left", at: lengthAt)
    }
    defer { at += Int(length) }
    return ColumnReader(bytes: bytes, at: at, end: at + Int(length), path: path)
  }
}
