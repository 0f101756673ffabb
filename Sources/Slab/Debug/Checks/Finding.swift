import CPlatform

/// What was found.  `StaticString`s, so that a report can be made in any context.
@safe
struct Finding {
  let what: StaticString
  var address: UnsafeMutableRawPointer?
  let object: CheckedObject?
  /// Return address of the call that found it; 0: a check of everything.
  let site: UInt
  /// The first wrong byte, and what should be there.
  var place: UnsafeMutableRawPointer?
  var expected: UInt8 = 0
  /// A size that was asked for, where that is the finding.
  var size: UInt = 0

  init(_ what: StaticString, _ object: CheckedObject, site: UInt) {
    self.what = what
    unsafe address = object.address
    self.object = object
    self.site = site
  }

  init(_ what: StaticString, at address: UnsafeMutableRawPointer?, site: UInt) {
    self.what = what
    unsafe self.address = address
    object = nil
    self.site = site
  }
}
