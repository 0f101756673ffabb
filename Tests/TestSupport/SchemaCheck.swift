import Foundation

/// The published schemas, held against real files with python3's jsonschema.
public enum SchemaCheck {
  public static let problem: String? =
    Python.lacks("jsonschema") ? "python3 with jsonschema is not installed" : nil

  /// The first complaints about a file; empty if there are none, or jsonschema is missing.
  public static func complaints(_ schema: String, _ file: String) throws -> String {
    try complaints(schema, text: String(contentsOfFile: file, encoding: .utf8))
  }

  /// The same about a JSON text.
  public static func complaints(_ schema: String, text: String) throws -> String {
    if problem != nil { return "" }
    let program = """
      import json, sys, jsonschema
      schema = json.load(open('\(packageFolder)/Benchmarks/schema/\(schema).schema.json'))
      jsonschema.Draft202012Validator.check_schema(schema)
      for e in list(jsonschema.Draft202012Validator(schema).iter_errors(json.load(sys.stdin)))[:3]:
          print(list(e.absolute_path), e.message[:200])
      """
    return String(decoding: try Python.run(program, input: text), as: UTF8.self)
  }
}
