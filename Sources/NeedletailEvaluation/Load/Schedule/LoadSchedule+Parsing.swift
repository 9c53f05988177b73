public import NeedletailCore

extension LoadSchedule {
  /// Reads a schedule.
  ///
  /// ```text
  /// constant:2000qps,20s                       evenly spaced
  /// poisson:0.9x,20s                           nine tenths of the capacity
  /// ramp:500..4000qps,60s                      add ,poisson for uneven gaps
  /// burst:1000..5000qps,every=10s,for=1s,60s   the last second of every ten
  /// pause:5s
  /// log:arrivals.csv,speed=2                   as recorded, twice as fast
  /// ```
  ///
  /// Several are joined by `;` or ` then `.
  ///
  /// - Parameters:
  ///   - text: The schedule.
  ///   - capacity: What the service can do, in requests a second; what `x` is a multiple of.
  ///   - readLog: Reads a recorded log.
  /// - Throws: `invalidConfiguration` with what is wrong and what to write instead, and what `readLog` throws.
  public init(
    parsing text: String, capacity: Double? = nil,
    readLog: (String) throws(NeedletailError) -> ArrivalLog = { (path) throws(NeedletailError) in
      try ArrivalLog(contentsOf: path)
    }
  ) throws(NeedletailError) {
    guard text.utf8.count <= 65_536 else {
      throw NeedletailError(
        .invalidConfiguration,
        "The schedule is \(text.utf8.count) bytes long; put arrivals into a file, and give log:FILE."
      )
    }
    var parts: [Part] = []
    for piece in Self.pieces(text) {
      guard parts.count < Bounds.parts else {
        throw NeedletailError(
          .invalidConfiguration,
          "The schedule has more than \(Bounds.parts) parts; put arrivals into a file, and give log:FILE."
        )
      }
      parts.append(try ScheduleParser(piece, capacity: capacity).part(readLog))
    }
    self.init(parts, text: text)
    try checkBounds()
  }

  /// Whether a schedule has a rate that is a multiple of the capacity.
  public static func needsCapacity(_ text: String) -> Bool {
    pieces(text).contains { piece in
      let halves = piece.split(separator: ":", maxSplits: 1)
      guard halves.count == 2, LoadText.trimmed(halves[0]) != "log" else { return false }
      return halves[1].split(separator: ",").contains { LoadText.trimmed($0).hasSuffix("x") }
    }
  }

  /// A rate alone, like `2000qps`; nil for anything else, and for a rate of 0 or above 10 000 000.
  public static func requestsPerSecond(parsing text: String) -> Double? {
    guard text.hasSuffix("qps"), let rate = LoadText.number(LoadText.trimmed(text.dropLast(3))),
      rate > 0, rate <= Bounds.rate
    else { return nil }
    return rate
  }

  /// A length of time alone, like `5ms`; nil for anything else.
  public static func nanoseconds(parsing text: String) -> Int64? { LoadText.duration(text) }

  /// The texts of the parts.
  private static func pieces(_ text: String) -> [String] {
    var words: [[Substring]] = [[]]
    for piece in text.split(separator: ";", omittingEmptySubsequences: false) {
      if words.last?.isEmpty == false { words.append([]) }
      let tokens = piece.split(separator: " ", omittingEmptySubsequences: false)
      for token in tokens {
        if token == "then" { words.append([]) } else { words[words.count - 1].append(token) }
      }
    }
    return words.map { LoadText.trimmed($0.joined(separator: " ")) }
  }

  private func checkBounds() throws(NeedletailError) {
    let length = parts.reduce(0.0) { $0 + Double($1.nanoseconds) }
    guard length <= Double(Bounds.nanoseconds) else {
      throw NeedletailError(
        .invalidConfiguration,
        "The schedule lasts \(Numerals.duration(.seconds(length / 1e9))); 24 h is the most.")
    }
    guard expectedCount <= Bounds.requests else {
      throw NeedletailError(
        .invalidConfiguration,
        "The schedule would send \(Numerals.measured(expectedCount)) requests; at most "
          + "\(Numerals.grouped(Int(Bounds.requests))) are sent. Lower a rate, or make it shorter.")
    }
    guard expectedCount >= 1 else {
      throw NeedletailError(
        .invalidConfiguration,
        "The schedule “\(text)” sends nothing; raise a rate, or make it longer.")
    }
  }
}
