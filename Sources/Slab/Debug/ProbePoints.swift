import CPlatform

/// Where a build with -D NOLOCK_PROBES may be interrupted with a lock held: the kernel's
/// `slab_attach_kprobe_locked` of slub_kunit, at compile time.
typealias ProbePoint = nl_probe_point

/// Calls the harness where it asked for it (control "probe_hook"); nothing in any other build.
@inline(__always)
func probePoint(_ point: ProbePoint) {
  #if NOLOCK_PROBES
    nl_probe(point.rawValue)
  #endif
}
