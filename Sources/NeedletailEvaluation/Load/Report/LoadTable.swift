/// The figures of a load run in words and columns: the same in the terminal and on the page.
package enum LoadTable {
  /// A table with its title.
  package struct Section: Sendable {
    /// What its rows are of.
    package var title: String
    /// The heads of the columns.
    package var heads: [String]
    /// The cells, row by row.
    package var rows: [[String]]
  }

  /// The tables of the groups that there are.
  package static func sections(_ report: LoadReport) -> [Section] {
    var sections = [section("all", [report.overall], report)]
    if !report.tiers.isEmpty { sections.append(section("tier", report.tiers, report)) }
    if !report.rungs.isEmpty { sections.append(section("rung", report.rungs, report)) }
    if report.priorities.count > 1 {
      sections.append(section("priority", report.priorities, report))
    }
    if !report.tenants.isEmpty { sections.append(section("tenant", report.tenants, report)) }
    return sections
  }

  private static func section(
    _ title: String, _ groups: [LoadFigures], _ report: LoadReport
  ) -> Section {
    let isJudged = groups.contains { $0.recall != nil }
    var heads = [title, "requests", "served %", "p50 µs", "p95 µs", "p99 µs", "p99.9 µs"]
    if isJudged { heads.append("recall@\(report.k)") }
    let rows = groups.map { group in
      var cells = [
        group.name, Numerals.grouped(group.offered),
        group.offered > 0 ? Numerals.fixed(group.servedShare * 100, 2) : "–",
      ]
      cells += [
        group.p50Microseconds, group.p95Microseconds, group.p99Microseconds,
        group.p999Microseconds,
      ].map { group.answered + group.unanswered > 0 ? Numerals.measured($0) : "–" }
      if isJudged { cells.append(group.recall.map { Numerals.fixed($0, 4) } ?? "–") }
      return cells
    }
    return Section(title: title, heads: heads, rows: rows)
  }

  /// The verdicts: whether each held, what it is about, what was found.
  package static func verdicts(_ report: LoadReport) -> [[String]] {
    report.verdicts.map { [$0.isMet ? "held" : "broken", $0.name, $0.finding] }
  }

  /// What is to be said in sentences.
  package static func sentences(_ report: LoadReport) -> [String] {
    var lines = [
      "\(Numerals.counted(report.overall.offered, "request", "requests")) in "
        + "\(Numerals.duration(.seconds(report.seconds))), \(Numerals.measured(report.goodput)) "
        + "answers of use a second."
    ]
    let all = report.overall
    if all.rejected + all.failed + all.unanswered > 0 {
      lines.append(
        "\(Numerals.grouped(all.rejected)) rejected, \(Numerals.grouped(all.failed)) failed, "
          + "\(Numerals.grouped(all.unanswered)) without an answer.")
    }
    let reasons = report.reasons.filter { $0.count > 0 }
    if !reasons.isEmpty {
      lines.append(
        "Reasons: "
          + reasons.map { "\($0.name) \(Numerals.grouped($0.count))" }.joined(separator: ", ") + "."
      )
    }
    lines += report.objectives.map { objective in
      "Objective \(objective.name): \(Numerals.fixed(objective.share * 100, 3)) % good, "
        + "\(Numerals.fixed(objective.target * 100, 3)) % wanted; "
        + "\(Numerals.fixed(objective.spent * 100, 1)) % of the error budget used."
    }
    if let writes = report.writes {
      lines.append(
        "Beside it \(Numerals.counted(writes.written, "write", "writes")) at "
          + "\(Numerals.measured(writes.rate)) a second, "
          + "\(Numerals.grouped(writes.failed)) failed, p99 \(Numerals.measured(writes.p99Microseconds)) µs."
      )
      if let failure = writes.firstFailure { lines.append("The first that failed: \(failure)") }
    }
    if report.validity.isValid {
      lines.append(
        "The schedule was kept: 99 % sent within "
          + "\(Numerals.measured(report.validity.lagP99Microseconds)) µs of their time.")
    } else {
      lines.append("INVALID: " + report.validity.faults.joined(separator: " "))
    }
    return lines
  }
}
