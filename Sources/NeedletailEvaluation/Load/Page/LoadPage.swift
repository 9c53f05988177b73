/// One self-contained page about a load run, in the style of `HTMLReport`.
public enum LoadPage {
  /// The page.
  ///
  /// - Parameters:
  ///   - report: What was measured.
  ///   - date: When, as it shall be read; nil leaves it out.
  /// - Returns: An HTML document in UTF-8.
  public static func page(_ report: LoadReport, date: String? = nil) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Under load · Needletail</title>
    <style>
    \(HTMLReport.style)\(style)</style>
    </head>
    <body>
    <main>
    \(header(report, date: date))
    \(verdicts(report))
    \(charts(report))
    \(LoadTable.sections(report).map { table($0) }.joined(separator: "\n"))
    \(slices(report))
    \(facts(report))
    </main>
    </body>
    </html>

    """
  }

  /// Eight colours for rungs and stages, one for what was lost, and dashes for limits.
  private static let style = """
    :root { --k4: #b59a3a; --k5: #d9c884; --k6: #7d6a9c; --k7: #b9adcc; --lost: #b4502f; }
    @media (prefers-color-scheme: dark) { :root { --k4: #c9ac4b; --k5: #857233; --k6: #a08cc4;
      --k7: #5e4f7a; --lost: #e0825f; } }
    @media print { :root { --k4: #b59a3a; --k5: #d9c884; --k6: #7d6a9c; --k7: #b9adcc;
      --lost: #b4502f; } }
    .k0 { fill: var(--tint3); color: var(--tint3); } .k1 { fill: var(--tint2); color: var(--tint2); }
    .k2 { fill: var(--tint1); color: var(--tint1); } .k3 { fill: var(--tint4); color: var(--tint4); }
    .k4 { fill: var(--k4); color: var(--k4); } .k5 { fill: var(--k5); color: var(--k5); }
    .k6 { fill: var(--k6); color: var(--k6); } .k7 { fill: var(--k7); color: var(--k7); }
    .lost { fill: var(--lost); color: var(--lost); }
    svg .l50, svg .s2 { stroke: var(--tint1); } svg .l95, svg .s1 { stroke: var(--tint2); }
    svg .l99, svg .s0 { stroke: var(--tint3); } svg .s3 { stroke: var(--tint4); }
    svg .s4 { stroke: var(--k4); } svg .s5 { stroke: var(--k5); } svg .s6 { stroke: var(--k6); }
    svg .s7 { stroke: var(--k7); }
    svg .limit { stroke: var(--lost); stroke-width: 1.5; stroke-dasharray: 6 4; }
    .limit { color: var(--lost); } .l50, .s2 { color: var(--tint1); } .l95, .s1 { color: var(--tint2); }
    .l99, .s0 { color: var(--tint3); } .s3 { color: var(--tint4); } .s4 { color: var(--k4); }
    .s5 { color: var(--k5); } .s6 { color: var(--k6); } .s7 { color: var(--k7); }
    .fault { border-left: 3px solid var(--lost); padding-left: 0.75rem; margin: 1.25rem 0 0; }
    .verdicts { margin: 0.5rem 0 0; padding: 0; list-style: none; font-size: 0.875rem; }
    .verdicts li { padding: 0.3rem 0; border-top: 1px solid var(--grid); }
    .verdicts span { color: var(--soft); }
    .verdicts b { display: inline-block; min-width: 4.2rem; color: var(--accent); }
    .verdicts .broken b { color: var(--lost); }
    details { margin-top: 2.75rem; } summary { font-size: 1.15rem; font-weight: 600; cursor: pointer; }

    """

  private static func header(_ report: LoadReport, date: String?) -> String {
    let overall = report.overall
    var line =
      "\(Numerals.counted(overall.offered, "request", "requests")) in "
      + "\(Numerals.duration(.seconds(report.seconds))) · \(report.schedule)"
    if let date { line += " · \(date)" }
    var figures = [
      (Numerals.measured(report.goodput), "answers of use a second"),
      (Numerals.fixed(overall.servedShare * 100, 2) + " %", "served"),
      (Numerals.measured(overall.p99Microseconds) + " µs", "p99 from the intended start"),
    ]
    if let recall = overall.recall {
      figures.append((Numerals.fixed(recall, 3), "recall@\(report.k)"))
    }
    let items = figures.map { "<div><dt>\($0.1)</dt><dd>\($0.0)</dd></div>" }.joined()
    let notes = LoadTable.sentences(report).dropFirst().map { sentence in
      let isFault = sentence.hasPrefix("INVALID")
      return "<p class=\"\(isFault ? "fault" : "note")\">\(HTMLReport.escaped(sentence))</p>"
    }
    return """
      <header>
      <p class="kicker">Needletail load run</p>
      <h1>Under load</h1>
      <p class="sub">\(HTMLReport.escaped(line))</p>
      <dl class="headline">\(items)</dl>
      \(notes.joined(separator: "\n"))
      </header>
      """
  }

  private static func verdicts(_ report: LoadReport) -> String {
    guard !report.verdicts.isEmpty else { return "" }
    let items = report.verdicts.map { verdict in
      "<li class=\"\(verdict.isMet ? "held" : "broken")\"><b>\(verdict.isMet ? "held" : "broken")</b> "
        + "\(HTMLReport.escaped(verdict.name)) <span>\(HTMLReport.escaped(verdict.finding))</span></li>"
    }
    return """
      <section>
      <h2>What held</h2>
      <ul class="verdicts">
      \(items.joined(separator: "\n"))
      </ul>
      </section>
      """
  }
}
