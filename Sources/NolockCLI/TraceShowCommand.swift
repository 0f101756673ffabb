import ArgumentParser
import Measurement
import Traces

struct TraceShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Says what is in a trace.",
    discussion: """
      Events, CPUs, sizes, contexts, lifetimes and the share of remote frees; FILE is perf script \
      or ftrace text or a compact trace, plain or gzip.

      Example: nolock trace show --format markdown hackbench.perf.txt.gz
      """)

  @Argument(help: "The trace to read.")
  var file: String

  @Option(help: "text, json, csv or markdown.")
  var format = SummaryFormat.text

  func run() throws {
    let text = try reading {
      try TraceSummary(try TraceFile.read(file), path: file).rendered(as: format)
    }
    RunOutput.write(text)
  }
}

extension SummaryFormat: ExpressibleByArgument {}
