extension Cell {
  /// A readable name, unique among cells: `storm/sheaves/mix=bpf/threads=2/irq=timer:10000`.
  ///
  /// What has its default value is left out; a trace is named by its file's name.
  public var id: String { slug(subject: subject) }

  /// The id with `*` for the subject: arms of a comparison of revisions differ in nothing else.
  public var pattern: String { slug(subject: "*") }

  /// The id without the subject, what the handler does and which calls are used: cells with equal
  /// ids here are arms of one comparison, so that a subject and its control cells share their
  /// blocks.
  public var comparison: String {
    var cell = self
    cell.handler = .nolock
    cell.calls = .ordinary
    return cell.slug(subject: "*")
  }

  /// What tells the cell from the other arms of its comparison: `sheaves`, `sheaves handler=empty`,
  /// `sheaves calls=nolock`.
  public var arm: String {
    subject + (handler == .nolock ? "" : " handler=\(handler.rawValue)")
      + (calls == .ordinary ? "" : " calls=\(calls.rawValue)")
  }

  /// The cells that this one is set against to see one thing alone: the handler's allocations, the
  /// nolock calls.
  public var controls: [Cell] {
    var controls: [Cell] = []
    if interrupts != .none && handler == .nolock {
      var twin = self
      twin.handler = .empty
      controls.append(twin)
    }
    if calls == .nolock {
      var twin = self
      twin.calls = .ordinary
      controls.append(twin)
    }
    return controls
  }

  /// 64-bit FNV-1a, 16 hexadecimal digits, over every field, defaults and full paths included.
  public var hash: String {
    var all = [
      subject, workload.rawValue, mix, "\(threads)", interrupts.rawValue, "\(rate)", "\(batch)",
      order.rawValue, "\(live)", foreground.rawValue, handler.rawValue, arrivals.rawValue,
      "\(ownBucket)", handlerMix, "\(contexts)", "\(limit)", calls.rawValue,
      "\(seconds)",
    ]
    // Only where they are set, so that the hashes of earlier results stay.
    if irq != InterruptOptions() {
      all += irq.words + ["burst=\(irq.burst)", "functions=\(irq.functions)"]
    }
    if counted { all.append("counted") }
    return hexadecimal(fnv1a(all.joined(separator: "\u{1f}")))
  }

  private func slug(subject: String) -> String {
    var parts = [
      workload.rawValue, subject.replacing("/", with: "%2F"), "mix=\(Self.short(mix))",
      "threads=\(threads)",
    ]
    if interrupts != .none {
      let how = interrupts == .breakpoint ? irq.functions : interrupts.hasRate ? plain(rate) : ""
      // A function's name may hold anything.
      parts.append(
        "irq=\(interrupts.rawValue)" + (how.isEmpty ? "" : ":" + how.replacing("/", with: "%2F")))
      parts += irq.words
      if handler != .nolock { parts.append("handler=\(handler.rawValue)") }
      if arrivals != .periodic {
        parts.append("arrivals=\(arrivals.rawValue)" + (arrivals == .burst ? ":\(irq.burst)" : ""))
      }
      if ownBucket { parts.append("own_bucket=true") }
      if !ownBucket && handlerMix != "bpf" { parts.append("handler_mix=\(Self.short(handlerMix))") }
    }
    if foreground != .pair { parts.append("foreground=\(foreground.rawValue)") }
    if workload == .batch { parts.append("batch=\(batch)/order=\(order.rawValue)") }
    if workload == .kunit && batch != Self.kunitBatch { parts.append("batch=\(batch)") }
    if live != 0 { parts.append("live=\(live)") }
    if calls != .ordinary { parts.append("calls=\(calls.rawValue)") }
    if contexts { parts.append("contexts=true") }
    if limit != 0 { parts.append("limit=\(limit)") }
    if counted { parts.append("counted=true") }
    if seconds != 0 { parts.append("seconds=\(seconds)") }
    return parts.joined(separator: "/")
  }

  /// `trace:Benchmarks/traces/hackbench.nltrace.gz` → `trace:hackbench.nltrace.gz`.
  static func short(_ mix: String) -> String {
    guard mix.hasPrefix("trace:") else { return mix }
    return "trace:" + (mix.dropFirst(6).split(separator: "/").last ?? "")
  }
}

/// FNV-1a, 64 bits.  Source: Fowler, Noll, Vo; offset basis and prime of the 64-bit form.
func fnv1a(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

func hexadecimal(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

/// A number without a needless `.0`: 10000, 0.5.
public func plain(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
}
