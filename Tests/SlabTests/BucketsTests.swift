import Testing

@testable import Slab

@Suite struct BucketsTests {
  static let sizes = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192]

  @Test func sizesAreTheKernels() {
    #expect((0..<13).map(Buckets.size) == Self.sizes)
  }

  @Test func everySizeGoesToTheSmallestBucketThatHoldsIt() {
    for size in 1...8192 {
      #expect(Self.sizes[Buckets.index(forSize: size)] == Self.sizes.first { $0 >= size })
    }
  }

  /// kernel-reference §1.1: order/objects for 4, 16, 64 and 192 CPUs.
  @Test(arguments: [
    (4, [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3]),
    (16, [0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 3, 3, 3]),
    (64, [0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 3, 3, 3]),
    (192, [0, 0, 0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 3]),
  ])
  func slabOrdersAreTheKernels(cpus: Int, orders: [Int]) {
    #expect(Self.sizes.map { Buckets.slabOrder(objectSize: $0, cpus: cpus) } == orders)
  }

  @Test func freePointersStandInTheMiddle() {
    #expect(
      Self.sizes.map { Buckets.linkOffset(objectSize: $0) }
        == [0, 8, 16, 32, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096])
  }

  @Test func emptySlabsKeptPerNode() {
    #expect(
      Self.sizes.map { Buckets.minimumPartial(objectSize: $0) }
        == [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6])
  }

  @Test func sheafCapacitiesAreTheKernels() {
    let capacities = Self.sizes.map { (Sheaves.constants.sheafBytes($0) - 32) / 8 }
    #expect(capacities == [60, 60, 60, 60, 60, 60, 60, 28, 28, 12, 12, 4, 4])
    #expect(Sheaves.constants.barnLimit == 10)
  }
}
