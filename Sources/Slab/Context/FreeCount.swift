import CPlatform

// How many objects were freed onto a line's main.  A hit does not count them: that would be another
// load, add and store through memory, one after the other, beside those of `top` (4 % of a batch).
// A free moves `top` up, an allocation moves it down and is counted; what else moves it, a change of
// main, is noted here.  So `frees` holds where `top` would stand without frees and allocations:
//
//   frees = allocations + (top - mark) / 8
//
// While main changes, it holds their number, times two, plus one: who reads then, or what a
// siglongjmp or a fork leaves in the middle, is right as well, but for the one call under way.

extension PerCPULine {
  /// Objects freed onto main; exact while nobody is in a call that uses the line, never too small.
  var freeCount: UInt64 {
    var tries = 0
    while true {
      let mark = unsafe nl_load(&pointer.pointee.frees)
      if mark & 1 != 0 { return mark &>> 1 }
      // In this order: allocations are counted before they move `top`, so no number is below 0.
      let moved = unsafe Int64(bitPattern: UInt64(UInt(bitPattern: top)) &- mark) &>> 3
      nl_signal_fence()
      let allocations = unsafe nl_load(&pointer.pointee.alloc_fast)
      tries &+= 1
      // Another mark: main was changed meanwhile by the thread whose line it is.
      if unsafe nl_load(&pointer.pointee.frees) == mark || tries == 4 {
        return allocations &+ UInt64(bitPattern: moved)
      }
    }
  }

  /// Makes `sheaf` main, with `count` objects in it; lock held.
  @inline(__always)
  func set(main sheaf: Sheaf, count: Int) {
    let frees = freeCount
    unsafe nl_store(&pointer.pointee.frees, frees &<< 1 | 1)
    nl_signal_fence()
    main = sheaf
    unsafe top = sheaf.objects + count
    nl_signal_fence()
    let net = unsafe frees &- nl_load(&pointer.pointee.alloc_fast)
    unsafe nl_store(&pointer.pointee.frees, UInt64(UInt(bitPattern: top)) &- net &<< 3)
  }
}
