/// Recall across, queries a second upwards; one dot for each efSearch.
struct RecallChart {
  private let report: EvaluationReport

  init(_ report: EvaluationReport) { self.report = report }

  /// Both widths of the drawing.
  var drawings: String { draw(width: 720, name: "wide") + "\n" + draw(width: 358, name: "narrow") }

  private func draw(width: Double, name: String) -> String {
    let height = width > 500 ? 340.0 : 300.0
    let (left, right, top, bottom) = (width > 500 ? 62.0 : 50.0, 34.0, 30.0, height - 46)
    var drawing = Drawing(width: width, height: height)
    let points = report.points.sorted { $0.recall < $1.recall }
    let floor = min(points.map(\.recall).min() ?? 0, 0.999)
    let across = AxisScale(linear: floor...1, ticks: width > 500 ? 6 : 4)
    let upwards = AxisScale.positive(
      points.flatMap { [$0.queriesPerSecond, $0.medianQueriesPerSecond] }, ticks: 5)
    func x(_ recall: Double) -> Double { left + (width - left - right) * across.place(recall) }
    func y(_ speed: Double) -> Double { bottom - (bottom - top) * upwards.place(speed) }

    for tick in upwards.ticks {
      drawing.line(left, y(tick), width - right, y(tick), class: "grid")
      drawing.text(Self.short(tick), left - 8, y(tick) + 4, anchor: "end")
    }
    let decimals = Self.decimals(across.ticks)
    for tick in across.ticks {
      drawing.line(x(tick), bottom, x(tick), bottom + 5, class: "axis")
      drawing.text(Numerals.fixed(tick, decimals), x(tick), bottom + 20, anchor: "middle")
    }
    drawing.line(left, bottom, width - right, bottom, class: "axis")
    drawing.text("queries a second", left - 8 - (width > 500 ? 30 : 24), 14)
    drawing.text("recall@\(report.k)", width - right, height - 6, anchor: "end")

    drawing.path(points.map { (x($0.recall), y($0.queriesPerSecond)) }, class: "line")
    var taken: [Label] = []
    for point in points {
      let (px, best, median) = (
        x(point.recall), y(point.queriesPerSecond), y(point.medianQueriesPerSecond)
      )
      drawing.line(px, best, px, median, class: "span")
      drawing.dot(
        px, best, radius: 4.5, class: "dot",
        title: "efSearch \(point.efSearch): recall \(Numerals.fixed(point.recall, 4)), "
          + "\(Numerals.measured(point.queriesPerSecond)) queries a second")
      let text = (taken.isEmpty ? "efSearch " : "") + "\(point.efSearch)"
      let dots = points.map { (x: x($0.recall), y: y($0.queriesPerSecond)) }
      guard
        let place = Self.place(text, beside: (px, best), from: left + 4, taken: taken, dots: dots)
      else {
        continue
      }
      taken.append(place)
      drawing.text(text, place.x, place.y, class: "strong")
    }
    return drawing.svg(class: name, label: "Recall against queries a second; figures below")
  }

  /// Where a label lies: its left end, its width, its line.
  private struct Label {
    var x: Double
    var width: Double
    var y: Double
  }

  /// A place for the label of a dot: above the falling line, else beneath it; nil where there is no room.
  private static func place(
    _ text: String, beside dot: (x: Double, y: Double), from left: Double, taken: [Label],
    dots: [(x: Double, y: Double)]
  ) -> Label? {
    let width = 8.2 * Double(text.count)
    let places = [
      Label(x: dot.x + 9, width: width, y: dot.y - 8),
      Label(x: dot.x - 9 - width, width: width, y: dot.y + 17),
      Label(x: dot.x - width / 2, width: width, y: dot.y + 21),
    ]
    return places.first { place in
      let isFree = taken.allSatisfy { other in
        other.x > place.x + width + 4 || place.x > other.x + other.width + 4
          || abs(other.y - place.y) > 15
      }
      return isFree && place.x >= left
        && dots.allSatisfy {
          $0.x < place.x - 4 || $0.x > place.x + width + 4 || abs($0.y + 4 - place.y) > 10
        }
    }
  }

  /// A tick of a speed axis: `500`, `2k`, `1.5k`.
  static func short(_ value: Double) -> String {
    if value >= 1e6 { return trimmed(value / 1e6) + "M" }
    if value >= 1000 { return trimmed(value / 1000) + "k" }
    return trimmed(value)
  }

  static func trimmed(_ value: Double) -> String {
    var text = Numerals.fixed(value, 2)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  /// The fewest decimals that keep all ticks apart.
  static func decimals(_ ticks: [Double]) -> Int {
    for decimals in 1..<6 where ticks.allSatisfy({ isRound($0, decimals) }) { return decimals }
    return 6
  }

  private static func isRound(_ value: Double, _ decimals: Int) -> Bool {
    var scaled = value
    for _ in 0..<decimals { scaled *= 10 }
    return abs(scaled - scaled.rounded()) < 1e-6
  }
}

/// A row for each efSearch, a dot for each percentile along it.
struct LatencyChart {
  private let report: EvaluationReport

  init(_ report: EvaluationReport) { self.report = report }

  /// Both widths of the drawing.
  var drawings: String { draw(width: 720, name: "wide") + "\n" + draw(width: 358, name: "narrow") }

  private func draw(width: Double, name: String) -> String {
    let pitch = 30.0
    let (left, right, top) = (width > 500 ? 104.0 : 50.0, 34.0, 30.0)
    let bottom = top + pitch * Double(max(1, report.points.count))
    var drawing = Drawing(width: width, height: bottom + 46)
    let scale = AxisScale.positive(
      report.points.flatMap { [$0.p50Microseconds, $0.p999Microseconds] },
      ticks: width > 500 ? 7 : 4)
    func x(_ time: Double) -> Double { left + (width - left - right) * scale.place(time) }

    var lastLabel = -Double.infinity
    for tick in scale.ticks {
      drawing.line(x(tick), top, x(tick), bottom, class: "grid")
      guard x(tick) - lastLabel >= 44 else { continue }
      lastLabel = x(tick)
      drawing.text(RecallChart.trimmed(tick), x(tick), bottom + 18, anchor: "middle")
    }
    drawing.line(left, bottom, width - right, bottom, class: "axis")
    drawing.text("microseconds", width - right, bottom + 38, anchor: "end")
    drawing.text("efSearch", width > 500 ? left - 14 : 0, 18, anchor: width > 500 ? "end" : "start")
    for (row, point) in report.points.enumerated() {
      let y = top + pitch * (Double(row) + 0.5)
      drawing.text("\(point.efSearch)", left - 14, y + 4.5, anchor: "end", class: "strong")
      drawing.line(x(point.p50Microseconds), y, x(point.p999Microseconds), y, class: "track")
      for (time, share, key) in [
        (point.p999Microseconds, "99.9 %", "p999"), (point.p99Microseconds, "99 %", "p99"),
        (point.p95Microseconds, "95 %", "p95"), (point.p50Microseconds, "half", "p50"),
      ] {
        drawing.dot(
          x(time), y, radius: 5.5, class: key,
          title: "efSearch \(point.efSearch): \(share) within \(Numerals.measured(time)) µs")
      }
    }
    return drawing.svg(class: name, label: "Percentiles of the time of one query; figures below")
  }
}

/// A bar for each component of the index.
struct MemoryChart {
  private let report: EvaluationReport

  init(_ report: EvaluationReport) { self.report = report }

  /// Both widths of the drawing.
  var drawings: String { draw(width: 720, name: "wide") + "\n" + draw(width: 358, name: "narrow") }

  private func draw(width: Double, name: String) -> String {
    let components = report.index.components.filter { $0.bytes > 0 }
    let pitch = 32.0
    let left = 104.0
    let room = width - left - (width > 500 ? 170 : 138)
    var drawing = Drawing(width: width, height: pitch * Double(max(1, components.count)) + 8)
    let most = Double(components.map(\.bytes).max() ?? 1)
    for (row, component) in components.enumerated() {
      let y = pitch * Double(row) + 5
      let length = max(1.5, room * Double(component.bytes) / most)
      drawing.text(component.name, left - 14, y + 15.5, anchor: "end")
      drawing.bar(
        left, y, length, 22, class: component.placement == "mapped" ? "bar mapped" : "bar")
      drawing.text(
        Numerals.bytes(component.bytes), left + length + 8, y + 15.5, class: "strong",
        then: component.placement)
    }
    return drawing.svg(class: name, label: "Bytes of each component of the index")
  }
}
