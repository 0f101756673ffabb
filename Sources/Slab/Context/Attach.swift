import CPlatform

// How a thread gets its vCPU (architecture.md, "Life of a thread").

extension Instance {
  static var vcpuBytes: Int { 8192 }

  /// A vCPU's block by number.
  @inline(__always)
  func vcpu(_ index: Int) -> VCPU {
    let first = unsafe UnsafeMutableRawPointer(pointer.pointee.vcpu.unsafelyUnwrapped)
    return unsafe VCPU((first + index &* Self.vcpuBytes).assumingMemoryBound(to: nl_vcpu.self))
  }

  /// Blocks carved so far.
  @inline(__always)
  var vcpuCount: Int {
    let count = unsafe nl_load_u32(nl_instance_at_vcpu_count(pointer))
    let limit = unsafe pointer.pointee.vcpu_limit
    return Int(count < limit ? count : limit)
  }

  /// A block nobody uses; nil iff all were given out.
  ///
  /// - Context: any.  Progress: the free list gets `exchangeCap` tries, then a fresh block is
  ///   carved, wait-free.
  @inline(__always)
  func takeVCPU() -> VCPU? {
    let head = unsafe nl_instance_at_vcpu_free(pointer)
    var tries = 0
    while tries < Self.exchangeCap {
      let seen = unsafe nl_load(head)
      let index = Int(seen & 0xffff_ffff) &- 1
      if index < 0 { break }
      // Stale if somebody else takes the block now; the tag then differs.
      // Of a block that another thread may take and return meanwhile: then the exchange fails.
      let next = unsafe UInt64(nl_load_u32(nl_vcpu_at_next_free(vcpu(index).pointer)))
      if unsafe nl_cas_u64(head, seen, (seen &>> 32 &+ 1) &<< 32 | next) { return vcpu(index) }
      tries &+= 1
    }
    let index = Int(unsafe nl_add_u32(nl_instance_at_vcpu_count(pointer), 1))
    guard unsafe index < Int(pointer.pointee.vcpu_limit) else {
      _ = unsafe nl_add_u32(nl_instance_at_vcpu_count(pointer), 0 &- 1)
      return nil
    }
    let fresh = vcpu(index)
    unsafe fresh.pointer.pointee.index = UInt32(truncatingIfNeeded: index)
    fillTables(fresh)
    return fresh
  }

  /// Puts a block on the free list.
  ///
  /// - Context: any.  Progress: `exchangeCap` tries; then the block is lost to this process, its
  ///   counters are not.
  @inline(__always)
  func returnVCPU(_ vcpu: VCPU) {
    let head = unsafe nl_instance_at_vcpu_free(pointer)
    var tries = 0
    while tries < Self.exchangeCap {
      let seen = unsafe nl_load(head)
      unsafe nl_store_u32(
        nl_vcpu_at_next_free(vcpu.pointer), UInt32(truncatingIfNeeded: seen))
      let entry = unsafe UInt64(vcpu.pointer.pointee.index) &+ 1
      if unsafe nl_cas_u64(head, seen, (seen &>> 32 &+ 1) &<< 32 | entry) { return }
      tries &+= 1
    }
  }

  /// What never changes in a block: its tables and the dummy lines.
  @inline(__always)
  private func fillTables(_ vcpu: VCPU) {
    unsafe vcpu.pointer.pointee.arena_base = pointer.pointee.arena_base
    unsafe vcpu.pointer.pointee.arena_size = pointer.pointee.arena_size
    unsafe vcpu.pointer.pointee.page = pageTable(ofNode: 0)
    let isQuotaSet = unsafe pointer.pointee.quota != 0
    var line = 0
    while line < Int(NL_LINES) {
      unsafe nl_line_set_lock(nl_vcpu_at_line(vcpu.pointer, line), 1)
      line &+= 1
    }
    var bucket = 0
    var entry = 0
    while bucket < Int(NL_BUCKETS) {
      let offset = (bucket &+ Int(NL_LINE_FIRST.rawValue)) &* 64
      // With a quota every accounted allocation takes the slow path, where it is charged.
      let accounted = isQuotaSet ? 0 : offset &+ Int(NL_BUCKETS) &* 64
      while entry < Buckets.size(bucket) / 8 {
        unsafe nl_vcpu_at_bucket(vcpu.pointer, entry).pointee = UInt16(truncatingIfNeeded: offset)
        unsafe nl_vcpu_at_bucket_accounted(vcpu.pointer, entry).pointee =
          UInt16(truncatingIfNeeded: accounted)
        entry &+= 1
      }
      bucket &+= 1
    }
  }
}

extension Configuration {
  /// The calling thread's block; attaches the thread if this is its first slow call.
  ///
  /// Returns `boot` itself, which has no sheaves, iff no block is left.
  /// - Context: any.  A handler that comes in between and attaches first wins.
  @inline(never)
  static func attach() -> VCPU {
    if Preempt.isRT { return attachShared() }
    let instance = instance
    guard let vcpu = instance.takeVCPU() else {
      instance.count(.boot, .attachFailed)
      return .boot
    }
    unsafe vcpu.pointer.pointee.node = 0
    unsafe vcpu.pointer.pointee.page = instance.pageTable(ofNode: 0)
    openLines(vcpu)
    unsafe vcpu.pointer.pointee.tid = nl_gettid()
    unsafe vcpu.pointer.pointee.generation = instance.pointer.pointee.generation
    unsafe vcpu.pointer.pointee.attached_at = nl_add(nl_instance_at_attaches(instance.pointer), 1)
    unsafe nl_vcpu_set_hooked(vcpu.pointer, 0)
    unsafe vcpu.pointer.pointee.silent = 0
    vcpu.forgetCentral()
    guard replace(.boot, with: vcpu) else {
      instance.returnVCPU(vcpu)
      return Self.vcpu
    }
    // Last: the worker takes two attached blocks of one tid as proof that one thread is dead.
    vcpu.state = NL_VCPU_ATTACHED.rawValue
    instance.count(vcpu, .attach)
    return vcpu
  }

  @inline(__always)
  static func enterNolock() -> VCPU {
    let vcpu = vcpu
    return vcpu == .boot ? attach() : vcpu
  }

  /// Opens the lines of a block that a thread is about to use.
  @inline(__always)
  static func openLines(_ vcpu: VCPU) {
    var i = 0
    while i < Int(NL_CACHES) {
      let line = vcpu.line(ofCache: i)
      let cache = instance.cache(i)
      unsafe line.pointer.pointee.object_size = UInt32(truncatingIfNeeded: cache.objectSize)
      if !Preempt.isRT {
        line.isPending = false
        unsafe nl_line_release_request(line.pointer)
      }
      Form.open(line, of: cache)
      line.openLock()
      i &+= 1
    }
    if !Preempt.isRT { unsafe nl_line_release_request(vcpu.stockLine.pointer) }
    vcpu.stockLine.openLock()
  }
}
