import Foundation
import TestSupport
import Testing

/// The cut of scripts/soak that every test run makes; the whole of it takes ten minutes and more.
@Suite(.serialized) struct TortureTests {
  /// Threads born and dying, handlers within handlers, forks, memory limits, jumps out of handlers, at
  /// random, against a shadow heap; and the same under AddressSanitizer.
  @Test func thirtySeconds() throws {
    let script = packageFolder + "/scripts/soak"
    let result = try Command.run([script, "30"])
    #expect(result.status == 0, "\(result.text)")
    let lines = result.text.split(separator: "\n")
    for form in ["asan:", "sheaves:"] {
      let line = try #require(lines.last { $0.hasPrefix(form) }, "\(result.text)")
      #expect(line.contains(" 0 violations") && line.hasSuffix("deferred 0"), "\(line)")
    }
  }
}
