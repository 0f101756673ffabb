import Events
import Foundation
import Traces

/// What cells need besides their own values, read once before the first sample: the tables of
/// their mixes and their traces as files that a sample can map.
public final class CellInputs {
  private var tables: [String: MixTable] = [:]
  /// Mixes that this machine does not have, and why.
  private var missing: [String: String] = [:]
  private var traces: [String: String] = [:]
  /// Where uncompressed traces are put, until `removeScratch()`.
  private let scratch: String
  /// What the mix `slabinfo` came to; `nil` iff no cell has it.
  public private(set) var slabinfo: [SizeWeight]?

  /// Reads everything that `cells` name.
  ///
  /// - Parameters:
  ///   - slabinfo: the weights of that mix as a plan has them; `nil` = read them now.
  ///   - package: the folder that relative paths of traces are tried in after the current one.
  /// - Throws: `usage` for a trace that cannot be read.
  public init(_ cells: [Cell], seed: UInt64, slabinfo: [SizeWeight]?, package: String?)
    throws(Failure)
  {
    self.slabinfo = slabinfo
    scratch = FileManager.default.temporaryDirectory.path + "/nolock-traces-\(getpid())"
    do throws(Failure) {
      for cell in cells {
        if let path = cell.trace {
          if traces[path] == nil { traces[path] = try prepare(path, package) }
        } else {
          try addTable(cell.mix, seed, package)
        }
        try addTable(cell.handlerMix, seed, package)
      }
    } catch {
      removeScratch()
      throw error
    }
  }

  /// The plan entry of a cell whose inputs were read.
  func entry(
    _ cell: Cell, iterations: UInt64, targetNanoseconds: UInt64, seed: UInt64,
    counters: [NamedEvent] = [], dilation: Dilation = .none, counted: Bool = false
  ) throws(Failure) -> PlanEntry {
    guard let handler = tables[cell.handlerMix],
      let mix = cell.trace == nil ? tables[cell.mix] : handler
    else { throw Failure(.internalError, "\(cell.id): its mix was not read") }
    return try PlanEntry(
      cell, iterations: iterations, targetNanoseconds: targetNanoseconds, seed: seed, mix: mix,
      handlerMix: handler, trace: cell.trace.flatMap { traces[$0] } ?? "", counters: counters,
      dilation: dilation, counted: counted)
  }

  /// Removes what `init` wrote.
  public func removeScratch() {
    try? FileManager.default.removeItem(atPath: scratch)
  }

  private func addTable(_ text: String, _ seed: UInt64, _ package: String?) throws(Failure) {
    guard tables[text] == nil, missing[text] == nil else { return }
    guard let mix = Mix(text) else {
      throw Failure(.usage, "mix '\(text)' found, allowed: \(Mix.allowed)")
    }
    do throws(Failure) {
      tables[text] = try table(mix, derivedSeed(seed, "mix", text), package)
    } catch {
      // What the machine refuses is no fault of the suite: its cells are skipped.
      guard error.status == .notPermitted else { throw error }
      missing[text] = error.message
    }
  }

  /// Why a cell cannot be run on this machine, as far as its inputs tell.
  func problem(_ cell: Cell) -> String? {
    (cell.trace == nil ? missing[cell.mix] : nil) ?? missing[cell.handlerMix]
  }

  private func table(_ mix: Mix, _ seed: UInt64, _ package: String?) throws(Failure) -> MixTable {
    let weights: [(size: UInt32, weight: Double)]
    switch mix {
    case .fixed(let size): return MixTable(fixed: size)
    case .uniform(let low, let high): return MixTable(low: low, high: high, seed: seed)
    case .pow2: weights = KnownMixes.pow2
    case .bpf: weights = KnownMixes.bpf
    case .slabinfo:
      if slabinfo == nil {
        let read = try SlabInfo.weights()
        slabinfo = read.map { SizeWeight(size: $0.size, weight: $0.weight) }
      }
      weights = (slabinfo ?? []).map { (size: $0.size, weight: $0.weight) }
    case .trace(let path): weights = try traceSizes(try Self.locate(path, package))
    }
    guard let table = MixTable(weights: weights) else {
      throw Failure(.usage, "mix '\(mix)': no sizes of 1…\(Mix.largest), or more than 1024")
    }
    return table
  }

  private func prepare(_ path: String, _ package: String?) throws(Failure) -> String {
    let found = try Self.locate(path, package)
    do {
      let raw = try TraceFile.expanded(found, cacheFolder: scratch)
      return URL(fileURLWithPath: raw).path
    } catch {
      throw Failure(.usage, "\(error)")
    }
  }

  /// Sizes that no slab serves (0 and above 8192) are left out.
  private func traceSizes(_ path: String) throws(Failure) -> [(size: UInt32, weight: Double)] {
    do {
      return TraceMix(try TraceFile.read(path)).distribution
        .filter { $0.size >= 1 && $0.size <= Mix.largest }
        .map { (size: $0.size, weight: Double($0.weight)) }
    } catch {
      throw Failure(.usage, "\(error)")
    }
  }

  /// The file itself, or the one of that path in the package.
  public static func locate(_ path: String, _ package: String?) throws(Failure) -> String {
    let candidates = [path] + (path.hasPrefix("/") ? [] : [package.map { $0 + "/" + path } ?? path])
    for candidate in candidates where FileManager.default.isReadableFile(atPath: candidate) {
      return candidate
    }
    do {
      _ = try KernelFile.bytes(path)
    } catch {
      throw Failure(.usage, "trace \(path): cannot be read: \(error.text)")
    }
    return path
  }
}

/// A size in bytes and how often it is wanted, relative to the others.
public struct SizeWeight: Codable, Equatable, Sendable {
  public var size: UInt32
  public var weight: Double
}
