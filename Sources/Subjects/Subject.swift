public import CNolock
import Slab

/// An allocator that is loaded and can be measured.
@safe public struct Subject {
  /// The whole table: fields that the subject's own table does not have are NULL.
  public let ops: UnsafePointer<nolock_ops>
  /// The name it was asked for by: "heap", "glibc", "rev:v2".
  public let name: String
  /// What the subject calls its version.
  public let version: String
  /// `null`: every object is the same memory, so nothing can be said about handing out twice.
  public let returnsOneObject: Bool

  /// Whether every bit of `wanted` is promised.
  public func can(_ wanted: nolock_capability) -> Bool {
    unsafe ops.pointee.capabilities & UInt64(wanted.rawValue) == UInt64(wanted.rawValue)
  }

  /// Whether it may be called from a signal handler.
  public var worksInHandlers: Bool {
    unsafe can(NOLOCK_CAP_ANY_CONTEXT) && ops.pointee.kmalloc_nolock != nil
      && ops.pointee.kfree_nolock != nil
  }
}

/// What looking for a subject gave.
public enum SubjectLookup {
  case found(Subject)
  /// This machine or this build does not have it; the reason names what to install.
  case unavailable(String)
  /// It is there and broken.
  case failed(String)
}

/// Loads the subject called `name`; at most one per process.
///
/// `objectPath` is the shared object of a `rev:NAME` and of a `DESIGN+lockdep`, and of a `peer:` whose path is too long for
/// its name.  Context: main thread, before any other.
public func loadSubject(_ name: String, objectPath: String) -> SubjectLookup {
  if let design = BuiltIn(rawValue: name) { return unsafe builtIn(name, design.subject) }
  return switch name {
  case "null": loadNull()
  case "glibc", "jemalloc", "mimalloc", "tcmalloc": loadPeer(name)
  default:
    if name.hasPrefix("peer:") {
      loadPeer(path: objectPath.isEmpty ? String(name.dropFirst(5)) : objectPath, as: name)
    } else if name.hasPrefix("rev:") || isBuilt(name) {
      loadRevision(name, path: objectPath)
    } else {
      .unavailable(
        "subject \"\(name)\" is unknown; allowed: \(subjectNames.joined(separator: ", ")), "
          + "DESIGN+lockdep, DESIGN+probes, peer:/path/lib.so, rev:NAME")
    }
  }
}

/// A design in a build of its own, whose shared object the caller names.
private func isBuilt(_ name: String) -> Bool {
  for suffix in ["+lockdep", "+probes"] where name.hasSuffix(suffix) {
    let rest = String(name.dropLast(suffix.count))
    return BuiltIn(rawValue: rest) != nil || isBuilt(rest)
  }
  return false
}

/// Every subject that has a fixed name, in the order of listing.
public let subjectNames =
  BuiltIn.allCases.map(\.rawValue) + ["null", "glibc", "jemalloc", "mimalloc", "tcmalloc"]
