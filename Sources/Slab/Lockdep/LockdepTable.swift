import CNolock
import CPlatform

// What a subject that was built with -D NOLOCK_LOCKDEP offers to those who model a kernel: their
// own locks beside the allocator's.

#if NOLOCK_LOCKDEP
  extension Lockdep {
    /// The table for nolock_ops.lockdep.
    static func table() -> UnsafePointer<nolock_lockdep>? {
      let table = unsafe nl_get_lockdep_ops().assumingMemoryBound(to: nolock_lockdep.self)
      unsafe table.pointee = nolock_lockdep(
        acquire: { lock, kind, isTry in
          let kind = unsafe UnsafeRawPointer(kind)?.assumingMemoryBound(to: nl_lock_class.self)
          guard let lock = unsafe lock, let kind = unsafe kind else { return }
          unsafe Lockdep.enter(lock, kind, isTry: isTry != 0)
        },
        release: { lock in
          if let lock = unsafe lock { unsafe Lockdep.leave(lock) }
        },
        report: {
          unsafe nl_get_lockdep_reports().pointee.kept != 0
            ? UnsafePointer(nl_lockdep_text()) : nil
        })
      return unsafe UnsafePointer(table)
    }
  }
#endif
