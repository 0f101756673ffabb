import Foundation

/// A program that speaks the sample protocol and breaks it: crashes, hangs, writes half a record
/// or garbage.  Only for faults: what it measures are fixed numbers.
enum FaultySample {
  static let source = """
    #include <signal.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>
    #include "records.h"
    static struct nl_plan_entry e;
    static struct { struct nl_sample_header h; struct nl_metric m[8]; } r;
    static char out[4096];
    static void metric(const char *name, uint64_t value, uint32_t source) {
      struct nl_metric *m = &r.m[r.h.metric_count++];
      strncpy(m->name, name, sizeof m->name - 1);
      m->value = value; m->source = source;
    }
    int main(int argc, char **argv) {
      if (argc > 1) {
        if (strcmp(argv[1], "--subjects")) return 64;
        puts("sheaves\\tavailable\\t1.0");
        puts("tcmalloc\\tmissing\\tinstall libgoogle-perftools4");
        return 0;
      }
      size_t got = 0;
      while (got < sizeof e) {
        ssize_t n = read(0, (char *)&e + got, sizeof e - got);
        if (n <= 0) return 1;
        got += (size_t)n;
      }
      const char *victim = getenv("FAULT_SUBJECT"), *mode = getenv("FAULT");
      const char *slow = getenv("FAULT_SLEEP_US");
      // Calibration aims at 4/3 of the length that a block's sample is given.
      int block = e.iterations && e.target_ns % 3000000 == 0;
      if (slow && block) usleep((useconds_t)atoi(slow));
      int hit = victim && mode && !strcmp(victim, e.subject) && block;
      const char *once = getenv("FAULT_ONCE");
      if (hit && once) { hit = access(once, F_OK) != 0; if (hit) fclose(fopen(once, "w")); }
      if (hit && !strcmp(mode, "crash")) { signal(SIGSEGV, SIG_DFL); raise(SIGSEGV); }
      if (hit && !strcmp(mode, "hang")) for (;;) pause();
      if (hit && !strcmp(mode, "silent")) return 0;
      if (hit && !strcmp(mode, "exit")) { fputs("no memory left\\n", stderr); return 9; }
      r.h.abi = NL_RECORDS_ABI; r.h.size = sizeof r.h; r.h.status = NL_OK;
      uint64_t n = e.iterations ? e.iterations : 5000;
      // What calibration must find out: an operation costs less in a sample than it estimated.
      const char *warm = getenv("WARM_NS");
      uint64_t wall = n * (uint64_t)(e.iterations && warm ? atoi(warm) : 10);
      metric("wall_ns", wall, NL_SRC_CLOCK);
      metric("foreground_ns", n * (uint64_t)(5 + strlen(e.subject)), NL_SRC_CLOCK);
      metric("cpu_ns", wall - wall / 10, NL_SRC_CLOCK);
      metric("operations", n * e.threads, NL_SRC_COUNT);
      metric("iterations", n, NL_SRC_COUNT);
      metric("stat.free_deferred", 3, NL_SRC_COUNT);
      if (hit && !strcmp(mode, "skip")) {
        r.h.status = NL_SKIPPED; strcpy(r.h.reason, "no any-context calls");
        r.h.metric_count = 0;
      }
      if (hit && !strcmp(mode, "books")) {
        r.h.status = NL_FAILED; strcpy(r.h.reason, "books do not balance: 7 lost");
      }
      if (hit && !strcmp(mode, "garbage")) memset(&r, 0xa5, sizeof r);
      if (hit && !strcmp(mode, "abi")) r.h.abi = 77;
      size_t size = sizeof r.h + (r.h.metric_count % 9) * sizeof r.m[0];
      memcpy(out, &r.h, sizeof r.h);  // the header's size is no multiple of a metric's alignment
      memcpy(out + sizeof r.h, r.m, sizeof r.m);
      if (hit && !strcmp(mode, "torn")) size -= 20;
      return write(1, out, size) == (ssize_t)size ? 0 : 1;
    }
    """

  /// Why it cannot be built; `nil` iff it can.
  static let problem: String? = { (try? path.get()) == nil ? "no C compiler" : nil }()

  /// The built program.
  static let path: Result<String, any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.path + "/nolock-faulty-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try source.write(toFile: folder + "/faulty.c", atomically: true, encoding: .utf8)
    let headers = Paths.package + "/Sources/CRecords/include"
    let built = try Program.run(
      "/usr/bin/env",
      ["clang", "-O1", "-I", headers, folder + "/faulty.c", "-o", folder + "/nolock-sample"])
    guard built.status == 0 else { throw CocoaError(.executableLoad) }
    return folder + "/nolock-sample"
  }
}
