/// The figures of a replay in columns, a line for each candidate.
package enum ReplayTable {
  /// The tables that there are: of all requests, of each tier, of rungs, and of memory.
  package static func sections(_ report: ReplayReport) -> [LoadTable.Section] {
    var sections: [LoadTable.Section] = []
    let sent = report.candidates.filter { $0.report != nil }
    if !sent.isEmpty {
      sections.append(requests("all", report) { $0.report?.overall })
      for tier in tiers(sent) {
        sections.append(
          requests("tier \(tier)", report) { candidate in
            candidate.report?.tiers.first { $0.name == tier }
          })
      }
    }
    sections.append(rungs(report))
    sections += report.candidates.filter { !$0.memory.isEmpty }.map(memory)
    return sections
  }

  /// The tiers that any of them met, in their order.
  private static func tiers(_ sent: [ReplayCandidate]) -> [String] {
    var names: [String] = []
    for candidate in sent {
      for tier in candidate.report?.tiers ?? [] where !names.contains(tier.name) {
        names.append(tier.name)
      }
    }
    let order = sent.first?.report?.vocabulary.tiers ?? []
    func place(_ name: String) -> Int { order.firstIndex(of: name) ?? order.count }
    return names.sorted { place($0) < place($1) }
  }

  private static func requests(
    _ title: String, _ report: ReplayReport, _ figures: (ReplayCandidate) -> LoadFigures?
  ) -> LoadTable.Section {
    let baseline = report.candidates.first(where: \.isBaseline).flatMap(figures)
    var rows: [[String]] = []
    for candidate in report.candidates {
      guard let found = figures(candidate) else { continue }
      rows.append(cells(candidate.name, found))
      if !candidate.isBaseline, let baseline, baseline.answered > 0, found.answered > 0 {
        rows.append(differences(baseline, found))
      }
    }
    return LoadTable.Section(
      title: title,
      heads: [
        title, "requests", "answered %", "p50 µs", "p95 µs", "p99 µs", "recall@\(report.k)",
        "evals",
      ], rows: rows)
  }

  private static func cells(_ name: String, _ group: LoadFigures) -> [String] {
    var cells = [
      name, Numerals.grouped(group.offered),
      group.offered > 0 ? Numerals.fixed(group.servedShare * 100, 2) : "–",
    ]
    let isTimed = group.answered + group.unanswered > 0
    cells += [group.p50Microseconds, group.p95Microseconds, group.p99Microseconds].map {
      isTimed ? Numerals.measured($0) : "–"
    }
    cells.append(group.recall.map { Numerals.fixed($0, 4) } ?? "–")
    cells.append(
      group.answered > 0 ? Numerals.grouped(Int(group.evaluationsPerAnswer.rounded())) : "–")
    return cells
  }

  private static func differences(_ one: LoadFigures, _ other: LoadFigures) -> [String] {
    let recall = one.recall.flatMap { before in other.recall.map { signed($0 - before, 4) } }
    return [
      "", "", signed((other.servedShare - one.servedShare) * 100, 2),
      percent(one.p50Microseconds, other.p50Microseconds),
      percent(one.p95Microseconds, other.p95Microseconds),
      percent(one.p99Microseconds, other.p99Microseconds), recall ?? "",
      percent(one.evaluationsPerAnswer, other.evaluationsPerAnswer),
    ]
  }

  private static func rungs(_ report: ReplayReport) -> LoadTable.Section {
    var rows: [[String]] = []
    for candidate in report.candidates {
      let answered = max(1, candidate.report?.overall.answered ?? 0)
      var names = candidate.rungs.map(\.name)
      for rung in candidate.report?.rungs ?? [] where !names.contains(rung.name) {
        names.append(rung.name)
      }
      for name in names {
        let still = candidate.rungs.first { $0.name == name }
        let served = candidate.report?.rungs.first { $0.name == name }?.answered ?? 0
        rows.append([
          "\(candidate.name) \(name)",
          candidate.report == nil
            ? "–" : Numerals.fixed(Double(served) / Double(answered) * 100, 2),
          still.map { Numerals.fixed($0.recall, 4) } ?? "–",
          still.map { Numerals.grouped(Int($0.evaluations.rounded())) } ?? "–",
          still.map { Numerals.measured($0.p50Microseconds) } ?? "–",
          still.map { Numerals.measured($0.p95Microseconds) } ?? "–",
        ])
      }
    }
    return LoadTable.Section(
      title: "rung",
      heads: ["rung", "answers %", "recall@\(report.k)", "evals", "work p50 µs", "work p95 µs"],
      rows: rows)
  }

  private static func memory(_ candidate: ReplayCandidate) -> LoadTable.Section {
    var rows: [[String]] = []
    for component in candidate.memory
    where component.predicted + component.found > 0 || component.ceiling != nil {
      let name = "memory, \(component.component)"
      let difference = candidate.differences.first { $0.quantity == name }
      let ceiling = component.ceiling.map { Numerals.bytes($0) }
      let share = component.ceiling.map { Double(component.found) / Double(max(1, $0)) }
      rows.append([
        component.component, Numerals.bytes(component.predicted), Numerals.bytes(component.found),
        ceiling ?? "–", share.map { Numerals.fixed($0 * 100, 1) } ?? "–",
        difference.map { percent($0.before, $0.after) } ?? "",
      ])
    }
    return LoadTable.Section(
      title: "memory",
      heads: ["memory of \(candidate.name)", "predicted", "found", "ceiling", "of it %", ""],
      rows: rows)
  }

  /// `+8.3 %`, `−2.0 %`; `±0 %` for what hardly moved.
  package static func percent(_ before: Double, _ after: Double) -> String {
    guard before > 0, after.isFinite, before.isFinite else { return "" }
    return signed((after / before - 1) * 100, 1) + " %"
  }

  private static func signed(_ value: Double, _ digits: Int) -> String {
    let text = Numerals.fixed(abs(value), digits)
    guard text.contains(where: { $0 != "0" && $0 != "." }) else { return "±0" }
    return (value < 0 ? "−" : "+") + text
  }
}
