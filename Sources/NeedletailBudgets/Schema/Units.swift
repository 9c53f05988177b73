/// Numbers with their units, as budgets write them; nothing is rounded on the way in or out.
package enum Units {
  private static let times: [(unit: String, nanoseconds: Int)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
    ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
  ]
  private static let sizes: [(unit: String, bytes: Int)] = [
    ("TiB", 1 << 40), ("TB", 1_000_000_000_000), ("GiB", 1 << 30), ("GB", 1_000_000_000),
    ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("kB", 1_000), ("B", 1),
  ]

  /// `150ms`, `2s`, `1.5h`, `4w`; `nil` for anything else, and for what is finer than a nanosecond.
  package static func duration(_ text: String) -> Duration? {
    let (digits, unit) = split(text)
    let factor: Int? =
      switch unit {
      case "µs", "μs": 1_000
      case "min": 60_000_000_000
      case "w": 604_800_000_000_000
      default: times.first { $0.unit == unit }?.nanoseconds
      }
    return factor.flatMap { scaled(digits, by: $0) }.map { .nanoseconds($0) }
  }

  /// The largest unit that leaves a whole number.
  package static func text(_ duration: Duration) -> String {
    guard let count = nanoseconds(duration) else { return "\(duration)" }
    if count == 0 { return "0s" }
    let unit = times.first { count % $0.nanoseconds == 0 } ?? ("ns", 1)
    return "\(count / unit.nanoseconds)\(unit.unit)"
  }

  /// Whole nanoseconds; `nil` for fractions of one, and for centuries.
  package static func nanoseconds(_ duration: Duration) -> Int? {
    let (seconds, attoseconds) = duration.components
    guard attoseconds % 1_000_000_000 == 0 else { return nil }
    let (whole, overflow) = Int(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carry) = whole.addingReportingOverflow(Int(attoseconds / 1_000_000_000))
    return overflow || carry ? nil : sum
  }

  /// `512MiB`, `1GB`, `1.5 GiB`, `4096`; `nil` for anything else, and for parts of a byte.
  package static func bytes(_ text: String) -> Int? {
    let (digits, unit) = split(text)
    let known = unit.isEmpty ? 1 : unit == "KB" ? 1_000 : sizes.first { $0.unit == unit }?.bytes
    return known.flatMap { scaled(digits, by: $0) }
  }

  /// The unit that leaves the smallest whole number.
  package static func text(bytes count: Int) -> String {
    guard count > 0 else { return "\(count)B" }
    let unit = sizes.filter { count % $0.bytes == 0 }.max { $0.bytes < $1.bytes } ?? ("B", 1)
    return "\(count / unit.bytes)\(unit.unit)"
  }

  /// `95%` or `0.95`, both exactly what is nearest to them.
  package static func share(_ text: String) -> Double? {
    guard text.hasSuffix("%") else { return isDecimal(text) ? Double(text) : nil }
    let digits = trimmed(text.dropLast())
    return isDecimal(digits) ? Double(digits + "e-2") : nil
  }

  /// The percentage that reads back as the same number, where decimals can say it.
  package static func text(share: Double) -> String {
    let plain = "\(share)"
    guard share >= 0, !plain.contains("e"), share.isFinite else { return plain }
    let parts = plain.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let fraction = parts.count > 1 ? parts[1] : ""
    let padded = fraction + String(repeating: "0", count: max(0, 2 - fraction.count))
    var whole = String((parts[0] + padded.prefix(2)).drop { $0 == "0" })
    if whole.isEmpty { whole = "0" }
    let rest = padded.dropFirst(2)
    return rest.isEmpty || rest.allSatisfy { $0 == "0" } ? "\(whole)%" : "\(whole).\(rest)%"
  }

  /// Digits with at most one point between them, and a sign before.
  private static func isDecimal(_ text: String) -> Bool {
    let digits = text.utf8.first == UInt8(ascii: "-") ? text.dropFirst() : Substring(text)
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    return (1...2).contains(parts.count) && digits.utf8.count <= 64
      && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
  }

  private static func split(_ text: String) -> (digits: String, unit: String) {
    let end = text.unicodeScalars.firstIndex { $0.properties.isAlphabetic } ?? text.endIndex
    return (trimmed(text[..<end]), String(text[end...]))
  }

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  /// A decimal number times a factor; `nil` unless that is a whole number that fits.
  private static func scaled(_ digits: String, by factor: Int) -> Int? {
    guard isDecimal(digits), !digits.hasPrefix("-") else { return nil }
    let parts = digits.split(separator: ".")
    guard let whole = Int(parts[0]) else { return nil }
    let (result, overflow) = whole.multipliedReportingOverflow(by: factor)
    guard !overflow, parts.count > 1 else { return overflow ? nil : result }
    let fraction = String(parts[1].reversed().drop { $0 == "0" }.reversed())
    guard let numerator = fraction.isEmpty ? 0 : Int(fraction), fraction.utf8.count <= 18 else {
      return nil
    }
    let denominator = (0..<fraction.utf8.count).reduce(1) { power, _ in power * 10 }
    let (high, low) = numerator.multipliedFullWidth(by: factor)
    guard high < denominator else { return nil }
    let (part, remainder) = denominator.dividingFullWidth((high, low))
    let (sum, carry) = result.addingReportingOverflow(part)
    return remainder == 0 && !carry ? sum : nil
  }
}
