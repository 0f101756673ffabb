public import CNolock

// What only the whole package has, and no revision's object: all instances side by side.

/// Before it ran, nolock calls of the default instance return NULL; ordinary calls would do the
/// same work.  The other instances start when they are asked for.
@c(nolock_constructor)
func nolockConstructor() { _ = Heap.start() }

/// The built-in designs as subjects.
public enum BuiltIn: String, CaseIterable, Sendable {
  case sheaves, heap, cpuslab, tiny, gfpflag, floor
  case sheavesDebug = "sheaves+debug"
  case sheavesRT = "sheaves-rt"
  case cpuslabRT = "cpuslab-rt"
  case tinyRT = "tiny-rt"

  /// The table; nil iff the instance could not be started.
  public var subject: UnsafePointer<nolock_ops>? {
    switch self {
    case .sheaves: unsafe Sheaves.subject()
    case .heap: unsafe Heap.subject()
    case .sheavesRT: unsafe SheavesRT.subject()
    case .cpuslabRT: unsafe CPUSlabsRT.subject()
    case .tinyRT: unsafe TinyRT.subject()
    case .cpuslab: unsafe CPUSlabs.subject()
    case .tiny: unsafe Tiny.subject()
    case .gfpflag: unsafe GFPFlag.subject()
    case .floor: unsafe Floor.subject()
    case .sheavesDebug: unsafe SheavesDebug.subject()
    }
  }
}
