import Foundation

/// The running kernel's own bucket sizes, weighted by active objects.
enum SlabInfo {
  static let path = "/proc/slabinfo"

  /// Reads /proc/slabinfo.
  ///
  /// - Throws: `notPermitted` where it cannot be read (it needs root, and SLUB_TINY kernels have
  ///   none), `usage` where it names no kmalloc cache.
  static func weights(path: String = path) throws(Failure) -> [(size: UInt32, weight: Double)] {
    guard let text = KernelFile.text(path) else {
      throw Failure(.notPermitted, "mix 'slabinfo': \(path) cannot be read (it needs root)")
    }
    let weights = parse(text)
    guard !weights.isEmpty else {
      throw Failure(.usage, "mix 'slabinfo': \(path) names no kmalloc cache with active objects")
    }
    return weights
  }

  /// Lines are `name active_objs num_objs objsize …` (slabinfo version 2.1).  Every family of
  /// kmalloc caches counts (normal, -cg-, -rcl-, partitions), DMA does not.
  static func parse(_ text: String) -> [(size: UInt32, weight: Double)] {
    var active: [UInt32: Double] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(separator: " ")
      guard words.count >= 4, words[0].hasPrefix("kmalloc-"), let objects = Double(words[1]),
        let size = UInt32(words[3]), size >= 1, size <= Mix.largest, objects > 0
      else { continue }
      active[size, default: 0] += objects
    }
    return active.sorted { $0.key < $1.key }.map { (size: $0.key, weight: $0.value) }
  }
}
