import Measurement
import Testing

@testable import Doctor

@Suite("A/A calibration")
struct CalibrationTests {
  /// Values of one metric with up to ±`noise`, all arms alike.
  private func values(_ count: Int, noise: Double, seed: UInt64) -> [Double] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      10 * (1 + noise * Double.random(in: -1...1, using: &generator))
    }
  }

  private func calibrate(noise: Double) -> AACalibration {
    var result = AACalibration(
      cell: "x", blocks: 640, secondsPerBlock: 0.5, falseAlarms: [], found: [])
    result.add(
      "ns_per_op", values(640, noise: noise, seed: 1), values(640, noise: noise, seed: 2))
    return result
  }

  @Test("equal arms with little noise: few blocks find 5 %, and the seconds follow")
  func quiet() throws {
    let result = calibrate(noise: 0.01)
    let five = try #require(result.found.first { $0.effectPercent == 5 })
    #expect(five.blocks == 11)
    #expect(five.seconds == 5.5)
    #expect(result.falseAlarms.map(\.comparisons) == [40, 20, 40, 20])
    let strict = result.falseAlarms.filter { $0.confidence == AACalibration.confidence }
    #expect(strict.allSatisfy { $0.alarms <= 2 })
  }

  @Test("an effect below the noise is not found, and that is said")
  func loud() throws {
    let one = try #require(calibrate(noise: 0.5).found.first { $0.effectPercent == 1 })
    #expect(one.blocks == nil)
    #expect(one.reason == "more than 128 blocks")
  }

  @Test("arms that differ are alarms")
  func biased() {
    var result = AACalibration(
      cell: "x", blocks: 64, secondsPerBlock: 1, falseAlarms: [], found: [])
    let base = values(64, noise: 0.01, seed: 3)
    result.add("ns_per_op", base.map { $0 * 1.1 }, base)
    #expect(result.falseAlarms.allSatisfy { $0.alarms == $0.comparisons })
  }
}
