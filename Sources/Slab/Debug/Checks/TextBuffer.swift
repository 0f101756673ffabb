import CPlatform

/// Text into a fixed buffer, cut where that ends.
@safe
struct TextBuffer {
  private let start: UnsafeMutablePointer<CChar>
  private let capacity: Int
  private var length = 0

  init(_ start: UnsafeMutablePointer<CChar>, capacity: Int) {
    unsafe self.start = start
    self.capacity = capacity
  }

  @inline(__always)
  private mutating func add(byte: UInt8) {
    if length == capacity { return }
    unsafe start[length] = CChar(bitPattern: byte)
    nl_signal_fence()
    length &+= 1
  }

  mutating func add(_ text: StaticString) {
    var i = 0
    while i < text.utf8CodeUnitCount {
      unsafe add(byte: text.utf8Start[i])
      i &+= 1
    }
  }

  mutating func add(_ number: UInt) {
    var divisor: UInt = 1
    while number / divisor > 9 { divisor &*= 10 }
    while divisor > 0 {
      add(byte: UInt8(truncatingIfNeeded: 48 &+ number / divisor % 10))
      divisor /= 10
    }
  }

  mutating func add(hex number: UInt) {
    add("0x")
    var shift: UInt = 60
    while shift > 4, number &>> shift == 0 { shift &-= 4 }
    while true {
      let digit = UInt8(truncatingIfNeeded: number &>> shift & 15)
      add(byte: digit < 10 ? 48 &+ digit : 87 &+ digit)
      if shift == 0 { return }
      shift &-= 4
    }
  }

  /// Ends the text; its length.
  func finish() -> Int {
    unsafe start[length] = 0
    return length
  }
}
