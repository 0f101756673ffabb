import Foundation
import Testing

@testable import Statistics

/// Everything a comparison decides by, against SciPy on 1,000 random inputs: ties, zeros, n = 1.
@Suite("Tests, intervals and series against SciPy")
struct ComparingAgainstSciPy {
  struct Answer: Decodable {
    let sign: Double
    let low, high: Double?
    let cpLow, cpHigh: Double
    let holm: [Double]
    let rho: Double?
    let ess: Double?
    let effect: Double?
    let split: Int?
    let statistic: Double?
  }

  /// Of every three inputs one of few small integers (ties and zeros), one of multiples of ½.
  static func inputs(_ count: Int) -> [[Double]] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { index in
      let size = index < 40 ? index / 4 + 1 : Int.random(in: 1...60, using: &generator)
      return (0..<size).map { _ in
        switch index % 3 {
        case 0: Double(Int.random(in: -2...3, using: &generator))
        case 1: Double(Int.random(in: -40...50, using: &generator)) / 2
        default: Double.random(in: -1...1.2, using: &generator)
        }
      }
    }
  }

  static let program = """
    import json, sys
    import numpy as np
    from scipy import stats, optimize
    def interval(x, conf):
        n = len(x); x = np.sort(x)
        ks = [k for k in range(1, n // 2 + 1) if 2 * stats.binom.cdf(k - 1, n, .5) <= 1 - conf]
        return max(ks) if ks else None
    def energy(x, i):
        a, b = x[:i], x[i:]; m, n = len(a), len(b)
        d = lambda u, v: np.abs(u[:, None] - v[None, :]).sum()
        return m*n/(m+n) * (2*d(a, b)/(m*n) - d(a, a)/(m*(m-1)) - d(b, b)/(n*(n-1)))
    out = []
    for x in json.load(sys.stdin):
        x = np.array(x); n = len(x)
        up, down = int((x > 0).sum()), int((x < 0).sum())
        sign = stats.binomtest(up, up + down).pvalue if up + down else 1.0
        k = interval(x, .9995); s = np.sort(x)
        ci = stats.binomtest(up, n).proportion_ci(.99, method="exact")
        p = np.abs(np.sin(x)); o = np.argsort(p, kind="stable"); m = len(p)
        adj = np.empty(m); adj[o] = np.minimum(1, np.maximum.accumulate((m - np.arange(m)) * p[o]))
        c = x - x.mean(); same = np.all(x == x[0])
        rho = lambda l: float((c[:n-l] * c[l:]).sum() / (c * c).sum())
        ess = None
        if n >= 4 and not same:
            t = 0.0; l = 0
            while l + 1 < n and rho(l) + rho(l + 1) > 0: t += rho(l) + rho(l + 1); l += 2
            ess = min(n, n / max(1e-12, 2 * t - 1))
        effect = None
        k95 = interval(x, .95)
        if k95:
            f = lambda q: stats.binom.sf(n - k95, n, q) - .9
            q = optimize.brentq(f, .5, 1 - 1e-15)
            d = np.median(x) - x
            effect = max(0, np.quantile(d, q), np.quantile(-d, q))
        split = stat = None
        if n >= 6:
            scores = [energy(x, i) for i in range(3, n - 2)]
            stat = float(max(scores)); split = 3 + int(np.argmax(scores))
        out.append(dict(sign=float(sign), low=float(s[k-1]) if k else None,
            high=float(s[n-k]) if k else None, cpLow=float(ci.low), cpHigh=float(ci.high),
            holm=[float(v) for v in adj], rho=None if same or n < 2 else rho(1), ess=ess,
            effect=None if effect is None else float(effect), split=split, statistic=stat))
    json.dump(out, sys.stdout)
    """

  @Test(
    "sign test, intervals, Clopper–Pearson, Holm, autocorrelation, effect, E-divisive",
    .enabled(if: SciPy.problem == nil, "python3 with scipy is not installed"))
  func agree() throws {
    let inputs = Self.inputs(1_000)
    let json = String(decoding: try JSONEncoder().encode(inputs), as: UTF8.self)
    let answers = try JSONDecoder().decode(
      [Answer].self, from: try SciPy.run(Self.program, input: json))
    #expect(answers.count == inputs.count)
    for (x, answer) in zip(inputs, answers) {
      #expect(close(SignTest(x)?.pValue, answer.sign), "\(x)")
      let interval = MedianInterval(x, confidence: 0.9995)
      #expect(interval?.low == answer.low && interval?.high == answer.high, "\(x)")
      let proportion = ClopperPearson(
        successes: x.count { $0 > 0 }, trials: x.count, confidence: 0.99)
      #expect(close(proportion?.low, answer.cpLow, 1e-7), "\(x)")
      #expect(close(proportion?.high, answer.cpHigh, 1e-7), "\(x)")
      let adjusted = holm(x.map { abs(sin($0)) }) ?? []
      #expect(zip(adjusted, answer.holm).allSatisfy { close($0, $1) }, "\(x)")
      #expect(close(x.count < 2 ? nil : autocorrelation(x, lag: 1), answer.rho), "\(x)")
      #expect(close(effectiveSampleSize(x), answer.ess, 1e-6), "\(x)")
      #expect(close(detectableEffect(x, confidence: 0.95, power: 0.9), answer.effect, 1e-6), "\(x)")
      let split = ChangePoint.bestSplit(x, smallest: 3)
      #expect(close(split?.statistic, answer.statistic, 1e-7), "\(x)")
    }
  }

  @Test(
    "the bootstrap's ends lie where the exact distribution of a resample's median puts them",
    .enabled(if: SciPy.problem == nil, "python3 with scipy is not installed"))
  func bootstrap() throws {
    // P(median of a resample ≤ x_(k)) = P(Bin(n, k/n) ≥ (n + 1)/2) for odd n and no ties.
    let program = """
      import json, sys
      from scipy import stats
      n = int(sys.stdin.read())
      json.dump([float(stats.binom.sf((n + 1) // 2 - 1, n, k / n)) for k in range(n + 1)], sys.stdout)
      """
    for n in [1, 5, 15, 31] {
      let exact = try JSONDecoder().decode(
        [Double].self, from: try SciPy.run(program, input: "\(n)"))
      let interval = try #require(
        BootstrapInterval(
          medianOf: (1...n).map(Double.init), resamples: 4000, confidence: 0.9, seed: 3))
      let low = Int(interval.low.rounded())
      let high = Int(interval.high.rounded())
      // Five standard errors of 4,000 resamples.
      #expect(exact[low] >= 0.05 - 0.018 && exact[low - 1] <= 0.05 + 0.018, "n = \(n)")
      #expect(exact[high] >= 0.95 - 0.018 && exact[high - 1] <= 0.95 + 0.018, "n = \(n)")
    }
  }

  private func close(_ a: Double?, _ b: Double?, _ tolerance: Double = 1e-9) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return abs(a - b) <= tolerance * max(1, abs(b))
  }
}
