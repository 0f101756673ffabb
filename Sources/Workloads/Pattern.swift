import CPlatform

// What the harness writes into objects, to find one that is handed out twice.  Both words are
// derived from the address; task and handler objects differ, and an object is defaced before it is
// freed, so a second holder of the same memory finds a word that is not its own.

/// Task objects: the first word is the address.  One instruction.
@inline(__always)
func mark(_ object: UnsafeMutableRawPointer) {
  unsafe object.storeBytes(of: UInt(bitPattern: object), as: UInt.self)
}

/// Whether `mark` is intact; defaces it.
@inline(__always)
func unmark(_ object: UnsafeMutableRawPointer) -> Bool {
  // A handler may have written here since: the compiler must not remember the store of `mark`.
  nl_thread_handler_fence()
  let intact = unsafe object.load(as: UInt.self) == UInt(bitPattern: object)
  unsafe object.storeBytes(of: 0, as: UInt.self)
  nl_thread_handler_fence()
  return intact
}

/// An object of a handler, with the size it was asked for.
@safe struct HeldObject {
  var address: UnsafeMutableRawPointer?
  var size: Int

  /// Writes the first and the last word.
  func mark() {
    guard let address = unsafe address else { return }
    let word = ~UInt(bitPattern: address)
    unsafe address.storeBytes(of: word, as: UInt.self)
    if size >= 16 { unsafe address.storeBytes(of: word, toByteOffset: size - 8, as: UInt.self) }
  }

  /// Whether both words are intact; defaces the first.
  func unmark() -> Bool {
    guard let address = unsafe address else { return true }
    let word = ~UInt(bitPattern: address)
    nl_thread_handler_fence()
    var intact = unsafe address.load(as: UInt.self) == word
    if size >= 16 {
      intact =
        unsafe address.loadUnaligned(fromByteOffset: size - 8, as: UInt.self) == word && intact
    }
    unsafe address.storeBytes(of: 0, as: UInt.self)
    nl_thread_handler_fence()
    return intact
  }
}
