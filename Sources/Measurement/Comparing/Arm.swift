/// One side of a comparison: an allocator, in one or more builds of the same code.
public struct Arm: Codable, Equatable, Sendable {
  /// What the report calls it.
  public var name: String
  /// The subject's name for `nolock-sample`; `rev:` where `objects` has shared objects.
  public var subject: String
  /// Shared objects, one per layout; empty for a subject that `nolock-sample` knows itself.
  public var objects: [String]
  /// Why there are fewer layouts than asked for, or what else the report should say; empty if
  /// nothing.
  public var note: String

  public init(name: String, subject: String, objects: [String] = [], note: String = "") {
    self.name = name
    self.subject = subject
    self.objects = objects
    self.note = note
  }

  /// Layouts that blocks draw from; a built-in subject has the one of its executable.
  public var layouts: Int { max(1, objects.count) }

  /// The subject in one layout, as a cell names it.
  func subject(layout: Int) -> String {
    objects.isEmpty ? subject : "rev:" + objects[layout % objects.count]
  }
}
