import CPlatform

/// What was found.  `StaticString`s, so that a report can be made in any context.
@safe
struct Finding {
  let what: StaticString
  var address: UnsafeMutableRawPointer?
  let object: CheckedObject?
  /// Return address of the call that found it; 0: a check of everything.
  let site: UInt
  /// The first wrong byte, and what should be there.
  var place: UnsafeMutableRawPointer?
  var expected: UInt8 = 0
  /// A size that was asked for, where that is the finding.
  var size: UInt = 0

  init(_ what: StaticString, _ object: CheckedObject, site: UInt) {
    self.what = what
    unsafe address = object.address
    self.object = object
    self.site = site
  }

  init(_ what: StaticString, at address: UnsafeMutableRawPointer?, site: UInt) {
    self.what = what
    unsafe self.address = address
    object = nil
    self.site = site
  }
}

extension Instance {
  /// Counts a finding and keeps its text; printed later if this call may not (the kernel's printk
  /// in an NMI does the same).  A handler that interrupts another report only counts.
  ///
  /// - Context: any.  Progress: wait-free.
  @inline(never)
  func report<M: CallMode>(_ caller: VCPU, _ finding: Finding, _ mode: M.Type) {
    count(caller, .slabErrors)
    let report = unsafe nl_instance_at_report(pointer)
    guard unsafe nl_swap_u8(nl_report_at_busy(report), 1) == 0 else { return }
    var text = unsafe ReportText(nl_report_at_text(report), capacity: 1023)
    write(finding, caller, &text)
    unsafe report.pointee.length = UInt32(text.finish())
    unsafe nl_store_u8(nl_report_at_unwritten(report), 1)
    unsafe nl_release_u8(nl_report_at_busy(report))
    if unsafe pointer.pointee.abort_on_error != 0 { abortWithReport() }
    if M.waits { writeReports() }
  }

  /// Prints what a handler left; every ordinary call of a checked instance does that first.
  ///
  /// - Context: task.
  @inline(__always)
  func writeReports() {
    if unsafe nl_load_u8(nl_report_at_unwritten(nl_instance_at_report(pointer))) != 0 {
      writeReport()
    }
  }

  @inline(never)
  private func writeReport() {
    let report = unsafe nl_instance_at_report(pointer)
    guard unsafe nl_swap_u8(nl_report_at_unwritten(report), 0) != 0,
      unsafe pointer.pointee.report_to_stderr != 0
    else { return }
    unsafe nl_write_error(nl_report_at_text(report), UInt64(report.pointee.length))
  }

  /// The one place where a nolock call makes a system call: the process ends here.
  @inline(never)
  private func abortWithReport() {
    let report = unsafe nl_instance_at_report(pointer)
    unsafe nl_write_error(nl_report_at_text(report), UInt64(report.pointee.length))
    nl_trap()
  }

  /// Copies the last report (nolock_ops.report).
  ///
  /// - Context: any.
  func lastReport(_ out: UnsafeMutablePointer<CChar>?, _ capacity: Int) -> Int {
    guard let out = unsafe out, capacity > 0 else { return 0 }
    let report = unsafe nl_instance_at_report(pointer)
    unsafe out[0] = 0
    guard unsafe nl_swap_u8(nl_report_at_busy(report), 1) == 0 else { return 0 }
    let length = unsafe Int(report.pointee.length)
    let text = unsafe nl_report_at_text(report)
    var i = 0
    while i < length, i < capacity &- 1 {
      unsafe out[i] = text[i]
      nl_signal_fence()  // else the loop becomes a call of memcpy
      i &+= 1
    }
    unsafe out[i] = 0
    unsafe nl_release_u8(nl_report_at_busy(report))
    return length
  }

  private func write(_ finding: Finding, _ caller: VCPU, _ text: inout ReportText) {
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
    if finding.site != 0 { add("found at ", UInt64(finding.site), caller.tid, &text) }
  }

  private func add(_ what: StaticString, _ site: UInt64, _ tid: UInt32, _ text: inout ReportText) {
    if site == 0 { return }
    text.add(what)
    text.add(hex: UInt(site))
    text.add(" by thread ")
    text.add(UInt(tid))
    text.add("\n")
  }
}

/// Text into a fixed buffer, cut where that ends.
@safe
struct ReportText {
  private let start: UnsafeMutablePointer<CChar>
  private let capacity: Int
  private var length = 0

  init(_ start: UnsafeMutablePointer<CChar>, capacity: Int) {
    unsafe self.start = start
    self.capacity = capacity
  }

  @inline(__always)
  private mutating func add(byte: UInt8) {
    if length == capacity { return }
    unsafe start[length] = CChar(bitPattern: byte)
    nl_signal_fence()
    length &+= 1
  }

  mutating func add(_ text: StaticString) {
    var i = 0
    while i < text.utf8CodeUnitCount {
      unsafe add(byte: text.utf8Start[i])
      i &+= 1
    }
  }

  mutating func add(_ number: UInt) {
    var divisor: UInt = 1
    while number / divisor > 9 { divisor &*= 10 }
    while divisor > 0 {
      add(byte: UInt8(truncatingIfNeeded: 48 &+ number / divisor % 10))
      divisor /= 10
    }
  }

  mutating func add(hex number: UInt) {
    add("0x")
    var shift: UInt = 60
    while shift > 4, number &>> shift == 0 { shift &-= 4 }
    while true {
      let digit = UInt8(truncatingIfNeeded: number &>> shift & 15)
      add(byte: digit < 10 ? 48 &+ digit : 87 &+ digit)
      if shift == 0 { return }
      shift &-= 4
    }
  }

  /// Ends the text; its length.
  func finish() -> Int {
    unsafe start[length] = 0
    return length
  }
}
