import Foundation

extension Fingerprint {
  /// The whole fingerprint: the machine, the code, and the programs that measure.
  ///
  /// - Parameters:
  ///   - package: the package's folder, `nil` where it is not known.
  ///   - suite: path of the suite file.
  ///   - traces: paths of traces, as the cells name them.
  public static func gather(
    nolock: String, sample: String, suite: String, traces: [String], package: String?
  )
    -> Fingerprint
  {
    var code = [
      "git_commit": git(package, ["rev-parse", "HEAD"]),
      "git_dirty": dirty(package),
      "suite_sha256": sha256(suite),
    ]
    code.merge(traceFacts(traces, package: package)) { $1 }
    return Fingerprint(
      machine: machineFacts(), code: code,
      programs: programFacts(nolock: nolock, sample: sample))
  }

  /// SHA-256 of each trace, as `sha256 of PATH`.
  public static func traceFacts(_ traces: [String], package: String?) -> [String: Fact] {
    var facts: [String: Fact] = [:]
    for trace in traces {
      do throws(Failure) {
        facts["sha256 of \(trace)"] = sha256(try CellInputs.locate(trace, package))
      } catch {
        facts["sha256 of \(trace)"] = .unknown(error.message)
      }
    }
    return facts
  }

  /// SHA-256 of the two programs.
  public static func programFacts(nolock: String, sample: String) -> [String: Fact] {
    ["nolock_sha256": sha256(nolock), "nolock_sample_sha256": sha256(sample)]
  }

  /// SHA-256 of a file.
  public static func hash(ofFile path: String) -> Fact { sha256(path) }

  /// SHA-256 of a file, by coreutils' `sha256sum`.
  static func sha256(_ path: String) -> Fact {
    switch command(["sha256sum", "--", path]) {
    case .success(let text): .known(String(text.drop { $0 == "\\" }.prefix(64)))
    case .failure(let why): .unknown(why.message)
    }
  }

  private static func dirty(_ package: String?) -> Fact {
    // An empty status is the clean one, so `git` itself must have succeeded.
    guard let package else { return .unknown("package folder not found") }
    return switch command(["git", "-C", package, "status", "--porcelain"]) {
    case .success(let text): .known(text.isEmpty ? "false" : "true")
    case .failure(let why): .unknown(why.message)
    }
  }

  private static func git(_ package: String?, _ arguments: [String]) -> Fact {
    guard let package else { return .unknown("package folder not found") }
    return switch command(["git", "-C", package] + arguments) {
    case .success(let text): .known(text)
    case .failure(let why): .unknown(why.message)
    }
  }

  /// Standard output of a program of the PATH, without white space at its ends.
  private static func command(_ words: [String]) -> Result<String, Failure> {
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    let child = ChildProcess(path: "/usr/bin/env", arguments: words, environment: environment)
    do throws(Failure) {
      let result = try child.run(input: [], seconds: 20, signals: nil)
      guard result.end == .exited(0) else {
        return .failure(Failure(.internalError, "\(words[0]) failed"))
      }
      let text = String(decoding: result.output, as: UTF8.self)
      return .success(text.trimmingCharacters(in: .whitespacesAndNewlines))
    } catch {
      return .failure(error)
    }
  }
}
