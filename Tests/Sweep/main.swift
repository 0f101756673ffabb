import Atlas
import CNolock
import CSweep
import Glibc
import Subjects

// sweep SUBJECT OBJECT SIZE MODES LIMIT MOST [OPERATION/STATE…]: interrupts the named states, or all, of
// a subject at their instruction boundaries (Tests/CSweep/include/boundaries.h).  One line of
// name=value words each.  0; 1 if a state's books do not balance; 3 if a state is not reached;
// 64 for wrong words.

func say(_ text: String, to descriptor: Int32) {
  let line = text + "\n"
  _ = unsafe line.withCString { unsafe write(descriptor, $0, strlen($0)) }
}
func complain(_ text: String) { say(text, to: 2) }

func flushes(_ subject: Subject) -> boundaries_flush {
  switch State.flush(subject) {
  case .takesWhatIsFree: BOUNDARIES_TAKES_FREE
  case .onlyAsks: BOUNDARIES_ONLY_ASKS
  case .hasNothing: BOUNDARIES_HAS_NOTHING
  // It takes the line's lock as any task does, and waits for its owner.
  case .mayWait: BOUNDARIES_NO_FLUSH
  }
}

let words = CommandLine.arguments
guard words.count >= 7, let size = Int(words[3]), (16...8192).contains(size),
  let modes = UInt32(words[4]), let limit = Int(words[5]), let most = Int(words[6]), most > 0
else {
  complain("usage: sweep SUBJECT OBJECT SIZE MODES LIMIT MOST [OPERATION/STATE…]")
  exit(64)
}
let subject: Subject
switch loadSubject(words[1], objectPath: words[2] == "-" ? "" : words[2]) {
case .found(let found): subject = found
case .unavailable(let reason), .failed(let reason):
  complain(reason)
  exit(64)
}
if let reason = AtlasRun.refusal(subject) {
  complain(reason)
  exit(64)
}
let all = State.all(of: subject) + State.further(of: subject)
let wanted = Set(words.dropFirst(7))
let names = all.map { "\($0.operation.rawValue)/\($0.name)" }
for name in wanted where !names.contains(name) {
  complain("state '\(name)' found, allowed: \(names.joined(separator: ", "))")
  exit(64)
}

guard boundaries_keep_on_fork() > 0,
  let memory = unsafe nl_boundary_shared(MemoryLayout<boundaries>.size)
else {
  complain("no fork marker found, or no memory")
  exit(64)
}
let state = unsafe memory.bindMemory(to: boundaries.self, capacity: 1)
unsafe state.pointee.ops = subject.ops
unsafe state.pointee.size = size
guard unsafe boundaries_add_foreign(state, 512) == 0 else { exit(64) }
let foreign = unsafe state.pointee.foreign_count

var status: Int32 = 0
for (state_, name) in zip(all, names) where wanted.isEmpty || wanted.contains(name) {
  unsafe boundaries_reset(state, foreign)
  unsafe state.pointee.modes = modes
  unsafe state.pointee.limit = limit
  unsafe state.pointee.most = most
  // The exit hook and a detach hold the flush lock, for which "flush_here" waits, and a block that
  // is just being attached is not asked; of the calls only kfree_nolock leaves something behind
  // while it takes no lock.
  let asks = state_.operation != .threadDetach && state_.name != "attach"
  unsafe state.pointee.flushes = asks ? flushes(subject) : BOUNDARIES_NO_FLUSH
  unsafe state.pointee.declares = State.needsContext(subject) ? 1 : 0
  let withoutLocks = ["/hit", "/spare-swap", "/defer", "kfree_nolock/busy"]
  unsafe state.pointee.takes_central_locks = withoutLocks.contains(where: name.hasSuffix) ? 0 : 1
  unsafe state.pointee.drains = name == "kfree_nolock/defer" ? 1 : 0
  guard let run = AtlasRun(subject, state_, size: size) else { exit(64) }
  do {
    try run.run(
      unsafe Experiment(
        perform: boundaries_perform, finish: boundaries_finish, context: memory))
  } catch {
    say("\(name) missing: \(error.text)", to: 1)
    status = max(status, 3)
    continue
  }
  unsafe boundaries_print(state, name)
  if unsafe state.pointee.findings != 0, status == 0 { status = 1 }
}
exit(status)
