import Foundation
import Yams

/// A limits file: what a gate allows, per metric and cell.
public struct Limits: Equatable, Sendable {
  /// One rule; of several that match a cell and metric the last one holds.
  public struct Rule: Equatable, Sendable {
    public var metric: String
    /// A pattern over cell ids: `*` is any text.
    public var cells: String
    /// Shares; `nil` where not given.
    public var hard: Double?
    public var soft: Double?
    /// In the metric's own unit: a difference below it is allowed whatever its share.
    public var absolute: Double?
    /// A count that must be equal.
    public var exact: Bool
    /// Line in the file.
    public var line: Int

    /// Whether `id` is meant.
    public func matches(_ id: String) -> Bool { Limits.matches(cells[...], id[...]) }
  }

  public var file: String
  /// The suite whose cells are gated.
  public var suite: String
  public var rules: [Rule]

  static let keys = ["metric", "cells", "hard", "soft", "absolute", "exact"]
  /// Reads a limits file.
  ///
  /// - Throws: `usage` with file, line and key, also where the file cannot be read.
  public init(path: String) throws(Failure) {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw Failure(.usage, "limits \(path): cannot be read")
    }
    try self.init(yaml: text, file: path)
  }

  public init(yaml: String, file: String) throws(Failure) {
    self.file = file
    suite = "compare"
    rules = []
    let root: Node
    do {
      guard let node = try Yams.compose(yaml: yaml) else {
        throw Failure(.usage, "limits \(file):1: the file is empty")
      }
      root = node
    } catch let failure as Failure {
      throw failure
    } catch let error as YamlError {
      throw Failure(.usage, "limits \(file):\(error.place)")
    } catch {
      throw Failure(.usage, "limits \(file): \(error)")
    }
    guard let mapping = root.mapping else {
      throw Failure(.usage, "limits \(file):1: not a mapping of keys")
    }
    for (key, value) in mapping {
      let place = Place(file: file, node: key, kind: "limits")
      switch key.string ?? "" {
      case "suite": suite = try place.scalar(value, "suite", "a suite's name or path")
      case "limits":
        for node in value.sequence.map(Array.init) ?? [] { rules.append(try Rule(node, file)) }
      default: throw place.wrong(key.string ?? "", "unknown, allowed: suite, limits")
      }
    }
    guard !rules.isEmpty else {
      throw Failure(.usage, "limits \(file):1: key 'limits' is missing, allowed: a list of limits")
    }
  }

  /// `*` matches any text, everything else itself.
  static func matches(_ pattern: Substring, _ text: Substring) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    if first == "*" {
      let rest = pattern.dropFirst()
      return (0...text.count).contains { matches(rest, text.dropFirst($0)) }
    }
    return first == text.first && matches(pattern.dropFirst(), text.dropFirst())
  }
}

extension Limits.Rule {
  init(_ node: Node, _ file: String) throws(Failure) {
    let at = Place(file: file, node: node, kind: "limits")
    guard let mapping = node.mapping else {
      throw Failure(.usage, "limits \(file):\(at.line): a limit must be a mapping of keys")
    }
    self.init(metric: "", cells: "*", exact: false, line: at.line)
    for (keyNode, value) in mapping {
      let place = Place(file: file, node: keyNode, kind: "limits")
      let key = keyNode.string ?? ""
      switch key {
      case "metric": metric = try place.scalar(value, key, Derived.gated.joined(separator: ", "))
      case "cells": cells = try place.scalar(value, key, "a pattern: pair/*")
      case "hard": hard = try place.share(value, key)
      case "soft": soft = try place.share(value, key)
      case "absolute":
        let text = try place.scalar(value, key, "a number in the metric's unit")
        guard let number = Double(text), number > 0, number.isFinite else {
          throw place.wrong(key, "'\(text)' found, allowed: a number above 0, in the metric's unit")
        }
        absolute = number
      case "exact":
        let text = try place.scalar(value, key, "true, false")
        guard let flag = ["true": true, "false": false][text] else {
          throw place.wrong(key, "'\(text)' found, allowed: true, false")
        }
        exact = flag
      default:
        throw place.wrong(key, "unknown, allowed: \(Limits.keys.joined(separator: ", "))")
      }
    }
    guard !metric.isEmpty else { throw at.wrong("metric", "missing") }
    if exact {
      guard hard == nil, soft == nil, absolute == nil else {
        throw at.wrong("exact", "true found beside hard, soft or absolute, allowed: alone")
      }
      return
    }
    guard Derived.gated.contains(metric) else {
      throw at.wrong(
        "metric",
        "'\(metric)' found, allowed: \(Derived.gated.joined(separator: ", ")), or any with exact: true"
      )
    }
    guard hard != nil || soft != nil || absolute != nil else {
      throw at.wrong("hard", "missing, allowed: a share: 3%")
    }
    if let derived = Derived.named(metric), derived.scale == .difference,
      hard != nil || soft != nil || absolute == nil
    {
      throw at.wrong(
        "hard", "\(metric) may be 0, so no share of it is a limit, allowed: absolute alone")
    }
    if let hard, let soft, soft >= hard {
      throw at.wrong("soft", "not below the hard limit")
    }
  }
}

extension Place {
  /// `3%` or `0.03`.
  fileprivate func share(_ node: Node, _ key: String) throws(Failure) -> Double {
    let text = try scalar(node, key, "a share: 3%")
    let bare = text.filter { $0 != " " }
    let value = bare.hasSuffix("%") ? Double(bare.dropLast()).map { $0 / 100 } : Double(bare)
    guard let value, value > 0, value <= 5 else {
      throw wrong(key, "'\(text)' found, allowed: a share above 0: 3%")
    }
    return value
  }
}
