import Foundation
import Measurement

/// `result.json` as text.
public enum JSONReport {
  /// - Throws: `internalError` where a value is no JSON (NaN): it would be a bug.
  public static func render(_ result: RunResult) throws(Failure) -> String {
    String(decoding: try jsonData(result), as: UTF8.self)
  }
}
