import Foundation
import Testing

@testable import Traces

@Suite struct ExplicitTests {
  private struct Line: Codable, Equatable {
    @Explicit var a: Int?
    @Explicit var b: String?
  }

  @Test func nullIsWrittenAndRead() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    for (line, text) in [
      (Line(a: nil, b: nil), #"{"a":null,"b":null}"#), (Line(a: 0, b: nil), #"{"a":0,"b":null}"#),
    ] {
      #expect(String(decoding: try encoder.encode(line), as: UTF8.self) == text)
      #expect(try JSONDecoder().decode(Line.self, from: Data(text.utf8)) == line)
    }
  }

  @Test func missingKeyIsOfAnEarlierVersion() throws {
    #expect(try JSONDecoder().decode(Line.self, from: Data("{}".utf8)) == Line(a: nil, b: nil))
  }

  @Test func wrongTypeIsAnError() {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Line.self, from: Data(#"{"a":"x"}"#.utf8))
    }
  }
}
