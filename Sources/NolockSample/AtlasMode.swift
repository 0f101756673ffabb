import Atlas
import Glibc
import Subjects

/// `--atlas SUBJECT OBJECT OPERATION STATE SIZE MODE`: one state, as lines of
/// words; `--states SUBJECT OBJECT`: what there is.  0, 64 for wrong words, 3 with a line `missing` where it cannot
/// be done.
func atlas(_ words: [String]) -> Int32 {
  guard words.count == 6, let size = Int(words[4]),
    (1...8192).contains(size)
  else {
    complain("usage: nolock-sample --atlas SUBJECT OBJECT OPERATION STATE SIZE MODE")
    return 64
  }
  let mode: AtlasMode
  let estimates = words[5].hasPrefix("estimate-")
  switch estimates ? String(words[5].dropFirst(9)) : words[5] {
  case "count": mode = .count
  case "linear": mode = .linear
  case "exhaustive": mode = .exhaustive
  case "quadratic": mode = .quadratic
  default:
    complain(
      "atlas mode '\(words[5])' found, allowed: count, linear, exhaustive, quadratic, and estimate- "
        + "before one of them")
    return 64
  }
  let subject: Subject
  switch loadSubject(words[0], objectPath: words[1]) {
  case .found(let found): subject = found
  case .unavailable(let reason), .failed(let reason): return missing(reason)
  }
  guard let state = State.find(subject, words[2], words[3]) else {
    return missing("\(words[0]) has no state \(words[2])/\(words[3])")
  }
  if let reason = AtlasRun.refusal(subject) { return missing(reason) }
  guard let run = AtlasRun(subject, state, size: size) else { return missing("no memory") }
  do {
    if estimates {
      let (seconds, boundaries) = try run.estimate(mode)
      say("estimate\t\(UInt64(seconds * 1e3))\t\(boundaries)\n")
      return 0
    }
    let count = try run.run(mode)
    say(run.lines(count, boundaries: mode != .count))
    return 0
  } catch {
    return missing(error.text)
  }
}

/// Each state's operation, name and summary.
func listStates(_ words: [String]) -> Int32 {
  guard words.count == 2 else {
    complain("usage: nolock-sample --states SUBJECT OBJECT")
    return 64
  }
  switch loadSubject(words[0], objectPath: words[1]) {
  case .found(let subject):
    let states = State.all(of: subject)
    say(states.map { "\($0.operation.rawValue)\t\($0.name)\t\($0.summary)\n" }.joined())
    return 0
  case .unavailable(let reason), .failed(let reason): return missing(reason)
  }
}

func missing(_ reason: String) -> Int32 {
  say("missing\t\(reason)\n")
  return 3
}

/// Standard output.
func say(_ text: String) {
  let bytes = Array(text.utf8)
  var done = 0
  while done < bytes.count {
    let count = unsafe bytes.withUnsafeBytes {
      unsafe write(1, $0.baseAddress! + done, bytes.count - done)
    }
    if count <= 0 { return }
    done += count
  }
}
