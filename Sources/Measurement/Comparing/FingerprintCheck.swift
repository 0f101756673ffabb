extension Fingerprint {
  /// Fields of the machine and the harness in which two results differ: those are not compared.
  /// The commit and its state are the subjects' and differ by purpose.
  public func differences(from other: Fingerprint) -> [String] {
    func differing(_ a: [String: Fact], _ b: [String: Fact]) -> [String] {
      Set(a.keys).union(b.keys).filter { a[$0]?.value != b[$0]?.value }
    }
    let code = differing(self.code, other.code).filter { !$0.hasPrefix("git_") }
    return (differing(machine, other.machine) + code + differing(programs, other.programs)).sorted()
  }
}
