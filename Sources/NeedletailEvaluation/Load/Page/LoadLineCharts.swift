/// Percentiles of the time of a request, second by second, and the p99 of the tier that held.
struct LoadLatencyChart {
  let report: LoadReport

  var drawings: String { draw(width: 720, name: "wide") + "\n" + draw(width: 358, name: "narrow") }

  private func draw(width: Double, name: String) -> String {
    let columns = LoadColumns(report.slices, atMost: 360).columns
    let limits = columns.map { column in column.most { limit($0) } }
    let values = columns.flatMap { column in
      [
        column.most { Self.time($0, \.p50Microseconds) },
        column.most { Self.time($0, \.p99Microseconds) },
      ]
    }
    let scale = AxisScale.positive((values + limits).compactMap { $0 }, ticks: 6)
    let frame = TimeFrame(width: width, seconds: report.seconds, upwards: scale)
    var drawing = Drawing(width: width, height: frame.height)
    frame.draw(into: &drawing, unit: "microseconds") { RecallChart.short($0) }
    frame.line(points(columns, limits), into: &drawing, class: "line limit")
    let lines: [(KeyPath<LoadSlice, Double>, String)] = [
      (\.p50Microseconds, "l50"), (\.p95Microseconds, "l95"), (\.p99Microseconds, "l99"),
    ]
    for (path, key) in lines {
      let found = columns.map { column in column.most { Self.time($0, path) } }
      frame.line(points(columns, found), into: &drawing, class: "line \(key)")
    }
    return drawing.svg(class: name, label: "Percentiles of the time of a request; figures below")
  }

  private func points(
    _ columns: [LoadColumns.Column], _ values: [Double?]
  ) -> [(second: Double, value: Double?)] {
    zip(columns, values).map { (second: ($0.start + $0.end) / 2, value: $1) }
  }

  private static func time(_ slice: LoadSlice, _ path: KeyPath<LoadSlice, Double>) -> Double? {
    slice.answered + slice.unanswered > 0 && slice[keyPath: path] > 0 ? slice[keyPath: path] : nil
  }

  private func limit(_ slice: LoadSlice) -> Double? {
    guard let budget = report.budget else { return nil }
    guard !report.vocabulary.tiers.isEmpty else { return budget.tiers.first?.p99Microseconds }
    return slice.tier.flatMap { budget.tier(report.vocabulary.tiers[$0])?.p99Microseconds }
  }
}

/// What was asked for across, what was answered in time upwards; a dot for each slice.
struct LoadGoodputChart {
  let report: LoadReport

  var drawings: String { draw(width: 720, name: "wide") + "\n" + draw(width: 358, name: "narrow") }

  private func draw(width: Double, name: String) -> String {
    let height = width > 500 ? 340.0 : 300.0
    let (left, right, top, bottom) = (width > 500 ? 62.0 : 50.0, 34.0, 30.0, height - 46)
    var drawing = Drawing(width: width, height: height)
    let columns = LoadColumns(report.slices, atMost: 720).columns
    let most = columns.map { $0.rate(\.offered) }.max() ?? 1
    let scale = AxisScale(linear: 0...max(most, 1), ticks: width > 500 ? 6 : 4)
    func x(_ rate: Double) -> Double { left + (width - left - right) * scale.place(rate) }
    func y(_ rate: Double) -> Double { bottom - (bottom - top) * scale.place(rate) }
    for tick in scale.ticks {
      drawing.line(left, y(tick), width - right, y(tick), class: "grid")
      drawing.text(RecallChart.short(tick), left - 8, y(tick) + 4, anchor: "end")
      drawing.line(x(tick), bottom, x(tick), bottom + 5, class: "axis")
      drawing.text(RecallChart.short(tick), x(tick), bottom + 20, anchor: "middle")
    }
    drawing.line(left, bottom, width - right, bottom, class: "axis")
    let end = scale.ticks.last ?? 1
    drawing.path([(x(0), y(0)), (x(end), y(end))], class: "line limit")
    if let capacity = report.capacity, capacity <= end {
      drawing.line(x(capacity), top, x(capacity), bottom, class: "line limit")
      let isRight = scale.place(capacity) > 0.5
      drawing.text(
        "capacity", x(capacity) + (isRight ? -6 : 6), top + 12, anchor: isRight ? "end" : "start")
    }
    drawing.text("answers of use a second", left - 8 - (width > 500 ? 30 : 24), 14)
    drawing.text("requests a second", width - right, height - 6, anchor: "end")
    for column in columns {
      let (offered, goodput) = (column.rate(\.offered), column.rate(\.inTime))
      drawing.dot(
        x(offered), y(goodput), radius: 3.5, class: "dot",
        title: "second \(RecallChart.trimmed(column.start)): \(Numerals.measured(offered)) asked, "
          + "\(Numerals.measured(goodput)) answered in time")
    }
    return drawing.svg(class: name, label: "Requests against answers of use; figures below")
  }
}

/// Memory second by second, and its ceiling.
struct LoadMemoryChart {
  let report: LoadReport

  var drawings: String { draw(width: 720, name: "wide") + "\n" + draw(width: 358, name: "narrow") }

  /// Whether there is anything to draw.
  var isEmpty: Bool { report.slices.allSatisfy { $0.memoryBytes == nil } }

  private func draw(width: Double, name: String) -> String {
    let columns = LoadColumns(report.slices, atMost: 360).columns
    let bytes = columns.map { column in column.most { $0.memoryBytes.map(Double.init) } }
    let ceiling = report.budget?.memoryCeiling.map(Double.init)
    let most = (bytes + [ceiling]).compactMap { $0 }.max() ?? 1
    let unit = most >= 1e9 ? (1e9, "GB") : most >= 1e6 ? (1e6, "MB") : (1e3, "kB")
    let frame = TimeFrame(
      width: width, seconds: report.seconds,
      upwards: AxisScale(linear: 0...max(most / unit.0, 1e-3), ticks: 5))
    var drawing = Drawing(width: width, height: frame.height)
    frame.draw(into: &drawing, unit: unit.1) { RecallChart.trimmed($0) }
    if let ceiling {
      frame.line(
        [(0, ceiling / unit.0), (report.seconds, ceiling / unit.0)], into: &drawing,
        class: "line limit")
      drawing.text(
        "ceiling", width - frame.right, frame.y(ceiling / unit.0) + 15, anchor: "end")
    }
    frame.line(
      zip(columns, bytes).map { (second: $0.end, value: $1.map { $0 / unit.0 }) }, into: &drawing,
      class: "line l99")
    return drawing.svg(class: name, label: "Memory against its ceiling; figures below")
  }
}

/// How much of each error budget was used, second by second.
struct LoadBurnChart {
  let report: LoadReport

  var drawings: String { draw(width: 720, name: "wide") + "\n" + draw(width: 358, name: "narrow") }

  /// The objectives that slices tell about.
  var objectives: [LoadObjective] { report.objectives.filter { !$0.burnDown.isEmpty } }

  private func draw(width: Double, name: String) -> String {
    let most = objectives.flatMap(\.burnDown).max() ?? 0
    let frame = TimeFrame(
      width: width, seconds: report.seconds,
      upwards: AxisScale(linear: 0...min(1e12, max(most * 100, 100)), ticks: 5))
    var drawing = Drawing(width: width, height: frame.height)
    frame.draw(into: &drawing, unit: "% of the error budget") { RecallChart.short($0) }
    frame.line([(0, 100), (report.seconds, 100)], into: &drawing, class: "line limit")
    let step = max(1, report.slices.count / 360)
    for (number, objective) in objectives.enumerated() {
      var points: [(second: Double, value: Double?)] = [(0, 0)]
      for (place, slice) in report.slices.enumerated()
      where place < objective.burnDown.count
        && (place.isMultiple(of: step) || place == report.slices.count - 1)
      {
        points.append((slice.start + slice.seconds, objective.burnDown[place] * 100))
      }
      frame.line(points, into: &drawing, class: "line s\(number % 8)")
    }
    return drawing.svg(class: name, label: "Use of the error budgets; figures below")
  }
}
