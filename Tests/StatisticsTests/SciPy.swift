import Foundation
import TestSupport

/// Runs a Python program with SciPy.
enum SciPy {
  /// Why SciPy cannot be used; `nil` iff it can.
  static let problem: String? =
    Python.lacks("scipy.stats", "numpy") ? "python3 with scipy is not installed" : nil

  static func run(_ program: String, input: String) throws -> Data {
    try Python.run(program, input: input)
  }
}
