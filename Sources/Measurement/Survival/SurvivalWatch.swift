import CRecords
import Foundation

/// A file of one page that a trial writes and its watcher reads.  It has no name, so that nothing is
/// left of it however the two end.
@safe final class SharedPage {
  /// As the trial, a process of the same user, opens it.
  let path: String
  private let file: Int32
  private let page: UnsafeMutableRawPointer

  /// - Throws: `notPermitted` with the system's reason.
  init() throws(Failure) {
    let name = FileManager.default.temporaryDirectory.path + "/nolock-trial-\(UUID().uuidString)"
    let file = unsafe open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Failure(.notPermitted, "\(name): \(errorText(errno))") }
    unsafe unlink(name)
    guard ftruncate(file, 4096) == 0,
      let mapped = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      unsafe mapped != MAP_FAILED
    else {
      let reason = errorText(errno)
      close(file)
      throw Failure(.notPermitted, "\(name): \(reason)")
    }
    self.file = file
    path = "/proc/\(getpid())/fd/\(file)"
    unsafe page = mapped
  }

  /// Each word as it was at some moment: the writer stores them one by one.
  func read() -> nl_survival { unsafe page.load(as: nl_survival.self) }

  func remove() {
    unsafe munmap(page, 4096)
    close(file)
  }
}

/// Decides when a trial will not go on.
final class SurvivalWatch {
  /// Nothing moves for so long.
  static let patience = 2.0
  /// One operation interrupted so often, a handler at every instruction: no call is that long.
  static let longestOperation: UInt64 = 200_000

  private let page: SharedPage
  private let isStep: Bool
  private var operations: UInt64 = 0
  private var phase: UInt64 = 0
  private var signalsThen: UInt64 = 0
  private var since = monotonicSeconds()
  private var signalsLast: UInt64 = 0
  private var signalsSince = monotonicSeconds()
  private(set) var outcome = SurvivalOutcome.deadlock

  init(_ page: SharedPage, isStep: Bool) {
    self.page = page
    self.isStep = isStep
  }

  /// Asked some 20 times a second.
  func isStuck() -> Bool {
    let now = monotonicSeconds()
    let seen = page.read()
    if seen.operations != operations || seen.phase != phase {
      (operations, phase, signalsThen, since) = (seen.operations, seen.phase, seen.signals, now)
    }
    if seen.signals != signalsLast { (signalsLast, signalsSince) = (seen.signals, now) }
    let silent = now - signalsSince > Self.patience
    // The start loads and the end checks: both are no operations.
    let patience = seen.phase == UInt64(NL_SURVIVAL_RUNS.rawValue) ? Self.patience : 10
    guard now - since > patience else { return false }
    if silent {
      outcome = .deadlock
      return true
    }
    outcome = .livelock
    return !isStep || seen.signals - signalsThen > Self.longestOperation
  }
}
