import Foundation

@testable import Traces

/// A random recording as text, with what it must mean worked out beside it, independently of the
/// parser: pointers are looked up in a plain list.
struct RandomTrace {
  var text = ""
  var tally = Tally()
  var counts = TraceCounts()
  /// By CPU: (is allocation, size, allocation's ordinal).
  var streams: [[(Bool, Int, Int)]]

  init(seed: UInt64, events: Int, cpus: Int) {
    var random = SeededGenerator(seed: seed)
    streams = []
    (counts.lostFrees, counts.failedAllocations, counts.lostEvents, counts.otherLines) = (
      0, 0, 0, 0
    )
    var live: [(pointer: Int, cpu: Int, id: Int)] = []
    var time = 0
    for step in 0..<events {
      // Steps of 0 make ties across CPUs.
      if step > 0 { time += Int.random(in: 0...3, using: &random) }
      let cpu = Int.random(in: 0..<cpus, using: &random)
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<3:
        text += free("(nil)", cpu: cpu, at: time)
        counts.nullFrees += 1
      case 3..<6:
        text += free("0xdead\(step)", cpu: cpu, at: time)
        counts.unknownFrees += 1
      case 6..<8:
        text += perf("mm_page_free", cpu: cpu, at: time, "page=0x1")
        counts.otherLines! += 1
        continue  // no allocation event: not a part of the duration
      case 8..<45 where !live.isEmpty:
        let victim = live.remove(at: Int.random(in: 0..<live.count, using: &random))
        text += free("0x" + String(victim.pointer, radix: 16), cpu: cpu, at: time)
        if victim.cpu == cpu { tally.localFrees += 1 } else { tally.remoteFrees += 1 }
        add(cpu, (false, 0, victim.id))
      default:
        let size = Int.random(in: 0...9000, using: &random)
        // A small range, so that pointers are used again, some of them while live.
        let pointer = 0x100 + Int.random(in: 0..<events, using: &random)
        text += alloc("0x" + String(pointer, radix: 16), size, cpu: cpu, at: time)
        if let old = live.firstIndex(where: { $0.pointer == pointer }) {
          live.remove(at: old)
          counts.lostFrees! += 1
        }
        live.append((pointer, cpu, Int(tally.allocations)))
        add(cpu, (true, size, Int(tally.allocations)))
        tally.allocations += 1
      }
    }
  }

  private mutating func add(_ cpu: Int, _ event: (Bool, Int, Int)) {
    while streams.count <= cpu { streams.append([]) }
    streams[cpu].append(event)
  }
}
