import Histogram
import Testing

@testable import Statistics

@Suite("Median and its interval")
struct MedianTests {
  @Test("one value is its own median and has no interval")
  func one() {
    #expect(median([7]) == 7)
    #expect(quantile([7], 0.99) == 7)
    #expect(MedianInterval([7], confidence: 0.95) == nil)
  }

  @Test("no values, NaN and an infinity have none")
  func invalid() {
    #expect(median([]) == nil)
    #expect(median([1, .nan]) == nil)
    #expect(quantile([1, 2], -0.1) == nil)
    #expect(quantile([1, 2], .nan) == nil)
    #expect(MedianInterval([1, 2, 3, 4, 5, 6, .infinity], confidence: 0.95) == nil)
    #expect(MedianInterval([1, 2, 3, 4, 5, 6], confidence: 1) == nil)
  }

  @Test("six values are the fewest for 95 %, and cover 1 − 2/64")
  func fewest() {
    #expect(MedianInterval.fewestValues(confidence: 0.95) == 6)
    #expect(MedianInterval([1, 2, 3, 4, 5], confidence: 0.95) == nil)
    let six = MedianInterval([6, 5, 4, 3, 2, 1], confidence: 0.95)
    #expect(six?.low == 1)
    #expect(six?.high == 6)
    #expect(abs((six?.coverage ?? 0) - 0.96875) < 1e-12)
  }

  @Test("ten values: the second and the ninth, 97.85 %")
  func ten() {
    let ten = MedianInterval((1...10).map(Double.init), confidence: 0.95)
    #expect(ten?.low == 2)
    #expect(ten?.high == 9)
    #expect(abs((ten?.coverage ?? 0) - (1 - 2 * 11.0 / 1024)) < 1e-12)
  }

  @Test("large n neither underflows nor loses its coverage")
  func large() {
    let many = MedianInterval((0..<5000).map(Double.init), confidence: 0.95)
    #expect((many?.coverage ?? 0) >= 0.95)
    #expect((many?.coverage ?? 1) < 0.96)
  }
}

@Suite("Paired ratio")
struct PairedRatioTests {
  @Test("a constant factor is found exactly, whatever the noise of the blocks")
  func factor() throws {
    let base = [1.0, 7, 3, 90, 2, 5, 4, 8]
    let ratio = try #require(
      PairedRatio(arm: base.map { $0 * 2 }, base: base, confidence: 0.95))
    #expect(abs(ratio.median - 2) < 1e-12)
    #expect(abs((ratio.low ?? 0) - 2) < 1e-12)
    #expect(abs((ratio.high ?? 0) - 2) < 1e-12)
  }

  @Test("0, negative values and unequal lengths have no ratio")
  func invalid() {
    #expect(PairedRatio(arm: [0], base: [1], confidence: 0.95) == nil)
    #expect(PairedRatio(arm: [1], base: [-1], confidence: 0.95) == nil)
    #expect(PairedRatio(arm: [1, 2], base: [1], confidence: 0.95) == nil)
    #expect(PairedRatio(arm: [], base: [], confidence: 0.95) == nil)
  }

  @Test("one block has a ratio and no interval")
  func single() {
    let ratio = PairedRatio(arm: [3], base: [2], confidence: 0.95)
    #expect(ratio?.count == 1)
    #expect(ratio?.low == nil)
  }
}

@Suite("Pooled histogram")
struct PooledHistogramTests {
  @Test("nothing recorded has no percentile")
  func empty() {
    var pool = PooledHistogram()
    pool.add(low: 3, width: 0, count: 5)
    pool.add(low: 3, width: 1, count: 0)
    #expect(pool.value(at: 0.5) == nil)
    #expect(pool.maximum == nil)
  }

  @Test("pooling two histograms is the same as one of all values")
  func pooling() {
    var one = PooledHistogram()
    var all = PooledHistogram()
    for value in [5, 9, 5, 70] as [UInt64] {
      one.add(low: value, width: 1, count: 1)
      all.add(low: value, width: 1, count: 2)
    }
    for value in [5, 9, 5, 70] as [UInt64] { one.add(low: value, width: 1, count: 1) }
    #expect(one == all)
    #expect(one.value(at: 0.5) == 5)
    #expect(one.value(at: 0.51) == 9)
    #expect(one.maximum == 70)
  }

  @Test("percentiles are those of HdrHistogram, bucket for bucket")
  func hdr() {
    var reference = Histogram<UInt64>(
      highestTrackableValue: 10_000_000, numberOfSignificantValueDigits: .two)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<5000 {
      reference.record(UInt64.random(in: 1...1 << UInt64.random(in: 1...22, using: &generator)))
    }
    var pool = PooledHistogram()
    for bucket in reference.recordedValues() {
      // The iteration gives the highest value of each bucket; its width is up to the next one.
      var low = bucket.value
      while low > 0, reference.valuesAreEquivalent(low - 1, bucket.value) { low -= 1 }
      pool.add(low: low, width: bucket.value - low + 1, count: bucket.count)
    }
    #expect(pool.count == reference.totalCount)
    for p in [0.01, 0.5, 0.9, 0.99, 0.999] {
      #expect(pool.value(at: p) == reference.valueAtPercentile(p * 100), "p = \(p)")
    }
    // HdrHistogram keeps the exact maximum beside its buckets; a pool of buckets cannot.
    #expect(reference.valuesAreEquivalent(pool.maximum ?? 0, reference.maxRecorded))
  }
}
