import Testing

@testable import Statistics

@Suite("Looks")
struct LookScheduleTests {
  @Test("16, 23, 32, 45, 64, … as many as the blocks allow; the error is shared by all")
  func schedule() throws {
    let schedule = try #require(LookSchedule(blocks: 100, comparisons: 3))
    #expect(schedule.looks == [16, 23, 32, 45, 64, 91])
    #expect(abs((1 - schedule.confidence) - 0.005 / 18) < 1e-15)
    #expect(schedule.isLook(45) && !schedule.isLook(46))
  }

  @Test("fewer than 16 blocks have no look; nonsense has no schedule")
  func none() {
    #expect(LookSchedule(blocks: 15, comparisons: 1)?.looks == [])
    #expect(LookSchedule(blocks: -1, comparisons: 1) == nil)
    #expect(LookSchedule(blocks: 16, comparisons: 0) == nil)
    #expect(LookSchedule(blocks: 16, comparisons: 1, alpha: 1) == nil)
  }

  @Test("16 blocks of a constant shift are decided at the first look with 40 comparisons")
  func smallest() throws {
    let schedule = try #require(LookSchedule(blocks: 45, comparisons: 40))
    let values = [Double](repeating: 0.03, count: 16)
    #expect(MedianInterval(values, confidence: schedule.confidence)?.low == 0.03)
  }
}

@Suite("Invalid input of the tests")
struct InvalidInputTests {
  @Test("is nil, never a number")
  func invalid() {
    #expect(SignTest([]) == nil)
    #expect(SignTest([.nan]) == nil)
    #expect(SignTest([0, 0])?.pValue == 1)
    #expect(ClopperPearson(successes: 1, trials: 0, confidence: 0.9) == nil)
    #expect(ClopperPearson(successes: 3, trials: 2, confidence: 0.9) == nil)
    #expect(holm([0.2, .nan]) == nil)
    #expect(holm([]) == [])
    #expect(autocorrelation([1, 1, 1], lag: 1) == nil)
    #expect(autocorrelation([1, 2], lag: 2) == nil)
    #expect(effectiveSampleSize([1, 2, 3]) == nil)
    #expect(BootstrapInterval(medianOf: [], resamples: 10, confidence: 0.9, seed: 1) == nil)
    #expect(detectableEffect([1, 2], confidence: 0.95, power: 0.9) == nil)
    #expect(Binomial.mass(1, n: 2, p: .nan) == nil)
  }
}

@Suite("Change points")
struct ChangePointTests {
  @Test("a step is found where it is, two steps are two, a constant series has none")
  func steps() {
    let noise = (0..<60).map { Double(($0 * 37) % 11) / 100 }
    #expect(ChangePoint.find(noise) == [])
    #expect(ChangePoint.find([Double](repeating: 2, count: 40)) == [])
    let one = noise.enumerated().map { $0 < 30 ? $1 : $1 + 1 }
    #expect(ChangePoint.find(one).map(\.index) == [30])
    let two = noise.enumerated().map { $0 < 20 ? $1 : $0 < 40 ? $1 + 1 : $1 + 3 }
    #expect(ChangePoint.find(two).map(\.index) == [20, 40])
    #expect(ChangePoint.find([1, .nan, 2, 3, 4, 5, 6, 7, 8, 9, 10]) == [])
  }
}
