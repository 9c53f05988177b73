/// One cost against the number of rows, both logarithmic: a line for each set, with its slope at the end.
struct ScaleChart {
  let report: ScaleReport
  let measure: ScaleReport.Measure

  /// Both widths of the drawing.
  var drawings: String { draw(width: 720, name: "wide") + "\n" + draw(width: 358, name: "narrow") }

  /// The points of a set that has the cost.
  private func points(_ set: ScaleReport.Set) -> [(rows: Double, cost: Double)] {
    set.prefixes.compactMap { prefix in
      guard let cost = prefix.costs[measure], cost > 0, cost.isFinite else { return nil }
      return (Double(prefix.rows), cost)
    }
  }

  private func draw(width: Double, name: String) -> String {
    let height = width > 500 ? 320.0 : 280.0
    let (left, right, top) = (width > 500 ? 62.0 : 50.0, width > 500 ? 150.0 : 92.0, 30.0)
    let bottom = height - 46
    var drawing = Drawing(width: width, height: height)
    let all = report.sets.flatMap { points($0) }
    let across = Self.scale(all.map(\.rows), ticks: width > 500 ? 6 : 3)
    let upwards = Self.scale(all.map(\.cost), ticks: 5)
    func x(_ rows: Double) -> Double { left + (width - left - right) * across.place(rows) }
    func y(_ cost: Double) -> Double { bottom - (bottom - top) * upwards.place(cost) }

    for tick in upwards.ticks {
      drawing.line(left, y(tick), width - right, y(tick), class: "grid")
      drawing.text(Self.tick(tick, of: measure), left - 8, y(tick) + 4, anchor: "end")
    }
    for tick in across.ticks {
      drawing.line(x(tick), bottom, x(tick), bottom + 5, class: "axis")
      drawing.text(RecallChart.short(tick), x(tick), bottom + 20, anchor: "middle")
    }
    drawing.line(left, bottom, width - right, bottom, class: "axis")
    drawing.text(ScaleTable.title(measure), left - 8 - (width > 500 ? 30 : 24), 14)
    drawing.text("rows", width - right, height - 6, anchor: "end")

    let places = labels(from: top, to: bottom, y)
    for (number, set) in report.sets.enumerated() {
      let points = points(set)
      drawing.path(points.map { (x($0.rows), y($0.cost)) }, class: "line set\(number % 4)")
      for point in points {
        drawing.dot(
          x(point.rows), y(point.cost), radius: 4, class: "dot set\(number % 4)",
          title: "\(set.name), \(Numerals.grouped(Int(point.rows))) rows: "
            + ScaleTable.text(point.cost, of: measure))
      }
      guard let place = places[number] else { continue }
      let start = width - right + 12
      drawing.text(set.name, start, place, class: "strong")
      if let slope = set.slopes[measure] {
        drawing.text("slope " + Numerals.fixed(slope, 2), start, place + 15)
      }
    }
    return drawing.svg(
      class: name, label: "\(ScaleTable.title(measure)) against rows; figures below")
  }

  /// Where the names stand: at the ends of their lines, but not on each other.
  private func labels(
    from top: Double, to bottom: Double, _ y: (Double) -> Double
  ) -> [Int: Double] {
    let ends = report.sets.enumerated().compactMap { number, set in
      points(set).last.map { (number: number, y: y($0.cost)) }
    }.sorted { $0.y < $1.y }
    var places: [Int: Double] = [:]
    var free = top
    for (index, end) in ends.enumerated() {
      let below = Double(ends.count - index - 1) * 34
      let place = max(free, min(end.y, bottom - 16 - below))
      places[end.number] = place
      free = place + 34
    }
    return places
  }

  private static func scale(_ values: [Double], ticks: Int) -> AxisScale {
    guard let least = values.min(), let most = values.max() else {
      return AxisScale(linear: 0...1, ticks: ticks)
    }
    return AxisScale(logarithmic: least...most, ticks: ticks)
  }

  private static func tick(_ value: Double, of measure: ScaleReport.Measure) -> String {
    switch measure {
    case .fileBytes, .residentBytes:
      value >= 1e9
        ? RecallChart.trimmed(value / 1e9) + " GB"
        : RecallChart.trimmed(value / 1e6)
          + " MB"
    default: RecallChart.short(value)
    }
  }
}
