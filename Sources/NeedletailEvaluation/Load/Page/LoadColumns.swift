/// Slices put together until there are few enough to be drawn side by side.
struct LoadColumns {
  /// One stretch of time.
  struct Column {
    var start: Double
    var end: Double
    var slices: ArraySlice<LoadSlice>

    /// The sum of something over the slices.
    func sum(_ value: (LoadSlice) -> Int) -> Double {
      slices.reduce(0) { $0 + Double(value($1)) }
    }

    /// The greatest of something over the slices that have it.
    func most(_ value: (LoadSlice) -> Double?) -> Double? { slices.compactMap(value).max() }

    /// Something a second.
    func rate(_ value: (LoadSlice) -> Int) -> Double {
      let seconds = slices.reduce(0) { $0 + $1.seconds }
      return seconds > 0 ? sum(value) / seconds : 0
    }
  }

  let columns: [Column]

  init(_ slices: [LoadSlice], atMost count: Int) {
    let width = max(1, (slices.count + count - 1) / max(1, count))
    columns = stride(from: 0, to: slices.count, by: width).map { first in
      let part = slices[first..<min(first + width, slices.count)]
      let last = part[part.endIndex - 1]
      return Column(start: part[first].start, end: last.start + last.seconds, slices: part)
    }
  }
}

/// The frame of a drawing over time: seconds across, something upwards.
struct TimeFrame {
  let width: Double
  let height: Double
  let left: Double
  let right: Double
  let top = 30.0
  let bottom: Double
  let upwards: AxisScale
  private let end: Double

  var isWide: Bool { width > 500 }

  init(width: Double, seconds: Double, upwards: AxisScale) {
    self.width = width
    self.upwards = upwards
    height = width > 500 ? 300 : 260
    left = width > 500 ? 62 : 50
    right = 20
    bottom = height - 46
    end = max(seconds, 1e-3)
  }

  /// The place of a second; the axis ends where the run does.
  func x(_ second: Double) -> Double {
    let share = second / end
    return left + (width - left - right) * (share.isFinite ? min(1, max(0, share)) : 0)
  }
  func y(_ value: Double) -> Double { bottom - (bottom - top) * upwards.place(value) }

  /// Grid, ticks and names of the axes.
  func draw(into drawing: inout Drawing, unit: String, tick: (Double) -> String) {
    for value in upwards.ticks {
      drawing.line(left, y(value), width - right, y(value), class: "grid")
      drawing.text(tick(value), left - 8, y(value) + 4, anchor: "end")
    }
    let ticks = AxisScale(linear: 0...end, ticks: isWide ? 8 : 4).ticks
    for second in ticks where second <= end {
      drawing.line(x(second), bottom, x(second), bottom + 5, class: "axis")
      drawing.text(RecallChart.trimmed(second), x(second), bottom + 20, anchor: "middle")
    }
    drawing.line(left, bottom, width - right, bottom, class: "axis")
    drawing.text(unit, left - 8 - (isWide ? 30 : 24), 14)
    drawing.text("seconds", width - right, height - 6, anchor: "end")
  }

  /// Lines through values, broken where there is none.
  func line(
    _ values: [(second: Double, value: Double?)], into drawing: inout Drawing, class name: String
  ) {
    var points: [(x: Double, y: Double)] = []
    for (second, value) in values {
      if let value {
        points.append((x(second), y(value)))
      } else {
        close(&points, into: &drawing, class: name)
      }
    }
    close(&points, into: &drawing, class: name)
  }

  /// A lone point becomes a short line.
  private func close(
    _ points: inout [(x: Double, y: Double)], into drawing: inout Drawing, class name: String
  ) {
    if let only = points.first, points.count == 1 {
      points = [(only.x - 2, only.y), (only.x + 2, only.y)]
    }
    if !points.isEmpty { drawing.path(points, class: name) }
    points = []
  }
}

/// A key of colours: `■ full  ■ smaller`.
enum LoadKey {
  /// The class of a place among names; beyond the eighth, colours come again.
  static func name(_ place: Int) -> String { "k\(place % 8)" }

  static func text(_ entries: [(class: String, name: String)], mark: String = "■") -> String {
    entries.map { "<span class=\"\($0.class)\">\(mark)</span>\u{a0}\(HTMLReport.escaped($0.name))" }
      .joined(separator: ", ")
  }
}
