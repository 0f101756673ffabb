import CPlatform

extension Instance {
  @inline(__always)
  private var checkReport: CheckReport { unsafe CheckReport(pointer) }

  /// Counts a finding and keeps its text; printed later if this call may not (the kernel's printk
  /// in an NMI does the same).  A handler that interrupts another report only counts.
  ///
  /// - Context: any.  Progress: wait-free.
  @inline(never)
  func report<M: CallMode>(_ caller: VCPU, _ finding: Finding, _ mode: M.Type) {
    count(caller, .slabErrors)
    if !checkReport.keep(finding, tid: caller.tid) { return }
    if M.waits { writeReports() }
  }

  /// Prints what a handler left; every ordinary call of a checked instance does that first.
  ///
  /// - Context: task.
  @inline(__always)
  func writeReports() {
    if checkReport.isUnwritten { checkReport.print() }
  }

  /// Copies the last report (nolock_ops.report).
  ///
  /// - Context: any.
  func lastReport(_ out: UnsafeMutablePointer<CChar>?, _ capacity: Int) -> Int {
    unsafe checkReport.copy(out, capacity)
  }
}

/// The one report that an instance keeps.  Not generic, as its users are: it is long, and the same
/// in every form.
@safe
struct CheckReport {
  private let instance: UnsafeMutablePointer<nl_instance>
  private let pointer: UnsafeMutablePointer<nl_report>

  init(_ instance: UnsafeMutablePointer<nl_instance>) {
    unsafe self.instance = instance
    unsafe pointer = nl_instance_at_report(instance)
  }

  @inline(__always)
  var isUnwritten: Bool { unsafe nl_load_u8(nl_report_at_unwritten(pointer)) != 0 }

  /// False while another report is being written or read: this one is counted only.
  ///
  /// - Context: any.  Progress: wait-free.
  @inline(never)
  func keep(_ finding: Finding, tid: UInt32) -> Bool {
    // Acquire and release of `busy` pair with those of `copy`.
    guard unsafe nl_swap_u8(nl_report_at_busy(pointer), 1) == 0 else { return false }
    var text = unsafe TextBuffer(nl_report_at_text(pointer), capacity: 1023)
    write(finding, tid, &text)
    unsafe pointer.pointee.length = UInt32(text.finish())
    unsafe nl_store_u8(nl_report_at_unwritten(pointer), 1)
    unsafe nl_release_u8(nl_report_at_busy(pointer))
    if unsafe instance.pointee.abort_on_error != 0 { abortWithReport() }
    return true
  }

  /// To stderr, if that was asked for.
  ///
  /// - Context: task.
  @inline(never)
  func print() {
    guard unsafe nl_swap_u8(nl_report_at_unwritten(pointer), 0) != 0,
      unsafe instance.pointee.report_to_stderr != 0
    else { return }
    unsafe nl_write_error(nl_report_at_text(pointer), UInt64(pointer.pointee.length))
  }

  /// The one place where a nolock call makes a system call: the process ends here.
  @inline(never)
  private func abortWithReport() {
    unsafe nl_write_error(nl_report_at_text(pointer), UInt64(pointer.pointee.length))
    nl_trap()
  }

  /// The number of bytes copied, without the NUL behind them.
  ///
  /// - Context: any.
  func copy(_ out: UnsafeMutablePointer<CChar>?, _ capacity: Int) -> Int {
    guard let out = unsafe out, capacity > 0 else { return 0 }
    unsafe out[0] = 0
    guard unsafe nl_swap_u8(nl_report_at_busy(pointer), 1) == 0 else { return 0 }
    let length = unsafe Int(pointer.pointee.length)
    let text = unsafe nl_report_at_text(pointer)
    var i = 0
    while i < length, i < capacity &- 1 {
      unsafe out[i] = text[i]
      nl_signal_fence()  // else the loop becomes a call of memcpy
      i &+= 1
    }
    unsafe out[i] = 0
    unsafe nl_release_u8(nl_report_at_busy(pointer))
    return length
  }

  private func write(_ finding: Finding, _ tid: UInt32, _ text: inout TextBuffer) {
    text.add("BUG ")
    if let object = finding.object {
      text.add(object.cache.isAccounted ? "kmalloc-cg-" : "kmalloc-")
      text.add(UInt(bitPattern: object.cache.objectSize))
      text.add(": ")
    }
    text.add(finding.what)
    text.add("\nobject ")
    unsafe text.add(hex: UInt(bitPattern: finding.address))
    if let object = finding.object {
      text.add(", bucket ")
      text.add(UInt(bitPattern: object.cache.objectSize))
      text.add(", ")
      text.add(UInt(bitPattern: object.requested))
      text.add(" bytes requested\n")
      unsafe add(
        "allocated at ", object.track.pointee.alloc_site, object.track.pointee.alloc_tid,
        &text)
      unsafe add(
        "last freed at ", object.track.pointee.free_site, object.track.pointee.free_tid, &text)
      if let place = unsafe finding.place {
        text.add("byte ")
        let offset = unsafe place - object.address
        if offset < 0 { text.add("-") }
        text.add(UInt(bitPattern: offset < 0 ? 0 &- offset : offset))
        text.add(": ")
        unsafe text.add(hex: UInt(place.load(as: UInt8.self)))
        text.add(" found, ")
        text.add(hex: UInt(finding.expected))
        text.add(" expected\n")
      }
    } else {
      text.add("\n")
    }
    if finding.size != 0 {
      text.add(finding.size)
      text.add(" bytes requested\n")
    }
    if finding.site != 0 { add("found at ", UInt64(finding.site), tid, &text) }
  }

  private func add(_ what: StaticString, _ site: UInt64, _ tid: UInt32, _ text: inout TextBuffer) {
    if site == 0 { return }
    text.add(what)
    text.add(hex: UInt(site))
    text.add(" by thread ")
    text.add(UInt(tid))
    text.add("\n")
  }
}
