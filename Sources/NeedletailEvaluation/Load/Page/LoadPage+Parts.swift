extension LoadPage {
  /// The drawings that there is something for.
  static func charts(_ report: LoadReport) -> String {
    var parts = [
      section(
        "Time of a request",
        note: "From the time at which it should have been sent to its answer. "
          + LoadKey.text(
            [("l50", "p50"), ("l95", "p95"), ("l99", "p99"), ("limit", "p99 of the tier")],
            mark: "—") + ".", LoadLatencyChart(report: report).drawings),
      section(
        "Load against goodput",
        note: "A dot for each slice; on the dashed line everything is answered in time.",
        LoadGoodputChart(report: report).drawings),
    ]
    let rungs = LoadRungChart(report: report)
    parts.append(
      section("Rungs over time", note: LoadKey.text(rungs.key) + ".", rungs.drawings))
    let stages = LoadStageChart(report: report)
    if !stages.isEmpty {
      parts.append(
        section(
          "Stages of an answer", note: "Means. " + LoadKey.text(stages.key) + ".", stages.drawings))
    }
    let memory = LoadMemoryChart(report: report)
    if !memory.isEmpty {
      parts.append(section("Memory", note: memoryNote(report), memory.drawings))
    }
    let burn = LoadBurnChart(report: report)
    if !burn.objectives.isEmpty {
      let key = burn.objectives.enumerated().map { ("s\($0.offset % 8)", $0.element.name) }
      parts.append(
        section(
          "Error budgets",
          note: "What the run used of what its requests allow. "
            + LoadKey.text(key.map { (class: $0.0, name: $0.1) }, mark: "—") + ".", burn.drawings))
    }
    return parts.joined(separator: "\n")
  }

  private static func memoryNote(_ report: LoadReport) -> String {
    let bytes = report.slices.compactMap(\.memoryBytes)
    var note = "\(Numerals.bytes(bytes.min() ?? 0)) to \(Numerals.bytes(bytes.max() ?? 0))"
    if let ceiling = report.budget?.memoryCeiling {
      note += ", under a ceiling of \(Numerals.bytes(ceiling))"
    }
    return HTMLReport.escaped(note + ".")
  }

  private static func section(_ title: String, note: String, _ drawings: String) -> String {
    """
    <section>
    <h2>\(HTMLReport.escaped(title))</h2>
    <p class="note">\(note)</p>
    \(drawings)
    </section>
    """
  }

  /// A table of groups.
  static func table(_ section: LoadTable.Section) -> String {
    """
    <section>
    <h2>\(section.title == "all" ? "All requests" : "By " + HTMLReport.escaped(section.title))</h2>
    \(table(section.heads, section.rows))
    </section>
    """
  }

  private static func table(_ heads: [String], _ rows: [[String]]) -> String {
    let head = heads.map { "<th scope=\"col\">\(HTMLReport.escaped($0))</th>" }.joined()
    let body = rows.map { cells in
      "<tr><th scope=\"row\">\(HTMLReport.escaped(cells.first ?? ""))</th>"
        + cells.dropFirst().map { "<td>\(HTMLReport.escaped($0))</td>" }.joined() + "</tr>"
    }
    return """
      <div class="scroll"><table>
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(body.joined(separator: "\n"))
      </tbody>
      </table></div>
      """
  }

  /// The slices, folded away; of a long run those put together that the drawings show.
  static func slices(_ report: LoadReport) -> String {
    let columns = LoadColumns(report.slices, atMost: 600).columns
    let vocabulary = report.vocabulary
    let rows = columns.map { column in
      let last = column.slices[column.slices.endIndex - 1]
      func name(_ place: Int?, _ names: [String]) -> String {
        place.flatMap { names.indices.contains($0) ? names[$0] : nil } ?? "–"
      }
      return [
        RecallChart.trimmed(column.start), Numerals.grouped(Int(column.sum(\.offered))),
        Numerals.grouped(Int(column.sum(\.answered))), Numerals.grouped(Int(column.sum(\.inTime))),
        Numerals.grouped(Int(column.sum(\.rejected))),
        Numerals.measured(column.most(\.p95Microseconds) ?? 0),
        Numerals.measured(column.most(\.p99Microseconds) ?? 0), name(last.tier, vocabulary.tiers),
        name(last.rung, vocabulary.rungs), last.memoryBytes.map { Numerals.bytes($0) } ?? "–",
      ]
    }
    let heads = [
      "second", "asked", "answered", "in time", "rejected", "p95 µs", "p99 µs", "tier", "rung",
      "memory",
    ]
    return """
      <details>
      <summary>Second by second</summary>
      \(table(heads, rows))
      </details>
      """
  }

  static func facts(_ report: LoadReport) -> String {
    var entries = report.facts.map { (name: $0.name, value: $0.value) }
    entries.append(("Seed", "\(report.seed)"))
    if let capacity = report.capacity {
      entries.append(("Capacity", "\(Numerals.measured(capacity)) queries a second"))
    }
    entries.append(
      (
        "Generator",
        (report.validity.isPinned ? "kept on a processor of its own" : "on any processor")
          + ", at most \(Numerals.measured(report.validity.greatestLagMicroseconds)) µs late"
      ))
    if let machine = report.machine { entries += HTMLReport.facts(of: machine) }
    return HTMLReport.facts(entries)
  }
}
