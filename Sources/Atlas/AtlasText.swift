import CPlatform

extension AtlasRun {
  /// The run as lines of words separated by tabs, which `nolock` reads (Measurement/Atlas).
  public func lines(_ count: nl_call_count, boundaries: Bool) -> String {
    var text = "operation\t\(state.operation.rawValue)\nstate\t\(state.name)\nsize\t\(size)\n"
    text += "instructions\t\(count.instructions)\ntraps\t\(count.traps)\n"
    text += "system_calls\t\(count.system_calls)\npauses\t\(count.pauses)\n"
    if boundaries {
      let names = CounterTable(subject)
      var objects: [UnsafeRawPointer?] = unsafe []
      for index in 0..<count.traps where unsafe table[index].chosen == 1 {
        let entry = unsafe table[index]
        guard let address = unsafe UnsafeRawPointer(bitPattern: entry.rip) else { continue }
        let base = unsafe nl_object_base(address)
        var number = unsafe objects.firstIndex { unsafe $0 == base } ?? -1
        if number < 0 {
          number = unsafe objects.count
          unsafe objects.append(base)
          let path = unsafe nl_object_path(address)
          text += "object\t\(number)\t\(unsafe path.map { unsafe String(cString: $0) } ?? "")\n"
        }
        let offset = entry.rip &- UInt(bitPattern: base)
        text += "boundary\t\(index + 1)\t\(number)\t\(offset)\t\(entry.loop)"
        text += word(entry.allocation, names) + word(entry.release, names) + "\n"
      }
    }
    return text + "end\n"
  }

  private func word(_ outcome: nl_outcome, _ names: CounterTable) -> String {
    let changed = CounterSet(low: outcome.changed.0, high: outcome.changed.1)
    let counters = (0..<names.count).filter(changed.contains).map(names.name)
    return "\t\(outcome.state)\t\(outcome.instructions)\t\(outcome.system_calls)"
      + "\t\(outcome.pauses)\t\(outcome.is_null)\t\(outcome.usable)"
      + "\t\(counters.joined(separator: ","))"
  }
}
