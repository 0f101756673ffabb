/// Mixes that are tables of weights.
enum KnownMixes {
  /// 8, 16, … 8192, each half as frequent as the one before: every size then has the same share
  /// of the bytes.  A choice, not a measurement: `slabinfo` and `trace:FILE` are measured.
  static let pow2: [(size: UInt32, weight: Double)] = (3...13).map { shift in
    (UInt32(1) << UInt32(shift), 1 / Double(1 << shift))
  }

  /// Sizes that BPF programs allocate in any context: 16…512 bytes of the 16…4096 that
  /// bpf_mem_alloc serves (kernel-reference §2.8), where hash map elements (a header of 48 bytes,
  /// then key and value, each rounded up to 8), local-storage elements (a 64-byte header and the
  /// value, 16…64 bytes in the selftests' benchmark) and bpf_obj_new() nodes lie.  The *sizes*
  /// follow the kernel; the *weights* are a judgement: no distribution has been published
  /// (kernel-reference §6).
  static let bpf: [(size: UInt32, weight: Double)] = [
    (16, 6), (32, 10), (48, 8), (64, 20), (80, 14), (96, 14), (128, 14), (192, 6), (256, 5),
    (512, 3),
  ]
}
