import Testing

@testable import Workloads

@Suite struct HistogramTests {
  /// Every bucket starts where the one before ends, and holds what `index` sends to it.
  @Test func bucketsFollowOneAnother() {
    var end: UInt64 = 0
    for index in 0..<LatencyHistogram.bucketCount {
      let (low, width) = LatencyHistogram.range(index)
      #expect(low == end)
      #expect(LatencyHistogram.index(low) == index)
      if index < LatencyHistogram.bucketCount - 1 {
        #expect(LatencyHistogram.index(low + width - 1) == index)
        #expect(low < 64 || Double(width) / Double(low) <= 1 / 32)
      }
      end = low + width
    }
    #expect(LatencyHistogram.index(.max) == LatencyHistogram.bucketCount - 1)
  }

  @Test func bucketsOfTheKernel() {
    let sizes = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192]
    var low = 1
    for size in sizes {
      for request in low...size { #expect(bucket(for: request) == size) }
      low = size + 1
    }
    #expect(bucket(for: 8193) == 0)
  }
}
