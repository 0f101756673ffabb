import Glibc

/// A finished child: what it wrote and how it ended.
struct ChildResult {
  enum End: Equatable {
    case exited(Int32)
    /// Ended by this signal, by its own doing.
    case signalled(Int32)
    /// Killed here: it did not end within its time.
    case timedOut
    /// Killed here: SIGINT or SIGTERM arrived.
    case interrupted
    /// Killed here: `isStuck` said so.
    case stuck
  }
  var output: [UInt8]
  /// Its standard error, at most 64 KiB.
  var errors: [UInt8]
  var end: End
}

/// Starts a program with pipes, feeds it, reads it to the end, with a time limit.
///
/// `posix_spawn` and `poll` and nothing else: starting a process costs as much as a sample runs.
struct ChildProcess {
  let path: String
  let arguments: [String]
  let environment: [String]

  /// Runs the child to its end.  It leads a process group of its own, so that a Ctrl-C at the
  /// terminal reaches only this program, and all it started is killed with it.
  ///
  /// - Parameters:
  ///   - seconds: after this time it is killed with SIGKILL.
  ///   - isStuck: asked some 20 times a second; killed where it is true.
  /// - Throws: `notPermitted` where the program cannot be started.
  func run(
    input: [UInt8], seconds: Double, signals: Signals?, isStuck: (() -> Bool)? = nil
  ) throws(Failure) -> ChildResult {
    let stdin = try Pipe()
    let stdout = try Pipe()
    let stderr = try Pipe()
    defer { for pipe in [stdin, stdout, stderr] { pipe.closeBoth() } }
    let pid = try spawn(stdin: stdin, stdout: stdout, stderr: stderr)
    stdin.closeRead()
    stdout.closeWrite()
    stderr.closeWrite()
    var result = ChildResult(output: [], errors: [], end: .exited(0))
    let deadline = monotonicSeconds() + seconds
    stdin.write(input)
    stdin.closeWrite()
    var killed: ChildResult.End?
    while stdout.readable || stderr.readable {
      if killed == nil { killed = expired(deadline, signals, isStuck) }
      if killed != nil { _ = kill(-pid, SIGKILL) }
      wait(stdout, stderr, milliseconds: 50)
      stdout.drain(into: &result.output, limit: 1 << 27)
      stderr.drain(into: &result.errors, limit: 1 << 16)
    }
    var status: Int32 = 0
    // It has closed its pipes; it may still hang in its exit.
    while unsafe waitpid(pid, &status, WNOHANG) == 0 {
      if killed == nil { killed = expired(deadline, signals, isStuck) }
      if killed != nil { _ = kill(-pid, SIGKILL) }
      usleep(200)
    }
    result.end = killed ?? Self.end(status)
    return result
  }

  private func expired(
    _ deadline: Double, _ signals: Signals?, _ isStuck: (() -> Bool)?
  ) -> ChildResult.End? {
    if signals?.arrived == true { return .interrupted }
    if isStuck?() == true { return .stuck }
    return monotonicSeconds() >= deadline ? .timedOut : nil
  }

  /// The wait status as WIFSIGNALED and WEXITSTATUS read it (macros that Swift does not import).
  private static func end(_ status: Int32) -> ChildResult.End {
    let signal = status & 0x7f
    return signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
  }

  private func wait(_ a: Pipe, _ b: Pipe, milliseconds: Int32) {
    var polled = [a, b].filter(\.readable).map {
      pollfd(fd: $0.readEnd, events: Int16(POLLIN), revents: 0)
    }
    _ = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
  }

  private func spawn(stdin: Pipe, stdout: Pipe, stderr: Pipe) throws(Failure) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, stdin.readEnd, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, stdout.writeEnd, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, stderr.writeEnd, 2)
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    unsafe sigemptyset(&none)
    var defaults = sigset_t()
    unsafe sigemptyset(&defaults)
    unsafe sigaddset(&defaults, SIGPIPE)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    var pid: pid_t = 0
    let error = unsafe withCStrings([path] + arguments) { argv in
      unsafe withCStrings(environment) { envp in
        unsafe posix_spawn(&pid, path, &actions, &attributes, argv, envp)
      }
    }
    guard error == 0 else {
      throw Failure(.notPermitted, "\(path): cannot be started: \(errorText(error))")
    }
    return pid
  }
}

/// Calls `body` with a NULL-terminated array of C strings that lives as long as the call.
private func withCStrings<R>(
  _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
  var pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
  defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
  return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
    guard let start = buffer.baseAddress else { preconditionFailure("never empty") }
    return unsafe body(start)
  }
}

/// Seconds of CLOCK_MONOTONIC.
func monotonicSeconds() -> Double {
  var now = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}

/// The C library's text for an error number.
public func errorText(_ number: Int32) -> String {
  guard let text = unsafe strerror(number) else { return "error \(number)" }
  return unsafe String(cString: text)
}
