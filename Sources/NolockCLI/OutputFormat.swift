import ArgumentParser
import Measurement
import Reports

/// `--format`: how data is printed on stdout.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  case text, json, csv, markdown
}
