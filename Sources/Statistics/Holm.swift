/// Holm's step-down adjustment of p-values, for the summary of many comparisons (intervals decide
/// by Bonferroni, because an interval cannot step down).
///
/// Sorted ascending, the i-th of m (from 0) becomes `max over j ≤ i of min(1, (m − j)·p_j)`; those
/// at most alpha may be rejected together with a family-wise error of alpha.
///
/// - Returns: the adjusted values in the order given; `nil` iff one is outside 0…1 or NaN.
/// - Source: Holm (1979); R's `p.adjust(p, "holm")`.
public func holm(_ pValues: [Double]) -> [Double]? {
  guard pValues.allSatisfy({ $0 >= 0 && $0 <= 1 }) else { return nil }
  var adjusted = pValues
  var running = 0.0
  for (rank, index) in pValues.indices.sorted(by: { pValues[$0] < pValues[$1] }).enumerated() {
    running = max(running, min(1, Double(pValues.count - rank) * pValues[index]))
    adjusted[index] = running
  }
  return adjusted
}
