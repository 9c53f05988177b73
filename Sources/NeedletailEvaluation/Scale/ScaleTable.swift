/// The figures of a scale run in words and columns: the same in the terminal and on the page.
package enum ScaleTable {
  /// The heads of the columns.
  package static func heads(_ report: ScaleReport) -> [String] {
    ["rows", "evaluations", "µs", "build s", "CPU s", "on disk", "in memory"]
  }

  /// The rows of one set: a prefix each, the slopes, and the limits of slopes.
  package static func rows(_ set: ScaleReport.Set) -> [[String]] {
    var rows = set.prefixes.map { prefix in
      [Numerals.grouped(prefix.rows)]
        + ScaleReport.Measure.allCases.map { measure in
          guard let cost = prefix.costs[measure] else { return "–" }
          let isBound = measure == .evaluations || measure == .microseconds
          return (isBound && !prefix.isMet ? "≤ " : "") + text(cost, of: measure)
        }
    }
    rows.append(
      ["slope"]
        + ScaleReport.Measure.allCases.map { measure in
          set.slopes[measure].map { Numerals.fixed($0, 3) } ?? "–"
        })
    rows.append(
      ["at most"]
        + ScaleReport.Measure.allCases.map { measure in
          measure.limit.map { Numerals.fixed($0, 2) } ?? ""
        })
    return rows
  }

  /// What is above its limit, one sentence each.
  package static func misses(_ report: ScaleReport) -> [String] {
    report.sets.flatMap { set in
      ScaleReport.Measure.allCases.compactMap { measure -> String? in
        guard let limit = measure.limit else { return nil }
        guard let slope = set.slopes[measure] else {
          return "\(set.name): no slope of \(title(measure)); recall "
            + "\(Numerals.fixed(report.recall, 2)) was not reached."
        }
        guard slope > limit else { return nil }
        return "\(set.name): \(title(measure)) grow with exponent \(Numerals.fixed(slope, 3)), "
          + "above \(Numerals.fixed(limit, 2))."
      }
    }
  }

  /// What a figure is of.
  package static func title(_ measure: ScaleReport.Measure) -> String {
    switch measure {
    case .evaluations: "evaluations of a query"
    case .microseconds: "microseconds of a query"
    case .buildSeconds: "seconds of a build"
    case .buildProcessorSeconds: "processor seconds of a build"
    case .fileBytes: "bytes on disk"
    case .residentBytes: "bytes in memory"
    }
  }

  static func text(_ value: Double, of measure: ScaleReport.Measure) -> String {
    switch measure {
    case .fileBytes, .residentBytes: Numerals.bytes(Int(exactly: value.rounded()) ?? 0)
    default: Numerals.measured(value)
    }
  }
}
