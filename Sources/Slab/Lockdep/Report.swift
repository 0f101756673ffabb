import CPlatform

/// Lockdep's reports in the kernel's words, in a buffer that is there from the start: a report may
/// be made in any context.
enum Report {
  @safe
  struct Lock {
    let lock: UnsafeRawPointer?
    let kind: UnsafePointer<nl_lock_class>?
    let ip: UInt
  }

  /// "Invalid wait context" (print_lock_invalid_wait_context()).
  @inline(never)
  static func invalidWaitContext(
    _ next: Lock, _ context: UInt8, _ record: UnsafeMutablePointer<nl_lockdep_thread>?, _ depth: Int
  ) {
    guard begin() else { return }
    text("\n=============================\n[ BUG: Invalid wait context ]\nnolock Not tainted\n")
    text("-----------------------------\n")
    task()
    text(" is trying to lock:\n")
    line(next)
    text("other info that might help us debug this:\ncontext-{")
    number(UInt64(context))
    text(":")
    number(UInt64(context))
    text("}\n")
    unsafe heldLocks(record, depth)
    end()
  }

  /// The same lock twice by one owner (print_deadlock_bug()).
  @inline(never)
  static func recursiveLocking(
    _ next: Lock, _ held: Lock, _ record: UnsafeMutablePointer<nl_lockdep_thread>?, _ depth: Int
  ) {
    guard begin() else { return }
    text("\n============================================\n")
    text("WARNING: possible recursive locking detected\nnolock Not tainted\n")
    text("--------------------------------------------\n")
    task()
    text(" is trying to acquire lock:\n")
    line(next)
    text("\nbut task is already holding lock:\n")
    line(held)
    text("\nother info that might help us debug this:\n Possible unsafe locking scenario:\n\n")
    text("       CPU0\n       ----\n  lock(")
    unsafe string(next.kind?.pointee.name)
    text(");\n  lock(")
    unsafe string(held.kind?.pointee.name)
    text(");\n\n *** DEADLOCK ***\n\n")
    unsafe heldLocks(record, depth)
    end()
  }

  private static func heldLocks(
    _ record: UnsafeMutablePointer<nl_lockdep_thread>?, _ depth: Int
  ) {
    var n = 0
    unsafe forEachHeld(record, depth) { _ in n &+= 1 }
    if n == 0 {
      text("no locks held by ")
      task()
      return text(".\n")
    }
    number(UInt64(n))
    text(n == 1 ? " lock held by " : " locks held by ")
    task()
    text(":\n")
    var i = 0
    unsafe forEachHeld(record, depth) { held in
      text(" #")
      number(UInt64(i))
      text(": ")
      line(held)
      i &+= 1
    }
  }

  private static func forEachHeld(
    _ record: UnsafeMutablePointer<nl_lockdep_thread>?, _ depth: Int, _ body: (Lock) -> Void
  ) {
    guard let record = unsafe record else { return }
    for i in 0..<depth {
      let held = unsafe nl_lockdep_held(record, i)
      guard let kind = unsafe nl_held_class(held), unsafe kind != nl_get_class_released() else {
        continue
      }
      body(unsafe Lock(lock: held.pointee.lock, kind: kind, ip: held.pointee.ip))
    }
  }

  /// "address (name){....}-{outer:inner}, at: address": usage is not tracked, hence the dots.
  private static func line(_ lock: Lock) {
    hexadecimal(UInt(bitPattern: unsafe lock.lock))
    text(" (")
    unsafe string(lock.kind?.pointee.name)
    text("){....}-{")
    if let kind = unsafe lock.kind {
      number(UInt64(unsafe kind.pointee.outer != 0 ? kind.pointee.outer : kind.pointee.inner))
      text(":")
      number(UInt64(unsafe kind.pointee.inner))
    }
    text("}, at: ")
    hexadecimal(lock.ip)
    text("\n")
  }

  private static func task() {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16) { name in
      guard let base = name.baseAddress else { return }
      unsafe base[0] = 0
      unsafe nl_thread_name(base)
      unsafe string(base)
    }
    text("/")
    number(UInt64(nl_gettid()))
  }
}
