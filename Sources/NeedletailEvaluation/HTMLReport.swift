/// One self-contained page about an evaluation: no script, no address, nothing to load.
///
/// Every drawing is made twice, for a wide and for a narrow page, and the style shows the one that
/// fits; so its letters keep their size on a phone.
public enum HTMLReport {
  /// The page.
  ///
  /// - Parameters:
  ///   - report: what was measured.
  ///   - date: when, as it shall be read; nil leaves it out.
  /// - Returns: an HTML document in UTF-8.
  public static func page(_ report: EvaluationReport, date: String? = nil) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>\(escaped(title(report))) · Needletail</title>
    <style>
    \(style)</style>
    </head>
    <body>
    <main>
    \(header(report, date: date))
    \(section(
      "Recall against speed", note: speedNote(report), RecallChart(report).drawings))
    \(section("Time of one query", note: latencyNote(report), LatencyChart(report).drawings))
    \(section("Memory", note: memoryNote(report), MemoryChart(report).drawings))
    \(table(report))
    \(facts(report))
    </main>
    </body>
    </html>

    """
  }

  /// Text with the characters that HTML gives a meaning replaced.
  package static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }
}

extension HTMLReport {
  private static func title(_ report: EvaluationReport) -> String {
    let path = report.index.path
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return name.isEmpty ? "index" : name
  }

  private static func header(_ report: EvaluationReport, date: String?) -> String {
    let index = report.index
    var line =
      "\(Numerals.counted(index.count, "vector", "vectors")) × \(index.dimensions) components · "
      + "\(metricName(index.metric)) · "
      + Numerals.counted(report.queries, "query", "queries")
    if let date { line += " · \(date)" }
    return """
      <header>
      <p class="kicker">Needletail evaluation</p>
      <h1>\(escaped(title(report)))</h1>
      <p class="sub">\(escaped(line))</p>
      \(headline(report))
      </header>
      """
  }

  /// Three figures for who reads no further: those of the fastest point with recall of at least 0.95.
  private static func headline(_ report: EvaluationReport) -> String {
    let good = report.points.filter { $0.recall >= 0.95 }
    let chosen =
      good.max { $0.queriesPerSecond < $1.queriesPerSecond }
      ?? report.points.max { $0.recall < $1.recall }
    guard let point = chosen else { return "" }
    let figures = [
      (Numerals.fixed(point.recall, 3), "recall@\(report.k)"),
      (Numerals.measured(point.queriesPerSecond), "queries a second"),
      (Numerals.measured(point.p99Microseconds) + " µs", "p99 of one query"),
    ]
    let items = figures.map { "<div><dt>\($0.1)</dt><dd>\($0.0)</dd></div>" }.joined()
    return """
      <dl class="headline">\(items)</dl>
      <p class="note">at efSearch \(point.efSearch), on \(threads(report.threads))</p>
      """
  }

  private static func section(_ title: String, note: String, _ drawings: String) -> String {
    """
    <section>
    <h2>\(escaped(title))</h2>
    <p class="note">\(note)</p>
    \(drawings)
    </section>
    """
  }

  private static func speedNote(_ report: EvaluationReport) -> String {
    let basis =
      switch report.recallJudgedOn {
      case .base: "distances recomputed on the base"
      case .indexRows: "distances recomputed on the index’s own rows"
      case .exactSearch: "exact searches of the index"
      case .ids: "the ids of the ground truth"
      }
    return """
      Each dot is one efSearch: the best of \(report.repeats) \(report.repeats == 1 ? "run" : "runs") \
      on \(threads(report.threads)); the stroke beneath it reaches to the median. Recall@\(report.k) \
      is judged by \(basis).
      """
  }

  private static func latencyNote(_ report: EvaluationReport) -> String {
    let marks = [
      ("p50", "half of the queries are faster"), ("p95", "95\u{a0}%"), ("p99", "99\u{a0}%"),
      ("p999", "99.9\u{a0}%"),
    ]
    let key = marks.map { "<span class=\"\($0.0)\">●</span>\u{a0}\($0.1)" }
    return "Each query timed by itself, on one thread. From left to right: "
      + key.joined(separator: ", ") + "."
  }

  private static func memoryNote(_ report: EvaluationReport) -> String {
    let total = report.index.components.reduce(0) { $0 &+ $1.bytes }
    var note = "The index holds \(Numerals.bytes(total))"
    if report.index.count > 0 {
      note += ", \(Numerals.measured(Double(total) / Double(report.index.count))) bytes a vector"
    }
    note += "."
    if let after = report.memory.after {
      note +=
        " After all queries the process had \(Numerals.bytes(after.anonymousBytes)) of anonymous "
        + "memory and \(Numerals.bytes(after.fileBackedBytes)) of mapped files in RAM."
    }
    return escaped(note)
  }

  static func threads(_ count: Int) -> String { count == 1 ? "one thread" : "\(count) threads" }

  static func metricName(_ metric: String) -> String {
    switch metric {
    case "l2": "squared Euclidean"
    case "ip": "inner product"
    default: metric
    }
  }
}

extension HTMLReport {
  private static func table(_ report: EvaluationReport) -> String {
    let columns = [
      "efSearch", "recall@\(report.k)", "QPS", "median QPS", "p50 µs", "p95 µs", "p99 µs",
      "p99.9 µs", "evaluations", "hops",
    ]
    let head = columns.map { "<th scope=\"col\">\($0)</th>" }.joined()
    let rows = report.points.map { point in
      let cells = [
        Numerals.fixed(point.recall, 4), Numerals.measured(point.queriesPerSecond),
        Numerals.measured(point.medianQueriesPerSecond), Numerals.measured(point.p50Microseconds),
        Numerals.measured(point.p95Microseconds), Numerals.measured(point.p99Microseconds),
        Numerals.measured(point.p999Microseconds), Numerals.measured(point.evaluationsPerQuery),
        Numerals.measured(point.hopsPerQuery),
      ]
      return "<tr><th scope=\"row\">\(point.efSearch)</th>"
        + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"
    }
    return """
      <section>
      <h2>All figures</h2>
      <div class="scroll"><table>
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table></div>
      <p class="note">QPS: queries a second. Evaluations and hops: for each query.</p>
      </section>
      """
  }

  private static func facts(_ report: EvaluationReport) -> String {
    var entries = facts(of: report.machine)
    entries += [("Queries", report.files.queries), ("Ground truth", report.files.groundTruth)]
    if let base = report.files.base { entries.append(("Base", base)) }
    for (name, value) in report.index.properties.sorted(by: { $0.key < $1.key }) {
      entries.append((name, value))
    }
    return facts(entries)
  }

  /// What there is to say of a machine.
  static func facts(of machine: Machine) -> [(name: String, value: String)] {
    [
      ("Processor", "\(machine.processor), \(machine.cores) cores, kernels \(machine.kernelLevel)"),
      ("System", "\(machine.system), \(Numerals.bytes(machine.memoryBytes)) of memory"),
    ]
  }

  /// The section at the end of a page: what ran where and with what.
  static func facts(_ entries: [(name: String, value: String)]) -> String {
    let items = entries.map { name, value in
      "<div><dt>\(escaped(name))</dt><dd>\(escaped(value))</dd></div>"
    }
    return """
      <section>
      <h2>Where and how</h2>
      <dl class="facts">
      \(items.joined(separator: "\n"))
      </dl>
      </section>
      """
  }
}
