import Foundation
import Measurement
import Testing

@testable import Revisions

@Suite("Allocated sections of an object")
struct ObjectSectionsTests {
  @Test("what is no 64-bit ELF file is refused with its name, cut files too")
  func refused() throws {
    let path = FileManager.default.temporaryDirectory.path + "/nolock-elf-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let real = try Data(contentsOf: URL(fileURLWithPath: "/bin/true"))
    for bytes in [Data(), Data("text".utf8), real.prefix(64), real.prefix(real.count / 2)] {
      try bytes.write(to: URL(fileURLWithPath: path))
      #expect(throws: Failure.self) { _ = try ObjectSections(path: path) }
    }
    #expect(throws: Failure.self) { try ObjectSections(path: path + "-none") }
  }

  @Test("a program is identical to itself; one changed byte of its code makes it another")
  func identity() throws {
    let path = FileManager.default.temporaryDirectory.path + "/nolock-elf-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var bytes = try Data(contentsOf: URL(fileURLWithPath: "/bin/true"))
    try bytes.write(to: URL(fileURLWithPath: path))
    #expect(try ObjectSections.areIdentical(path, "/bin/true"))
    let text = try #require(
      try ObjectSections(path: path).sections.first { $0.name == ".text" }?.bytes)
    let at = try #require(bytes.range(of: text)?.lowerBound)
    bytes[at] ^= 0xff
    try bytes.write(to: URL(fileURLWithPath: path))
    #expect(try !ObjectSections.areIdentical(path, "/bin/true"))
  }
}
