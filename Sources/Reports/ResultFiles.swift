import Measurement

/// The result files of a run, each written whole or not at all.
public enum ResultFiles {
  /// Writes `result.json` and `result.csv`.
  ///
  /// - Throws: `notPermitted` with the path and the system's reason.
  public static func write(_ result: RunResult, plan: Plan, samples: [Sample], directory: String)
    throws(Failure)
  {
    try AtomicFile.write(
      try JSONReport.render(result), to: directory + "/" + RunResult.fileName)
    try AtomicFile.write(
      CSVReport.render(plan, samples: samples, run: result.run),
      to: directory + "/" + CSVReport.fileName)
  }
}
