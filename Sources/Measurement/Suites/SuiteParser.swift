import Foundation
import Yams

extension Suite {
  /// Keys of a suite file, besides those of its groups.
  static let keys = ["title", "base", "blocks", "sample_ms", "seed", "counters", "groups"]

  /// Reads a suite file.
  ///
  /// - Throws: `usage` with file, line and key, also where the file cannot be read.
  public init(path: String) throws(Failure) {
    let bytes: [UInt8]
    do {
      bytes = try KernelFile.bytes(path)
    } catch {
      throw Failure(.usage, "suite \(path): cannot be read: \(error.text)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "suite \(path): not UTF-8 text")
    }
    try self.init(yaml: text, file: path)
  }

  /// Parses the text of a suite; `file` names it in messages, its last part without the
  /// extension names the suite.
  public init(yaml: String, file: String) throws(Failure) {
    let root = try Self.root(yaml, file)
    let short = (file as NSString).lastPathComponent
    self.init(
      name: (short as NSString).deletingPathExtension, file: file, title: "", base: "glibc",
      blocks: 10, sampleMilliseconds: 3, seed: 1, groups: [])
    for (keyNode, value) in root {
      let place = Place(file: file, node: keyNode)
      let key = keyNode.string ?? ""
      switch key {
      case "title": title = try place.scalar(value, key, "a line of text")
      case "base":
        base = try place.scalar(value, key, Axis.subject.allowed)
        guard Subjects.isValid(base) else {
          throw place.wrong(key, "'\(base)' found, allowed: \(Axis.subject.allowed)")
        }
      case "blocks": blocks = try place.integer(value, key, 1...Self.largestBlocks)
      case "sample_ms": sampleMilliseconds = try place.integer(value, key, 1...10_000)
      case "seed": seed = UInt64(try place.integer(value, key, 0...Int.max))
      case "counters":
        countersPlace = "suite \(file):\(place.line): key 'counters'"
        for node in value.sequence.map(Array.init) ?? [value] {
          counters.append(try place.scalar(node, key, "names of nolock list counters"))
        }
        guard !counters.isEmpty else {
          throw place.wrong(key, "no value, allowed: names of nolock list counters")
        }
      case "groups":
        guard let sequence = value.sequence, !sequence.isEmpty else {
          throw place.wrong(key, "a list of groups is allowed")
        }
        for node in sequence { groups.append(try Group(node, file: file)) }
      default:
        throw place.wrong(key, "unknown, allowed: \(Self.keys.joined(separator: ", "))")
      }
    }
    guard !groups.isEmpty else {
      throw Failure(.usage, "suite \(file):1: key 'groups' is missing, allowed: a list of groups")
    }
    _ = try cells()
  }

  private static func root(_ yaml: String, _ file: String) throws(Failure) -> Node.Mapping {
    do {
      guard let node = try Yams.compose(yaml: yaml) else {
        throw Failure(.usage, "suite \(file):1: the file is empty")
      }
      guard let mapping = node.mapping else {
        throw Failure(.usage, "suite \(file):\(node.mark?.line ?? 1): not a mapping of keys")
      }
      return mapping
    } catch let failure as Failure {
      throw failure
    } catch let error as YamlError {
      throw Failure(.usage, "suite \(file):\(error.place)")
    } catch {
      throw Failure(.usage, "suite \(file): \(error)")
    }
  }
}

extension Group {
  init(_ node: Node, file: String) throws(Failure) {
    let at = Place(file: file, node: node)
    guard let mapping = node.mapping else {
      throw Failure(.usage, "suite \(file):\(at.line): a group must be a mapping of keys")
    }
    self.init(name: "", values: [:], line: at.line, lines: [:])
    for (keyNode, value) in mapping {
      let place = Place(file: file, node: keyNode)
      let key = keyNode.string ?? ""
      if key == "name" {
        name = try place.scalar(value, key, "a line of text")
        continue
      }
      guard let axis = Axis(rawValue: key) else {
        let all = (["name"] + Axis.allCases.map(\.rawValue)).joined(separator: ", ")
        throw place.wrong(key, "unknown, allowed: \(all)")
      }
      let nodes = value.sequence.map(Array.init) ?? [value]
      guard !nodes.isEmpty else { throw place.wrong(key, "no value, allowed: \(axis.allowed)") }
      for item in nodes {
        let text = try place.scalar(item, key, axis.allowed)
        guard axis.accepts(text) else {
          let line = Place(file: file, node: item)
          throw line.wrong(key, "'\(text)' found, allowed: \(axis.allowed)")
        }
        values[axis, default: []].append(text)
      }
      lines[axis] = place.line
    }
  }
}

/// A place in a suite file, for messages.
struct Place {
  let file: String
  let line: Int
  /// What kind of file it is, for messages.
  let kind: String

  init(file: String, node: Node, kind: String = "suite") {
    self.kind = kind
    self.file = file
    line = node.mark?.line ?? 1
  }

  func wrong(_ key: String, _ what: String) -> Failure {
    Failure(.usage, "\(kind) \(file):\(line): key '\(key)': \(what)")
  }

  func scalar(_ node: Node, _ key: String, _ allowed: String) throws(Failure) -> String {
    guard let text = node.scalar?.string else {
      throw wrong(key, "not a single value, allowed: \(allowed)")
    }
    return text
  }

  func integer(_ node: Node, _ key: String, _ range: ClosedRange<Int>) throws(Failure) -> Int {
    let allowed = "\(range.lowerBound)…\(range.upperBound)"
    let text = try scalar(node, key, allowed)
    guard let value = Int(text), range.contains(value) else {
      throw wrong(key, "'\(text)' found, allowed: \(allowed)")
    }
    return value
  }
}

extension YamlError {
  /// `LINE: problem`.
  var place: String {
    switch self {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "\(mark.line): \(problem)"
    case .duplicatedKeysInMapping(let duplicates, let context):
      "\(context.mark.line): key '\(duplicates.joined(separator: "', '"))' stands twice"
    default: "1: \(self)"
    }
  }
}
