import Foundation
import Measurement

/// Talk for people, on stderr: a progress bar on a terminal, plain lines otherwise.
final class Terminal: RunObserver {
  private let isTerminal = isatty(2) == 1
  private let started = Date()
  private var doneAtStart: Int?
  private var lastDraw = Date.distantPast
  private var lastTenth = -1
  private var notes = Set<String>()
  private let unit: String

  /// - Parameter unit: what is counted, in the plural.
  init(of unit: String = "samples") { self.unit = unit }

  /// One line.
  static func say(_ line: String) {
    write(line + "\n")
  }

  /// A stderr that is closed is no reason to stop measuring.
  private static func write(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  func progress(done: Int, total: Int, cell: String) {
    let first = doneAtStart ?? done
    doneAtStart = first
    if isTerminal {
      guard Date().timeIntervalSince(lastDraw) > 0.1 else { return }
      lastDraw = Date()
      Self.write(bar(done, total, since: first, cell))
    } else {
      let tenth = total > 0 ? done * 10 / total : 0
      guard tenth > lastTenth else { return }
      lastTenth = tenth
      Self.say("\(done) of \(total) \(unit)\(eta(done, total, since: first))")
    }
  }

  /// Each text once: a fault that every block repeats is one line here, all are on record.
  func note(_ text: String) {
    guard notes.insert(text).inserted else { return }
    clear()
    Self.say(text)
  }

  /// Removes the bar, before other output.
  func clear() {
    if isTerminal { Self.write("\r\u{1b}[K") }
  }

  private func bar(_ done: Int, _ total: Int, since first: Int, _ cell: String) -> String {
    let width = 24
    let full = total > 0 ? min(width, done * width / total) : 0
    let blocks =
      String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
    return
      "\r\u{1b}[K\(blocks) \(done)/\(total)\(eta(done, total, since: first))  \(cell.prefix(44))"
  }

  private func eta(_ done: Int, _ total: Int, since first: Int) -> String {
    guard done > first, total > done else { return "" }
    let perSample = Date().timeIntervalSince(started) / Double(done - first)
    return ", \(Int((perSample * Double(total - done)).rounded(.up))) s left"
  }
}
