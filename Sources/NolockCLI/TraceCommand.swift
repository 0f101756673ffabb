import ArgumentParser
import Foundation
import Measurement
import Traces

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Records, shows and imports kernel allocation traces.",
    discussion: "Example: nolock trace show Benchmarks/traces/hackbench.nltrace.gz",
    subcommands: [TraceShowCommand.self, TraceImportCommand.self, TraceRecordCommand.self])
}

struct TraceImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Writes a trace in the compact form.",
    discussion: """
      FILE is perf script or ftrace text or a compact trace, plain or gzip.  A name that ends in \
      .gz gives the archive form, any other the raw form that a replay maps.

      Example: nolock trace import hackbench.perf.txt.gz -o hackbench.nltrace.gz
      """)

  @Argument(help: "The trace to read.")
  var file: String

  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String

  func run() throws {
    let trace = try reading { try TraceFile.read(file) }
    do {
      try TraceFile.write(trace, to: output)
    } catch {
      throw Failure(.notPermitted, "\(error)")
    }
    let garbage = trace.counts.garbageLines
    Terminal.say(
      "\(output): \(trace.eventCount) events of \(trace.streams.count) CPUs"
        + (garbage > 0 ? ", \(garbage) lines not understood" : ""))
  }
}

/// A trace that cannot be read is bad input: 64.
func reading<T>(_ body: () throws -> T) throws(Failure) -> T {
  do {
    return try body()
  } catch {
    throw Failure(.usage, "\(error)")
  }
}
