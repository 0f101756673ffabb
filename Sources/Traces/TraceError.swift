/// Why a trace could not be read or written: one line that names the file and the place.
public struct TraceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Where in the file.
  public enum Place: Equatable, Sendable {
    case file
    /// From 1.
    case line(Int)
    /// Bytes from the file's begin.
    case offset(Int)
    /// Bytes from the begin of a gzip file's content.
    case inflatedOffset(Int)
    /// The `event`-th event, from 0, of the stream of `cpu`, in a gzip file.
    case event(cpu: Int, event: Int)
  }

  public let path: String
  public let place: Place
  /// What was found and what is allowed.
  public let problem: String

  public init(_ path: String, _ place: Place = .file, _ problem: String) {
    self.path = path
    self.place = place
    self.problem = problem
  }

  public var description: String {
    switch place {
    case .file: "\(path): \(problem)"
    case .line(let line): "\(path):\(line): \(problem)"
    case .offset(let offset): "\(path): offset \(offset): \(problem)"
    case .inflatedOffset(let offset): "\(path): offset \(offset) of the inflated data: \(problem)"
    case .event(let cpu, let event): "\(path): CPU \(cpu), event \(event): \(problem)"
    }
  }
}
