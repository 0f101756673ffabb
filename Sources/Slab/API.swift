import CNolock

/// The default allocator for Swift programs: the calls of nolock.h's default instance.
///
/// What may run in a signal handler must be compiled with optimisation, and touch no Swift object:
/// see docs/workarounds.md.  From C, and for anything that is not, use nolock.h.
public enum NolockHeap {
  /// How an object is to be allocated.
  public struct Flags: OptionSet, Sendable {
    public let rawValue: UInt32
    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// The whole bucket is zeroed.
    public static var zero: Flags { Flags(rawValue: NOLOCK_GFP_ZERO.rawValue) }
    /// From the accounted (kmalloc-cg) family of caches.
    public static var account: Flags { Flags(rawValue: NOLOCK_GFP_ACCOUNT.rawValue) }
  }

  /// `size` bytes, aligned to the size of their bucket (96 and 192 to 32 and 64).
  ///
  /// Returns nil iff `size` is negative or above 4 MiB, or there is no memory.
  /// - Context: task.
  /// - Progress: a hit is wait-free; else it may wait for a lock.
  /// - Complexity: O(1); a slow call is bounded by a sheaf's capacity.
  /// - Ordering: what happened before the object's free happens before this returns.
  public static func kmalloc(_ size: Int, _ flags: Flags = []) -> UnsafeMutableRawPointer? {
    unsafe Heap.Form.kmalloc(UInt(bitPattern: size), flags.rawValue, NOLOCK_NO_NODE)
  }

  /// Frees an object of `kmalloc` or `kmallocNolock`; nil does nothing.
  ///
  /// - Context: task.
  /// - Progress: as `kmalloc`.
  /// - Complexity: as `kmalloc`.
  /// - Ordering: happens before the next allocation that returns the object.
  public static func kfree(_ object: UnsafeMutableRawPointer?) {
    unsafe Heap.Form.kfree(object)
  }

  /// `size` bytes without ever waiting; they may come from the next larger bucket.
  ///
  /// Returns nil iff `size` is negative or above 8192, the library is not started, or neither the
  /// bucket nor the next larger one could serve without waiting.
  /// - Context: any signal handler, nested to any depth.
  /// - Progress: wait-free, but for exchanges that are tried 8 times.
  /// - Complexity: O(1) on a hit; at most two buckets and two new slabs.  No system call, but gettid
  ///   in a thread's very first call.
  /// - Ordering: as `kmalloc`.
  public static func kmallocNolock(
    _ size: Int, _ flags: Flags = []
  ) -> UnsafeMutableRawPointer? {
    unsafe Heap.Form.kmallocNolock(UInt(bitPattern: size), flags.rawValue, NOLOCK_NO_NODE)
  }

  /// Frees an object of `kmallocNolock` without ever waiting.
  ///
  /// - Context: any signal handler, nested to any depth.
  /// - Progress: wait-free.
  /// - Complexity: O(1).
  /// - Ordering: as `kfree`.
  public static func kfreeNolock(_ object: UnsafeMutableRawPointer?) {
    unsafe Heap.Form.kfreeNolock(object)
  }

  /// Usable bytes of `object`; 0 for what is no object of this allocator.
  ///
  /// - Context: any.
  /// - Progress: wait-free.
  /// - Complexity: O(1).
  /// - Ordering: none.
  public static func ksize(_ object: UnsafeRawPointer?) -> Int {
    unsafe Heap.ksize(object)
  }

  /// Returns when every object whose free was deferred before the call is free.
  ///
  /// - Context: task.
  public static func barrier() { Heap.barrier() }
}
