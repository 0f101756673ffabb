import Foundation
import Measurement

/// Designs whose code is another (`sheaves+lockdep`, `heap+probes`): built from the sources of this
/// program when they are asked for, each content once.
public enum InstrumentedSubjects {
  /// Builds those among `names` that need it, and makes them known to `Subjects`.
  ///
  /// - Throws: `notFound` where there are no sources, `sampleFailed` with the compiler's first error
  ///   line.
  public static func build(_ names: [String], signals: Signals?) throws(Failure) {
    for name in Set(names).sorted()
    where Subjects.isBuilt(name) && Subjects.object(of: name) == nil {
      guard let package = SuiteFinder.package else {
        throw Failure(.notFound, "\(name): this program's sources, which it is built from, are gone")
      }
      let repository = try Repository(package, signals: signals)
      let builder = try SubjectBuilder(repository, design: name, layouts: 1)
      Subjects.setObject(try builder.buildSources(name: name).objects[0], of: name)
    }
  }
}
