import Foundation
import Statistics
import Testing

@Suite("Against SciPy")
struct AgainstSciPy {
  struct Answer: Decodable {
    let median, q10, q90: Double
    let low, high: Double?
    let coverage: Double?
  }

  /// 240 inputs of 1…120 values; a third of them small integers, so full of ties.
  static var inputs: [[Double]] {
    var generator = SystemRandomNumberGenerator()
    return (0..<240).map { index in
      let count = index < 8 ? index + 1 : Int.random(in: 1...120, using: &generator)
      return (0..<count).map { _ in
        index % 3 == 0
          ? Double(Int.random(in: 0...5, using: &generator))
          : Double.random(in: -1e3...1e6, using: &generator)
      }
    }
  }

  @Test(
    "median, quantiles, interval and its coverage agree on random inputs with ties",
    .enabled(if: SciPy.problem == nil, "python3 with scipy is not installed"))
  func agree() throws {
    let inputs = Self.inputs
    let program = """
      import json, sys
      import numpy as np
      from scipy import stats
      out = []
      for x in json.load(sys.stdin):
          n = len(x); x = np.sort(np.array(x))
          # The largest k with coverage of at least 95 %, from the exact distribution function.
          ks = [k for k in range(1, n // 2 + 1) if 1 - 2 * stats.binom.cdf(k - 1, n, .5) >= .95]
          k = max(ks) if ks else None
          low = float(x[k - 1]) if k else None; high = float(x[n - k]) if k else None
          ci = stats.quantile_test(x, q=0, p=.5).confidence_interval(.95)
          if k and n > 5:
              assert ci.low >= low - 1e-9 and ci.high <= high + 1e-9, (n, ci, low, high)
          out.append(dict(median=float(np.median(x)), q10=float(np.percentile(x, 10)),
              q90=float(np.percentile(x, 90)), low=low, high=high,
              coverage=float(1 - 2 * stats.binom.cdf(k - 1, n, .5)) if k else None))
      json.dump(out, sys.stdout)
      """
    let json = String(decoding: try JSONEncoder().encode(inputs), as: UTF8.self)
    let answers = try JSONDecoder().decode(
      [Answer].self, from: try SciPy.run(program, input: json))
    #expect(answers.count == inputs.count)
    for (input, answer) in zip(inputs, answers) {
      #expect(close(median(input), answer.median), "\(input)")
      #expect(close(quantile(input, 0.1), answer.q10), "\(input)")
      #expect(close(quantile(input, 0.9), answer.q90), "\(input)")
      let interval = MedianInterval(input, confidence: 0.95)
      #expect(interval?.low == answer.low, "\(input)")
      #expect(interval?.high == answer.high, "\(input)")
      #expect(close(interval?.coverage, answer.coverage), "n = \(input.count)")
    }
  }

  private func close(_ a: Double?, _ b: Double?) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return abs(a - b) <= 1e-9 * max(1, abs(b))
  }
}
