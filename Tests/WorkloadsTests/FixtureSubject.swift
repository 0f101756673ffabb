import CRecords
import Foundation

/// The fixture allocator, compiled to a shared object; `defect` names one of its macros.
func fixtureSubject(_ defect: String = "NONE") throws -> String {
  let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  let output = FileManager.default.temporaryDirectory
    .appendingPathComponent("nolock-fixture-\(defect)-\(UUID().uuidString).so").path
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [
    "clang", "-x", "c", "-O1", "-fPIC", "-shared", "-Wl,-z,now", "-Wl,-Bsymbolic", "-D\(defect)",
    "-I", here.appendingPathComponent("../../Sources/CNolock/include").path,
    here.appendingPathComponent("Fixtures/subject.c.txt").path, "-o", output,
  ]
  try process.run()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { throw FixtureError(defect: defect) }
  return output
}

struct FixtureError: Error { let defect: String }

/// Runs a cell on the fixture with `defect`, and removes the shared object.
func fixtureSample(
  _ defect: String = "NONE", _ workload: nl_workload, iterations: UInt64 = 1000,
  _ change: (inout nl_plan_entry) -> Void = { _ in }
) throws -> Sample {
  let path = try fixtureSubject(defect)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try sample(
    entry("rev:fixture", workload, iterations: iterations) {
      set(&$0.object_path, path)
      change(&$0)
    })
}
