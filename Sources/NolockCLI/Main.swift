import ArgumentParser
import Foundation
import Measurement

/// `nolock`: measures allocators that work in any context.
struct Nolock: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nolock",
    abstract: "Measures memory allocators, in task context and from signal handlers.",
    discussion: """
      Exit codes: 0 ok, 1 internal error, 2 regression, 3 a sample or build failed, 4 improvement \
      (only with --fail-on-improvement), 5 not found, 6 not permitted, 7 inconclusive, \
      8 void, 64 usage, 130 interrupted.

      Example: nolock run quick
      """,
    // Without a commit: SwiftPM's cached manifest would name an older one.  What exactly ran is in
    // each result's fingerprint: the hashes of both programs.
    version: "nolock 1",
    subcommands: [
      RunCommand.self, CompareCommand.self, BaselineCommand.self, GateCommand.self,
      SeriesCommand.self, AtlasCommand.self, ListCommand.self, TraceCommand.self,
      DoctorCommand.self,
    ])
}

@main
enum Main {
  /// The one place where errors become exit codes: one line on stderr each.
  static func main() {
    do {
      var command = try Nolock.parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      end(failure.status.rawValue, "nolock: \(failure.message)")
    } catch {
      let code = Nolock.exitCode(for: error)
      if code == .success {
        // --help and --version arrive as errors.
        print(Nolock.fullMessage(for: error))
        exit(0)
      }
      if error is ExitCode { exit(code.rawValue) }
      let text = Nolock.message(for: error).split(whereSeparator: \.isWhitespace)
        .joined(separator: " ")
      end(code == .validationFailure ? code.rawValue : 1, "nolock: \(text) (see nolock --help)")
    }
  }

  private static func end(_ code: Int32, _ line: String) -> Never {
    Terminal.say(line)
    // git bisect run reads 64 as a bad commit; what is no verdict must stop it.
    let isBisecting =
      CommandLine.arguments.dropFirst().first == "gate"
      && CommandLine.arguments.contains("--bisect")
    exit(isBisecting ? 128 : code)
  }
}
