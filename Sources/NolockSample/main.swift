// nolock-sample: one plan entry in on standard input, one record out on standard output.
import CRecords
import Glibc
import Workloads

let arguments = CommandLine.arguments.dropFirst()
if arguments == ["--subjects"] {
  listSubjects()
  exit(0)
}
if arguments.first == "--functions" { _exit(listFunctions(Array(arguments.dropFirst()))) }
if arguments.first == "--states" { _exit(listStates(Array(arguments.dropFirst()))) }
if arguments.first == "--atlas" { _exit(atlas(Array(arguments.dropFirst()))) }
if arguments.first == "--survive" { _exit(survive(Array(arguments.dropFirst()))) }
guard arguments.isEmpty else {
  complain("usage: nolock-sample < plan-entry > record, or nolock-sample --subjects")
  exit(64)
}
// Not exit(): a subject may still have a thread, and nothing is left to write.
_exit(sample())
