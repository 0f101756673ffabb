import Foundation
import Statistics

/// The interval of one pair and metric at one look.
public struct Finding: Equatable, Sendable {
  /// Blocks that entered.
  public let blocks: Int
  /// Natural logarithms of arm / base (or differences), turned so that above 0 is worse.
  public let median: Double
  /// `nil` where there are too few blocks for an interval.
  public let interval: ClosedRange<Double>?
  /// Logarithm; a difference below it may be the layout's and is not called one.
  public let floor: Double
  /// How far apart the layouts of that of both arms were whose differ more, as a logarithm; `nil`
  /// with one layout each.
  public let layoutSpread: Double?

  /// Whether 0 is outside.
  var excludesZero: Bool { interval.map { $0.lowerBound > 0 || $0.upperBound < 0 } ?? false }

  /// The smallest symmetric margin that the interval would fit, as a share (or a difference).
  public func couldHaveShown(_ scale: Derived.Scale = .ratio) -> Double? {
    interval.map {
      let farthest = max(abs($0.lowerBound), abs($0.upperBound))
      return scale == .ratio ? exp(farthest) - 1 : farthest
    }
  }
}

/// What a comparison says, in the words of harness.md ("Verdicts").
public enum Verdict: String, Codable, Sendable {
  case same, slower, faster, inconclusive

  /// - Parameter margin: the margin in force as a logarithm, the layout floor included.
  init(_ finding: Finding, margin: Double) {
    guard let interval = finding.interval else {
      self = .inconclusive
      return
    }
    if interval.lowerBound >= -margin && interval.upperBound <= margin {
      self = .same
    } else if finding.excludesZero && abs(finding.median) >= finding.floor {
      self = finding.median > 0 ? .slower : .faster
    } else {
      self = .inconclusive
    }
  }
}

/// What a gate says of the new arm.
public enum GateVerdict: String, Codable, Sendable {
  case pass, regression, improvement, inconclusive

  init(_ finding: Finding, limit: Double) {
    guard let interval = finding.interval else {
      self = .inconclusive
      return
    }
    if interval.lowerBound > limit {
      self = .regression
    } else if interval.upperBound < -limit {
      self = .improvement
    } else if interval.upperBound < limit {
      self = .pass
    } else {
      self = .inconclusive
    }
  }
}

/// What a gate's control says: the copy must end wholly inside ± limit, the plant wholly above it.
public enum ControlVerdict: String, Codable, Sendable {
  case held, failed, inconclusive

  init(copy finding: Finding, limit: Double) {
    guard let interval = finding.interval else {
      self = .inconclusive
      return
    }
    if interval.lowerBound > -limit && interval.upperBound < limit {
      self = .held
    } else if interval.lowerBound > limit || interval.upperBound < -limit {
      self = .failed
    } else {
      self = .inconclusive
    }
  }

  init(plant finding: Finding, limit: Double) {
    guard let interval = finding.interval else {
      self = .inconclusive
      return
    }
    self =
      interval.lowerBound > limit ? .held : interval.upperBound < limit ? .failed : .inconclusive
  }
}
