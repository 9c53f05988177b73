public import NeedletailCore

extension LoadSchedule {
  /// The schedule that sends a record again.
  ///
  /// - Parameters:
  ///   - log: The record.
  ///   - speed: How many times as fast, 0.001 to 1000.
  /// - Throws: `invalidConfiguration` for a speed out of range, and where it would last more than 24 h.
  public init(replaying log: ArrivalLog, speed: Double = 1) throws(NeedletailError) {
    guard Bounds.speeds.contains(speed) else {
      throw NeedletailError(
        .invalidConfiguration, "The speed is \(speed); give a number from 0.001 to 1000.")
    }
    let length = Double(log.nanoseconds) / speed
    guard length <= Double(Bounds.nanoseconds) else {
      throw NeedletailError(
        .invalidConfiguration,
        "At this speed the record lasts \(Numerals.duration(.seconds(length / 1e9))); 24 h is the most.",
        at: .init(path: log.path))
    }
    self.init(
      [Part(.recorded(log, speed: speed), nanoseconds: Int64(length.rounded(.up)) + 1)],
      text: "log:\(log.path)" + (speed == 1 ? "" : ",speed=\(Numerals.measured(speed))"))
  }
}

extension ArrivalLog {
  /// The neighbours that most arrivals ask for; nil where none says.
  public var usualK: Int? {
    var counts: [Int32: Int] = [:]
    for number in 0..<count { if let k = self[number].k { counts[k, default: 0] += 1 } }
    return counts.max { ($0.value, -$0.key) < ($1.value, -$1.key) }.map { Int($0.key) }
  }

  /// The arrivals of a stretch of time, with that time's beginning as theirs.
  ///
  /// - Parameters:
  ///   - start: Nanoseconds from the beginning of the record.
  ///   - length: Nanoseconds; nil: up to the end.
  /// - Returns: A record of those arrivals alone.
  /// - Throws: `invalidConfiguration` where nothing arrived then.
  public func stretch(
    from start: Int64, length: Int64? = nil
  ) throws(NeedletailError) -> ArrivalLog {
    let end = length.map { $0 > .max - start ? .max : start + $0 } ?? .max
    var entries: [Entry] = []
    for number in 0..<count where self[number].offset >= start && self[number].offset < end {
      var entry = self[number]
      entry.offset -= start
      entries.append(entry)
    }
    guard !entries.isEmpty else {
      throw NeedletailError(
        .invalidConfiguration,
        "Nothing arrived in that stretch: the record lasts \(Numerals.duration(.nanoseconds(nanoseconds))).",
        at: .init(path: path))
    }
    return ArrivalLog(entries, of: self)
  }
}
