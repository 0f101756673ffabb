/// An optional that is written as `null` where it has no value, never left away: a reader could not
/// tell a missing value from an older writer.  For every JSON of the suite.
@propertyWrapper
public struct Explicit<Value: Codable & Equatable & Sendable>: Codable, Equatable, Sendable {
  public var wrappedValue: Value?

  public init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    wrappedValue = value.decodeNil() ? nil : try value.decode(Value.self)
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    if let wrappedValue { try value.encode(wrappedValue) } else { try value.encodeNil() }
  }
}

extension KeyedDecodingContainer {
  /// A file of an earlier version has no such key.
  public func decode<Value>(_ type: Explicit<Value>.Type, forKey key: Key) throws -> Explicit<Value>
  {
    try decodeIfPresent(type, forKey: key) ?? Explicit(wrappedValue: nil)
  }
}
