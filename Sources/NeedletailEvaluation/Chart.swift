/// A scale from values to places along an axis, with round ticks.
package struct AxisScale {
  package let ticks: [Double]
  private let low: Double
  private let high: Double
  private let isLogarithmic: Bool

  /// A linear scale over at least `range`, ending at ticks.
  package init(linear range: ClosedRange<Double>, ticks wanted: Int) {
    isLogarithmic = false
    let width = max(range.upperBound - range.lowerBound, 1e-12)
    let step = Self.roundStep(width / Double(max(1, wanted)))
    let first = (range.lowerBound / step + 1e-9).rounded(.down)
    let last = (range.upperBound / step - 1e-9).rounded(.up)
    low = first * step
    high = max(last, first + 1) * step
    let count = Int(min(100, max(1, last - first)))
    ticks = (0...count).map { (first + Double($0)) * step }
  }

  /// A logarithmic scale over at least `range`, with ticks at 1, 2 and 5 times powers of ten.
  package init(logarithmic range: ClosedRange<Double>, ticks wanted: Int) {
    isLogarithmic = true
    let least = max(range.lowerBound, 1e-9)
    let most = max(range.upperBound, least * 1.01)
    var all: [Double] = []
    var power = 1e-9
    while power < most * 10, power < 1e18 {
      all += [power, 2 * power, 5 * power]
      power *= 10
    }
    let first = all.lastIndex { $0 <= least * 1.000_001 } ?? 0
    let last = all.firstIndex { $0 >= most * 0.999_999 } ?? all.count - 1
    low = all[first]
    high = all[max(last, first + 1)]
    var kept = Array(all[first...max(last, first + 1)])
    if kept.count > wanted + 2 {
      kept = kept.filter { abs(Self.mantissa($0) - 1) < 1e-6 || kept.count <= 5 }
    }
    ticks = kept
  }

  /// A scale that suits positive values: from zero, or logarithmic where they differ by eight times.
  static func positive(_ values: [Double], ticks: Int) -> AxisScale {
    let positive = values.filter { $0 > 0 && $0.isFinite }
    guard let least = positive.min(), let most = positive.max() else {
      return AxisScale(linear: 0...1, ticks: ticks)
    }
    return most > 8 * least
      ? AxisScale(logarithmic: least...most, ticks: ticks)
      : AxisScale(linear: 0...most, ticks: ticks)
  }

  /// The place of a value between 0 (the first tick) and 1 (the last).
  package func place(_ value: Double) -> Double {
    let share: Double
    if isLogarithmic {
      share = (Self.log10(max(value, low)) - Self.log10(low)) / (Self.log10(high) - Self.log10(low))
    } else {
      share = (value - low) / (high - low)
    }
    return share.isFinite ? min(1, max(0, share)) : 0
  }

  private static func roundStep(_ raw: Double) -> Double {
    var power = 1e-12
    while power * 10 <= raw { power *= 10 }
    for factor in [1.0, 2, 5] where power * factor >= raw * 0.999 { return power * factor }
    return power * 10
  }

  private static func mantissa(_ value: Double) -> Double {
    var value = value
    while value >= 9.999_999 { value /= 10 }
    while value < 0.999_999 { value *= 10 }
    return value
  }

  /// The decimal logarithm; good to a thousandth of a pixel, without a C library.
  private static func log10(_ value: Double) -> Double {
    // ln(s·2^e) = e·ln 2 + 2·artanh((s − 1)/(s + 1)), with s in [1, 2).
    let ratio = (value.significand - 1) / (value.significand + 1)
    var term = ratio
    var sum = 0.0
    for n in stride(from: 1.0, through: 29, by: 2) {
      sum += term / n
      term *= ratio * ratio
    }
    return (Double(value.exponent) * 0.693_147_180_559_945_3 + 2 * sum) * 0.434_294_481_903_251_8
  }
}

/// Elements of a drawing, with coordinates to a tenth of a pixel.
struct Drawing {
  private var elements: [String] = []
  let width: Double
  let height: Double

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String
  ) {
    elements.append(
      "<line class=\"\(name)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" "
        + "y2=\"\(number(y2))\"/>")
  }

  mutating func dot(_ x: Double, _ y: Double, radius: Double, class name: String, title: String) {
    elements.append(
      "<circle class=\"\(name)\" cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"\(number(radius))\">"
        + "<title>\(HTMLReport.escaped(title))</title></circle>")
  }

  mutating func bar(_ x: Double, _ y: Double, _ width: Double, _ height: Double, class name: String)
  {
    elements.append(
      "<rect class=\"\(name)\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
        + "height=\"\(number(height))\" rx=\"1.5\"/>")
  }

  /// A rectangle without rounded corners, for what is stacked.
  mutating func block(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, class name: String
  ) {
    elements.append(
      "<rect class=\"\(name)\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
        + "height=\"\(number(height))\"/>")
  }

  mutating func path(_ points: [(x: Double, y: Double)], class name: String) {
    let text = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
    elements.append("<polyline class=\"\(name)\" points=\"\(text)\"/>")
  }

  mutating func text(
    _ text: String, _ x: Double, _ y: Double, anchor: String = "start", class name: String = "",
    then rest: String = ""
  ) {
    let tail =
      rest.isEmpty ? "" : "<tspan class=\"soft\" dx=\"7\">\(HTMLReport.escaped(rest))</tspan>"
    elements.append(
      "<text\(name.isEmpty ? "" : " class=\"\(name)\"") x=\"\(number(x))\" y=\"\(number(y))\""
        + "\(anchor == "start" ? "" : " text-anchor=\"\(anchor)\"")>"
        + "\(HTMLReport.escaped(text))\(tail)</text>")
  }

  func svg(class name: String, label: String) -> String {
    "<svg class=\"\(name)\" viewBox=\"0 0 \(number(width)) \(number(height))\" role=\"img\" "
      + "aria-label=\"\(HTMLReport.escaped(label))\">\n" + elements.joined(separator: "\n")
      + "\n</svg>"
  }

  private func number(_ value: Double) -> String {
    let text = Numerals.fixed(value, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
