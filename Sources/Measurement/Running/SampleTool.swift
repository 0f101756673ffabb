import Foundation

/// The program that runs one sample: `nolock-sample`.
public struct SampleTool: Sendable {
  public let path: String
  /// Starts it beside its libraries; nil where it cannot be.
  private let loader: String?
  private let environment: [String]

  /// Finds the program: the environment's NOLOCK_SAMPLE, else beside this executable.
  ///
  /// - Throws: `notFound` where it is not an executable file.
  public static func find() throws(Failure) -> SampleTool {
    let environment = ProcessInfo.processInfo.environment
    let path =
      environment["NOLOCK_SAMPLE"]
      ?? (executablePath() as NSString).deletingLastPathComponent + "/nolock-sample"
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw Failure(.notFound, "\(path): not an executable file (NOLOCK_SAMPLE names another)")
    }
    return SampleTool(path: path, environment: environment)
  }

  init(path: String, environment: [String: String]) {
    self.path = path
    loader = ProgramLoader.path(of: path)
    var variables = environment
    // jemalloc from Debian wants more static TLS than the loader keeps back by default.
    variables["GLIBC_TUNABLES"] = "glibc.rtld.optional_static_tls=65536"
    self.environment = variables.map { "\($0.key)=\($0.value)" }
  }

  /// The program with arguments.
  func child(_ arguments: [String]) -> ChildProcess {
    guard let loader else {
      return ChildProcess(path: path, arguments: arguments, environment: environment)
    }
    return ChildProcess(path: loader, arguments: [path] + arguments, environment: environment)
  }

  /// How one sample process ended.
  enum Outcome {
    case record(SampleRecord)
    case failed(reason: String, signal: Int32?)
    case interrupted
  }

  /// Runs one sample; whatever the process does, it ends here within `seconds`.
  func run(_ entry: PlanEntry, seconds: Double, signals: Signals?) throws(Failure) -> Outcome {
    let result = try child([]).run(input: entry.bytes, seconds: seconds, signals: signals)
    let said = Self.lastLine(result.errors)
    switch result.end {
    case .interrupted: return .interrupted
    case .timedOut, .stuck:
      return .failed(
        reason: "watchdog: not finished after \(plain(seconds)) s, killed" + said, signal: SIGKILL)
    case .signalled(let signal):
      return .failed(
        reason: "ended by signal \(signal) (\(signalName(signal)))" + said, signal: signal)
    case .exited(let code):
      do throws(RecordError) {
        let record = try SampleRecord.decode(result.output)
        if code != 0 && record.status == .ok {
          return .failed(reason: "exit code \(code) behind an ok record" + said, signal: nil)
        }
        return .record(record)
      } catch {
        return .failed(
          reason: code == 0 ? error.text + said : "exit code \(code), \(error.text)" + said,
          signal: nil)
      }
    }
  }

  /// The functions of a subject that `irq: breakpoint` may name.
  ///
  /// - Throws: `notFound` with the reason where there is no such subject here.
  public func functions(of subject: String) throws(Failure) -> [String] {
    try askFunctions(subject, []).split(separator: "\n").map(String.init)
  }

  /// Refuses breakpoints on functions that a cell's subject does not have, before the first sample.
  ///
  /// - Throws: `usage` with the names that are near.
  public func checkFunctions(_ cells: [Cell]) throws(Failure) {
    var seen: Set<[String]> = []
    for cell in cells where cell.interrupts == .breakpoint {
      guard seen.insert([cell.subject, cell.irq.functions]).inserted else { continue }
      let names = cell.irq.functions.split(separator: "+").map(String.init)
      // A subject that is not here is the sample's to say.
      guard let said = try? askFunctions(cell.subject, names), said.hasPrefix("unknown\t") else {
        continue
      }
      throw Failure(
        .usage, "irq breakpoint: " + said.dropFirst(8).trimmingCharacters(in: .newlines))
    }
  }

  private func askFunctions(_ subject: String, _ names: [String]) throws(Failure) -> String {
    let (name, object) = Cell(subject: subject, workload: .pair, mix: "").nameAndObject
    let result = try child(["--functions", name, object] + names)
      .run(input: [], seconds: 30, signals: nil)
    let said = String(decoding: result.output, as: UTF8.self)
    guard result.end == .exited(0) else {
      let reason = said.hasPrefix("missing\t") ? String(said.dropFirst(8)) : "\(result.end)"
      throw Failure(.notFound, "functions of \(subject): \(reason)")
    }
    return said
  }

  /// A subject and whether it can run here.
  public struct Subject: Codable, Equatable, Sendable {
    public var name: String
    public var available: Bool
    /// Version where available, else the reason.
    public var note: String
  }

  /// Asks the program which subjects it can run on this machine.
  ///
  /// - Throws: `sampleFailed` where the answer is not the agreed one.
  public func subjects() throws(Failure) -> [Subject] {
    let result = try child(["--subjects"]).run(input: [], seconds: 30, signals: nil)
    guard result.end == .exited(0) else {
      throw Failure(
        .sampleFailed, "\(path) --subjects failed: \(result.end)" + Self.lastLine(result.errors))
    }
    var subjects: [Subject] = []
    for line in String(decoding: result.output, as: UTF8.self).split(whereSeparator: \.isNewline) {
      let words = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
      guard words.count >= 2, words[1] == "available" || words[1] == "missing" else {
        throw Failure(.sampleFailed, "\(path) --subjects: line '\(line)' is not name, tab, state")
      }
      subjects.append(
        Subject(
          name: String(words[0]), available: words[1] == "available",
          note: words.count > 2 ? String(words[2]) : ""))
    }
    return subjects
  }

  private static func lastLine(_ errors: [UInt8]) -> String {
    let text = String(decoding: errors, as: UTF8.self)
    guard let line = text.split(whereSeparator: \.isNewline).last else { return "" }
    return ": \(line.prefix(200))"
  }
}

/// The path of the running program.
public func executablePath() -> String {
  (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    ?? CommandLine.arguments[0]
}

/// `SIGSEGV` for 11.
func signalName(_ number: Int32) -> String {
  let names: [Int32: String] = [
    SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
    SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL",
    SIGSEGV: "SIGSEGV", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM",
    SIGUSR1: "SIGUSR1", SIGUSR2: "SIGUSR2", SIGSYS: "SIGSYS", SIGXCPU: "SIGXCPU",
  ]
  return names[number] ?? "signal \(number)"
}
