import ArgumentParser
import Foundation
import Measurement
import Traces

struct TraceRecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Records the kernel's allocations while a command runs.",
    discussion: """
      The whole machine is recorded, not the command alone: through tracefs, with the context of \
      each event, where this process may; else through perf.  Exit code 6 says what is missing for \
      both.  The file can be replayed at once.

      Example: nolock trace record -o build.nltrace.gz -- make -j4
      """)

  enum Way: String, CaseIterable, ExpressibleByArgument { case auto, tracefs, perf }

  @Option(help: .init("Stop after so long; without a command it must be given.", valueName: "n"))
  var seconds: Double?
  @Option(name: .shortAndLong, help: "The file to write (.gz: archive form).")
  var output = "recorded.nltrace.gz"
  @Option(help: "auto, tracefs or perf.") var via = Way.auto
  @Option(help: .init("tracefs: buffer of each CPU.", valueName: "MiB")) var buffer = 64
  @Flag(help: "kmem_cache_alloc and kmem_cache_free, too.") var caches = false
  @Option(help: .init("Where tracefs is mounted.", valueName: "dir")) var tracefs: String?
  @Argument(parsing: .postTerminator, help: "The command, behind --.") var command: [String] = []

  func run() throws {
    let signals = Signals()
    if let seconds, seconds <= 0 || seconds > 86_400 {
      throw Failure(.usage, "--seconds '\(plain(seconds))' found, allowed: above 0 to 86400")
    }
    guard (1...4096).contains(buffer) else {
      throw Failure(.usage, "--buffer '\(buffer)' found, allowed: 1…4096 MiB")
    }
    guard !command.isEmpty || seconds != nil else {
      throw Failure(.usage, "neither a command behind -- nor --seconds, allowed: one or both")
    }
    // Found now, not after an hour's recording.
    let folder = (output as NSString).deletingLastPathComponent
    guard unsafe access(folder.isEmpty ? "." : folder, W_OK) == 0 else {
      throw Failure(.notPermitted, "\(output): \(unsafe String(cString: strerror(errno)))")
    }
    let words = command.isEmpty ? ["sleep", plain(seconds ?? 1)] : command
    var refusals: [String] = []
    if via != .perf {
      do {
        return try finish(try recordByTracefs(words, signals), "tracefs", signals)
      } catch let refusal as Refusal {
        refusals.append(refusal.text)
      }
    }
    if via != .tracefs {
      do {
        return try finish(try recordByPerf(words, signals), "perf", signals)
      } catch let refusal as Refusal {
        refusals.append(refusal.text)
      }
    }
    throw Failure(.notPermitted, "trace record: " + refusals.joined(separator: "; "))
  }

  /// This way is not open here.
  private struct Refusal: Error { let text: String }

  private func recordByTracefs(_ words: [String], _ signals: Signals) throws -> (Trace, Int32?) {
    var problems: [String] = []
    for mount in tracefs.map({ [$0] }) ?? TracefsRecorder.mounts {
      let recorder: TracefsRecorder
      do throws(TraceError) {
        recorder = try TracefsRecorder(
          mount: mount, bufferKilobytes: buffer * 1024, caches: caches)
      } catch {
        problems.append("\(error)")
        continue
      }
      defer { recorder.remove() }
      try recorder.start()
      let code = try RecordedCommand(words).wait(seconds: seconds, signals: signals)
      try recorder.stop()
      return (try reading { try recorder.read() }, code)
    }
    throw Refusal(text: "tracefs: " + problems.joined(separator: ", "))
  }

  private func recordByPerf(_ words: [String], _ signals: Signals) throws -> (Trace, Int32?) {
    let scratch = FileManager.default.temporaryDirectory.path + "/nolock-record-\(getpid())"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let names = ["kmalloc", "kfree"] + (caches ? ["kmem_cache_alloc", "kmem_cache_free"] : [])
    let events = names.map { "kmem:" + $0 }.joined(separator: ",")
    let base = ["record", "-q", "-a", "-m", "\(buffer)M", "-e", events, "-o"]
    // Tried on nothing first: what perf says of a refusal is its own, and the command has not run.
    guard let tried = try ShortProgram.run("perf", base + [scratch + "/try", "--", "true"]) else {
      throw Refusal(text: "perf: not installed (apt-get install linux-perf)")
    }
    guard tried.succeeded else {
      throw Refusal(
        text: "perf: \(tried.complaint); run as root, or with CAP_PERFMON and a readable tracefs")
    }
    let data = scratch + "/data"
    let code = try RecordedCommand(["perf"] + base + [data, "--"] + words)
      .wait(seconds: seconds, signals: signals, endBy: SIGINT)
    let text = scratch + "/script.txt"
    guard let file = FileHandle.creating(text) else {
      throw Failure(.notPermitted, "\(text): cannot be written")
    }
    let script = try RecordedCommand(
      ["perf", "script", "--show-lost-events", "-i", data], output: file.fileDescriptor
    ).wait(seconds: nil, signals: signals)
    guard script == 0 else { throw Failure(.sampleFailed, "perf script failed on \(data)") }
    return (try reading { try TraceText.parse(text) }, code)
  }

  private func finish(_ recorded: (trace: Trace, code: Int32?), _ way: String, _ signals: Signals)
    throws
  {
    if signals.arrived { throw Failure(.interrupted, "interrupted; nothing was written") }
    let trace = recorded.trace
    do {
      try TraceFile.write(trace, to: output)
    } catch {
      throw Failure(.notPermitted, "\(error)")
    }
    let lost = trace.counts.lostEvents ?? 0
    Terminal.say(
      "\(output): \(trace.eventCount) events of \(trace.streams.count) CPUs by \(way), "
        + (way == "perf" ? "without contexts, " : "with contexts, ")
        + "\(lost) lost" + (lost > 0 ? " (a larger --buffer, or shorter)" : ""))
    Terminal.say("replay it: nolock run full -p workload=replay -p trace=\(output)")
    if let code = recorded.code, code != 0 {
      throw Failure(.sampleFailed, "\(command.first ?? "sleep") ended with exit code \(code)")
    }
  }
}

extension FileHandle {
  /// A new, empty file; nil where it cannot be made.
  fileprivate static func creating(_ path: String) -> FileHandle? {
    FileManager.default.createFile(atPath: path, contents: nil)
      ? FileHandle(forWritingAtPath: path) : nil
  }
}
