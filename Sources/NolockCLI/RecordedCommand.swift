import Foundation
import Measurement

/// A command that runs while something is recorded; it has our standard streams.
struct RecordedCommand {
  private let process: pid_t
  private let name: String

  /// - Throws: `notFound` where there is no such program.
  init(_ words: [String], output: Int32? = nil) throws(Failure) {
    name = words[0]
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    // Ours are blocked, and a child inherits that.
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    if let output { unsafe posix_spawn_file_actions_adddup2(&actions, output, 1) }
    var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
    var child: pid_t = 0
    let error = unsafe posix_spawnp(&child, words[0], &actions, &attributes, &arguments, environ)
    guard error == 0 else {
      throw Failure(.notFound, "\(words[0]): \(unsafe String(cString: strerror(error)))")
    }
    process = child
  }

  /// Waits; after `seconds`, or where a signal of ours arrives, it is ended by `signal`, and killed
  /// 5 s later.
  ///
  /// - Returns: its exit code, 128 + signal where one ended it; nil iff it was ended here.
  func wait(seconds: Double?, signals: Signals, endBy ending: Int32 = SIGTERM) -> Int32? {
    let start = Date()
    var asked: Date?
    var status: Int32 = 0
    while unsafe waitpid(process, &status, WNOHANG) == 0 {
      let late = seconds.map { Date().timeIntervalSince(start) > $0 } ?? false
      if asked == nil && (late || signals.arrived) {
        asked = Date()
        kill(process, ending)
      }
      if let asked, Date().timeIntervalSince(asked) > 5 { kill(process, SIGKILL) }
      usleep(5_000)
    }
    if asked != nil { return nil }
    let signal = status & 0x7f
    return signal == 0 ? status >> 8 & 0xff : 128 + signal
  }
}
