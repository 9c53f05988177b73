import NeedletailCore

/// Numbers with their units, as the options of a load run have them.
enum LoadText {
  /// A decimal number without a sign: `12`, `0.9`.
  static func number(_ text: some StringProtocol) -> Double? {
    // A record has millions of them: nothing is allocated.
    var (digits, dots, isLast) = (0, 0, false)
    for byte in text.utf8 {
      isLast = (0x30...0x39).contains(byte)
      if isLast { digits += 1 } else if byte == 0x2e, digits > 0 { dots += 1 } else { return nil }
    }
    guard isLast, dots <= 1, digits + dots <= 32 else { return nil }
    return Double(text)
  }

  /// A length of time in nanoseconds: `20s`, `500ms`, `2m`, `1.5h`.
  static func duration(_ text: some StringProtocol) -> Int64? {
    let units: [(String, Double)] = [
      ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 60e9), ("m", 60e9),
      ("h", 3600e9),
    ]
    for (unit, factor) in units where text.hasSuffix(unit) {
      guard let value = number(text.dropLast(unit.count)), value * factor < 9e18 else { continue }
      return Int64((value * factor).rounded())
    }
    return nil
  }

  /// Without spaces at its ends.
  static func trimmed(_ text: some StringProtocol) -> String {
    let front = text.drop { $0 == " " || $0 == "\t" }
    return String(front.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }

  /// `name=value` pairs with commas between them.
  ///
  /// - Throws: `invalidConfiguration` naming `option`, with an example.
  static func pairs(
    _ text: String, option: String, example: String
  ) throws(NeedletailError) -> [(name: String, value: String)] {
    var pairs: [(name: String, value: String)] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let halves = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = trimmed(halves[0])
      guard halves.count == 2, !name.isEmpty, pairs.count < 10_000 else {
        throw NeedletailError(
          .invalidConfiguration, "\(option) has “\(item)”; write it like \(example).")
      }
      guard !pairs.contains(where: { $0.name == name }) else {
        throw NeedletailError(
          .invalidConfiguration, "\(option) names “\(name)” twice; give it one number.")
      }
      pairs.append((name, trimmed(halves[1])))
    }
    return pairs
  }
}
