import Foundation
import Measurement
import Testing

/// A count is tried out before it is used: an estimate from a colder run is corrected.
@Suite(
  "Calibration", .serialized,
  .enabled(if: FaultySample.problem == nil, "no C compiler for the faulty sample program"))
struct CalibrationTests {
  @Test(
    "the measured part lands in 3…6 ms of CPU time, whatever an operation costs then, with one count for all",
    arguments: [1, 4, 10, 13, 20, 95])
  func corrected(cost: Int) throws {
    try temporaryFolder { folder in
      let path = folder + "/small.yaml"
      try """
        base: glibc
        blocks: 2
        groups:
          - workload: churn
            live: 10
            mix: bpf
            subject: ["null", sheaves, glibc]
        """.write(toFile: path, atomically: true, encoding: .utf8)
      let ended = try Program.run(
        Paths.nolock, ["run", path, "-o", folder + "/out"],
        environment: ["NOLOCK_SAMPLE": FaultySample.path.get(), "WARM_NS": "\(cost)"],
        folder: folder)
      #expect(ended.status == 0, "\(ended.errors)")
      let calibration = try #require(
        try Plan.read(directory: folder + "/out").comparisons[0].calibration)
      #expect(calibration.subject == "sheaves")
      let samples = try SampleLog.read(directory: folder + "/out")
      #expect(samples.count == 6)
      for sample in samples {
        #expect(sample.value("iterations") == calibration.iterations)
        let wall = try #require(sample.value("wall_ns"))
        // CPU time is nine tenths of it here.
        #expect((3_000_000...7_000_000).contains(wall))
      }
    }
  }
}
