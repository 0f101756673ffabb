import CRecords
import Foundation
import TestSupport

/// Runs a cell on the fixture with `defect`, and removes the shared object.
func fixtureSample(
  _ defect: String = "NONE", _ workload: nl_workload, iterations: UInt64 = 1000,
  _ change: (inout nl_plan_entry) -> Void = { _ in }
) throws -> Sample {
  let path = try FixtureSubject.build(defect)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try sample(
    entry("rev:fixture", workload, iterations: iterations) {
      set(&$0.object_path, path)
      change(&$0)
    })
}
