import Glibc
import Subjects

/// Prints each subject with a fixed name: `name`, `available` or `missing`, and its version or the
/// reason, separated by tabs.
func listSubjects() {
  // jemalloc needs more static TLS than the loader keeps by default, and the loader reads this only
  // when a program starts.
  if unsafe getenv("GLIBC_TUNABLES") == nil {
    unsafe setenv("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=65536", 1)
    unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
  }
  for name in subjectNames {
    let line =
      switch loadSubject(name, objectPath: "") {
      case .found(let subject): "\(name)\tavailable\t\(subject.version)\n"
      case .unavailable(let reason), .failed(let reason): "\(name)\tmissing\t\(reason)\n"
      }
    let bytes = Array(line.utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
  }
}
