/// One self-contained page about a scale run, in the style of `HTMLReport`.
package enum ScalePage {
  /// The page.
  ///
  /// - Parameters:
  ///   - report: What was measured.
  ///   - date: When, as it shall be read; nil leaves it out.
  /// - Returns: An HTML document in UTF-8.
  package static func page(_ report: ScaleReport, date: String? = nil) -> String {
    let measures: [ScaleReport.Measure] = [
      .evaluations, .microseconds, .buildSeconds, .residentBytes, .fileBytes,
    ]
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>Cost against rows · Needletail</title>
      <style>
      \(HTMLReport.style)\(style)</style>
      </head>
      <body>
      <main>
      \(header(report, date: date))
      \(measures.map { section(report, $0) }.joined(separator: "\n"))
      \(report.sets.map { table($0, report) }.joined(separator: "\n"))
      \(facts(report))
      </main>
      </body>
      </html>

      """
  }

  /// A colour for each set, and a dash, for who sees no colours.
  private static let style = """
    svg .set0 { stroke: var(--tint3); } svg .set1 { stroke: var(--tint1); stroke-dasharray: 7 4; }
    svg .set2 { stroke: var(--tint4); stroke-dasharray: 2 4; }
    svg .set3 { stroke: var(--tint2); stroke-dasharray: 9 3 2 3; }
    svg .dot.set0 { fill: var(--tint3); } svg .dot.set1 { fill: var(--tint1); }
    svg .dot.set2 { fill: var(--tint4); } svg .dot.set3 { fill: var(--tint2); }
    svg .dot { stroke: var(--paper); stroke-dasharray: none; }

    """

  private static func header(_ report: ScaleReport, date: String?) -> String {
    let names = report.sets.map { set in
      let most = set.prefixes.last?.rows ?? 0
      return "\(set.name): up to \(Numerals.grouped(most)) × \(set.dimensions), "
        + HTMLReport.metricName(set.metric)
    }
    let line = (names + (date.map { [$0] } ?? [])).joined(separator: " · ")
    let misses = ScaleTable.misses(report)
    let verdict =
      misses.isEmpty ? "No slope is above its limit." : misses.joined(separator: " ")
    return """
      <header>
      <p class="kicker">Needletail scale run</p>
      <h1>Cost against rows</h1>
      <p class="sub">\(HTMLReport.escaped(line))</p>
      <p class="note">At recall@\(report.k) \(Numerals.fixed(report.recall, 2)), on prefixes of each set. \
      Searches on one thread, builds on \(HTMLReport.threads(report.buildThreads)). \
      \(HTMLReport.escaped(verdict))</p>
      </header>
      """
  }

  private static func section(_ report: ScaleReport, _ measure: ScaleReport.Measure) -> String {
    let title = ScaleTable.title(measure)
    let limit = measure.limit.map { " A slope of at most \(Numerals.fixed($0, 2)) is asked for." }
    return """
      <section>
      <h2>\(HTMLReport.escaped(title.prefix(1).uppercased() + title.dropFirst()))</h2>
      <p class="note">Both axes are logarithmic: a straight line is a power of the number of rows.\
      \(limit ?? "")</p>
      \(ScaleChart(report: report, measure: measure).drawings)
      </section>
      """
  }

  private static func table(_ set: ScaleReport.Set, _ report: ScaleReport) -> String {
    let head = ScaleTable.heads(report).map { "<th scope=\"col\">\($0)</th>" }.joined()
    let rows = ScaleTable.rows(set).map { cells in
      "<tr><th scope=\"row\">\(cells.first ?? "")</th>"
        + cells.dropFirst().map { "<td>\($0)</td>" }.joined() + "</tr>"
    }
    return """
      <section>
      <h2>\(HTMLReport.escaped(set.name))</h2>
      <div class="scroll"><table>
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table></div>
      <p class="note">Evaluations and µs: of a query. ≤: the smallest width is above the recall already.</p>
      </section>
      """
  }

  private static func facts(_ report: ScaleReport) -> String {
    guard let machine = report.machine else { return "" }
    let processor =
      "\(machine.processor), \(machine.cores) cores, kernels \(machine.kernelLevel)"
    let system = "\(machine.system), \(Numerals.bytes(machine.memoryBytes)) of memory"
    let items = [("Processor", processor), ("System", system)].map { name, value in
      "<div><dt>\(name)</dt><dd>\(HTMLReport.escaped(value))</dd></div>"
    }
    return """
      <section>
      <h2>Where</h2>
      <dl class="facts">
      \(items.joined(separator: "\n"))
      </dl>
      </section>
      """
  }
}
