import Foundation

/// The published schemas, held against real files with python3's jsonschema.
enum SchemaCheck {
  static let problem: String? =
    (try? Program.run("/usr/bin/env", ["python3", "-c", "import jsonschema"]))?.status == 0
    ? nil : "python3 with jsonschema is not installed"

  /// The first complaints about a file; empty if there are none, or jsonschema is missing.
  static func complaints(_ schema: String, _ file: String) throws -> String {
    if problem != nil { return "" }
    let program = """
      import json, sys, jsonschema
      schema = json.load(open(sys.argv[1]))
      jsonschema.Draft202012Validator.check_schema(schema)
      for e in list(jsonschema.Draft202012Validator(schema).iter_errors(json.load(open(sys.argv[2]))))[:3]:
          print(list(e.absolute_path), e.message[:200])
      """
    let path = Paths.package + "/Benchmarks/schema/\(schema).schema.json"
    let run = try Program.run("/usr/bin/env", ["python3", "-c", program, path, file])
    return run.status == 0 ? run.output : run.errors
  }
}
