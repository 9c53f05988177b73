/// Parts on top of each other, a column for each stretch of time.
private struct StackDrawing {
  var seconds: Double
  var unit: String
  var label: String
  var names: [String]
  /// For each column its time and the sizes of its parts, from the bottom on.
  var columns: [(start: Double, end: Double, parts: [Double])]
  /// The classes of the parts.
  var classes: [String]
  var scale: AxisScale

  func draw(width: Double, name: String) -> String {
    let frame = TimeFrame(width: width, seconds: seconds, upwards: scale)
    var drawing = Drawing(width: width, height: frame.height)
    frame.draw(into: &drawing, unit: unit) { RecallChart.short($0) }
    for column in columns {
      let (from, to) = (frame.x(column.start), frame.x(column.end))
      // A hair between columns, where they are broad enough for it.
      let gap = to - from > 6 ? 1.0 : 0
      var sum = 0.0
      for (place, part) in column.parts.enumerated() where part > 0 && part.isFinite {
        let (low, high) = (frame.y(sum), frame.y(sum + part))
        sum += part
        drawing.block(from, high, max(0.3, to - from - gap), low - high, class: classes[place])
      }
    }
    return drawing.svg(class: name, label: label)
  }
}

/// The share of the requests that each rung answered, and of those that had no answer.
struct LoadRungChart {
  let report: LoadReport

  /// The names of the parts, with their classes.
  var key: [(class: String, name: String)] {
    var names = report.vocabulary.rungs
    if names.isEmpty { names = ["answered"] }
    return names.enumerated().filter { used($0.offset) }
      .map { (LoadKey.name($0.offset), $0.element) } + [("lost", "no answer")]
  }

  var drawings: String {
    let stack = self.stack
    return stack.draw(width: 720, name: "wide") + "\n" + stack.draw(width: 358, name: "narrow")
  }

  private func used(_ rung: Int) -> Bool {
    guard !report.vocabulary.rungs.isEmpty else { return true }
    return report.slices.contains { $0.rungs.indices.contains(rung) && $0.rungs[rung] > 0 }
  }

  private var stack: StackDrawing {
    let rungs = report.vocabulary.rungs
    let columns = LoadColumns(report.slices, atMost: 240).columns.compactMap { column in
      let offered = column.sum(\.offered)
      guard offered > 0 else { return nil as (start: Double, end: Double, parts: [Double])? }
      var parts =
        rungs.isEmpty
        ? [column.sum(\.answered)]
        : rungs.indices.map { rung in
          column.sum { $0.rungs.indices.contains(rung) ? $0.rungs[rung] : 0 }
        }
      parts.append(max(0, offered - column.sum(\.answered)))
      return (column.start, column.end, parts.map { 100 * $0 / offered })
    }
    return StackDrawing(
      seconds: report.seconds, unit: "% of the requests",
      label: "Rungs over time; figures below", names: rungs, columns: columns,
      classes: (0..<max(1, rungs.count)).map { LoadKey.name($0) } + ["lost"],
      scale: AxisScale(linear: 0...100, ticks: 5))
  }
}

/// The mean time of each stage of an answer.
struct LoadStageChart {
  let report: LoadReport

  /// The names of the parts, with their classes.
  var key: [(class: String, name: String)] {
    report.vocabulary.stages.enumerated().map { (LoadKey.name($0.offset), $0.element) }
  }

  /// Whether the target times its stages.
  var isEmpty: Bool {
    report.slices.allSatisfy { $0.stageMicroseconds.allSatisfy { $0 <= 0 } }
  }

  var drawings: String {
    let stack = self.stack
    return stack.draw(width: 720, name: "wide") + "\n" + stack.draw(width: 358, name: "narrow")
  }

  private var stack: StackDrawing {
    let stages = report.vocabulary.stages
    let columns = LoadColumns(report.slices, atMost: 240).columns.map { column in
      let answered = column.sum(\.answered)
      let parts = stages.indices.map { stage in
        answered > 0
          ? column.slices.reduce(0) { $0 + $1.stageMicroseconds[stage] * Double($1.answered) }
            / answered : 0
      }
      return (start: column.start, end: column.end, parts: parts)
    }
    let most = columns.map { $0.parts.reduce(0, +) }.max() ?? 1
    return StackDrawing(
      seconds: report.seconds, unit: "microseconds", label: "Stages stacked; figures below",
      names: stages, columns: columns, classes: stages.indices.map { LoadKey.name($0) },
      scale: AxisScale(linear: 0...max(most, 1e-3), ticks: 5))
  }
}
