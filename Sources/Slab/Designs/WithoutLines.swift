/// A design with nothing per CPU: the fast line always gives up, and a line's fields stay as
/// zero-filled memory has them.
protocol WithoutLines: Design {}

extension WithoutLines {
  @inline(__always)
  static func hit<M: CallMode>(
    _ line: Line, _ object: inout UnsafeMutableRawPointer?, _ mode: M.Type
  ) -> Bool { false }

  @inline(__always)
  static func hit<M: CallMode>(
    _ line: Line, freeing object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool { false }

  @inline(__always)
  static func open(_ line: Line, of cache: Cache) {}
  static func empty(_ caller: VCPU, _ line: Line, of cache: Cache) {}
  static func flushRemotely(_ caller: VCPU, _ vcpu: VCPU) -> Int { 0 }

  /// The slow path looks at the list itself.
  @inline(__always)
  static func wake(_ line: Line) {}

  @inline(__always)
  static func drainOwn(_ vcpu: VCPU) {
    if !vcpu.isShared, vcpu.deferred.hasWork { C.drainOwn(vcpu) }
  }
}
