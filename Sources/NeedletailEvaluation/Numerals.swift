/// Numbers as people read them: the same in tables, on the page and in messages.
package enum Numerals {
  /// A number with a fixed count of decimals: `0.953`.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "−∞" : "∞" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let digits = String(Int(scaled))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if decimals == 0 { return sign + padded }
    return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
  }

  /// A whole number in groups of three: `12 345`, with a no-break space that stays narrow on a page.
  package static func grouped(_ value: Int, separator: String = ",") -> String {
    let digits = String(value.magnitude)
    var text = ""
    for (offset, digit) in digits.enumerated() {
      if offset > 0, (digits.count - offset).isMultiple(of: 3) { text += separator }
      text.append(digit)
    }
    return (value < 0 ? "-" : "") + text
  }

  /// A count with its noun: `1 row`, `1,200 rows`.
  package static func counted(_ count: Int, _ singular: String, _ plural: String) -> String {
    grouped(count) + " " + (count == 1 ? singular : plural)
  }

  /// A measured number in three significant digits or all whole ones: `12,345`, `87.3`, `0.52`.
  package static func measured(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 9e15 else { return fixed(value, 0) }
    let magnitude = abs(value)
    if magnitude >= 100 { return grouped(Int(value.rounded())) }
    if magnitude >= 10 { return fixed(value, 1) }
    return fixed(value, 2)
  }

  /// A size in decimal units: `812 B`, `45.2 MB`.
  package static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["B", "kB", "MB", "GB", "TB"] {
      if value < 999.5 || unit == "TB" {
        return (unit == "B" ? fixed(value, 0) : value >= 100 ? fixed(value, 0) : fixed(value, 1))
          + " " + unit
      }
      value /= 1000
    }
    return "\(count) B"
  }

  /// A time in the unit that suits it: `850 ms`, `12.4 s`, `3 min 20 s`.
  package static func duration(_ duration: Duration) -> String {
    let seconds = duration / .seconds(1)
    if seconds < 0.001 { return fixed(seconds * 1e6, 0) + " µs" }
    if seconds < 0.9995 { return fixed(seconds * 1000, seconds < 0.01 ? 1 : 0) + " ms" }
    if seconds < 99.95 { return fixed(seconds, 1) + " s" }
    guard seconds < 9e15 else { return "a very long time" }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
