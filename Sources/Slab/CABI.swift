public import CNolock

/// The ops table of the design with the kernel's constants.
public func sheavesSubject() -> UnsafePointer<nolock_ops>? { nil }

/// The ops table of the same design, tuned for user programs.
public func heapSubject() -> UnsafePointer<nolock_ops>? { nil }
