import NeedletailCore

/// Reads one part of a schedule.
struct ScheduleParser {
  private let text: String
  private let kind: String
  private let rest: String
  private let capacity: Double?

  private static let examples: [(kind: String, example: String)] = [
    ("constant", "constant:2000qps,20s"), ("poisson", "poisson:2000qps,20s"),
    ("ramp", "ramp:500..4000qps,60s"), ("burst", "burst:1000..5000qps,every=10s,for=1s,60s"),
    ("pause", "pause:5s"), ("log", "log:arrivals.csv"),
  ]

  init(_ text: String, capacity: Double?) {
    self.text = text
    self.capacity = capacity
    let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    kind = LoadText.trimmed(halves.first ?? "")
    rest = halves.count == 2 ? LoadText.trimmed(halves[1]) : ""
  }

  func part(
    _ readLog: (String) throws(NeedletailError) -> ArrivalLog
  ) throws(NeedletailError) -> LoadSchedule.Part {
    guard Self.examples.contains(where: { $0.kind == kind }) else {
      let known = Self.examples.map(\.kind).joined(separator: ", ")
      throw NeedletailError(
        .invalidConfiguration,
        kind.isEmpty
          ? "A part of the schedule is empty; write one like \(Self.examples[0].example)."
          : "The schedule has “\(text)”; a part begins with one of \(known) and a colon, like "
            + "\(Self.examples[0].example).")
    }
    if kind == "log" { return try recorded(readLog) }
    var fields = rest.split(separator: ",", omittingEmptySubsequences: false).map {
      LoadText.trimmed($0)
    }
    if kind == "pause" {
      guard fields.count == 1 else { throw fault("it is a length of time alone") }
      return LoadSchedule.Part(.steady(0), nanoseconds: try duration(fields[0], "the length"))
    }
    var spacing: LoadSchedule.Spacing = kind == "poisson" ? .poisson : .even
    if let last = fields.last, ["poisson", "even"].contains(last), kind == "ramp" || kind == "burst"
    {
      spacing = last == "poisson" ? .poisson : .even
      fields.removeLast()
    }
    if kind == "burst" { return try burst(fields, spacing) }
    guard fields.count == 2 else { throw fault("it has a rate and a length, with a comma between") }
    let length = try duration(fields[1], "the length")
    if kind == "ramp" {
      let (low, high) = try rates(fields[0])
      return LoadSchedule.Part(.ramp(from: low, to: high), spacing, nanoseconds: length)
    }
    let rate = try rate(fields[0])
    guard rate > 0 else { throw fault("its rate is 0; a pause is pause:5s") }
    return LoadSchedule.Part(.steady(rate), spacing, nanoseconds: length)
  }

  private func burst(
    _ fields: [String], _ spacing: LoadSchedule.Spacing
  ) throws(NeedletailError) -> LoadSchedule.Part {
    guard fields.count == 4, fields[1].hasPrefix("every="), fields[2].hasPrefix("for=") else {
      throw fault("it has two rates, every=, for= and a length")
    }
    let (low, high) = try rates(fields[0])
    let period = try duration(fields[1].dropFirst(6), "every=")
    let length = try duration(fields[2].dropFirst(4), "for=")
    guard length < period else {
      throw fault("for= is not shorter than every=; a burst that never ends is constant")
    }
    return LoadSchedule.Part(
      .burst(from: low, to: high, period: period, length: length), spacing,
      nanoseconds: try duration(fields[3], "the length"))
  }

  private func recorded(
    _ readLog: (String) throws(NeedletailError) -> ArrivalLog
  ) throws(NeedletailError) -> LoadSchedule.Part {
    var path = rest
    var speed = 1.0
    if let comma = rest.lastIndex(of: ","), rest[rest.index(after: comma)...].hasPrefix("speed=") {
      let value = rest[rest.index(after: comma)...].dropFirst(6)
      guard let found = LoadText.number(value), LoadSchedule.Bounds.speeds.contains(found) else {
        throw fault("speed= is “\(value)”; it is 0.001 to 1000")
      }
      speed = found
      path = String(rest[..<comma])
    }
    guard !path.isEmpty else { throw fault("it names no file") }
    let log = try readLog(path)
    let length = Double(log.nanoseconds) / speed
    guard length <= Double(LoadSchedule.Bounds.nanoseconds) else {
      throw fault("at this speed the record lasts more than 24 h")
    }
    return LoadSchedule.Part(
      .recorded(log, speed: speed), nanoseconds: Int64(length.rounded(.up)) + 1)
  }

  private func rates(_ text: String) throws(NeedletailError) -> (Double, Double) {
    guard let dots = text.firstRange(of: "..") else {
      throw fault("“\(text)” is not two rates; write them like 500..4000qps")
    }
    let unit = text.hasSuffix("x") ? "x" : "qps"
    let first = text[..<dots.lowerBound]
    let low = first.hasSuffix(unit) ? String(first) : first + unit
    return (try rate(low), try rate(String(text[dots.upperBound...])))
  }

  private func rate(_ text: String) throws(NeedletailError) -> Double {
    var factor = 1.0
    var digits = Substring(text)
    if text.hasSuffix("qps") {
      digits = text.dropLast(3)
    } else if text.hasSuffix("x") {
      digits = text.dropLast()
      guard let capacity, capacity > 0, capacity.isFinite else {
        throw fault(
          "“\(text)” is a multiple of the capacity, which is not known; give --capacity, or a rate in qps"
        )
      }
      factor = capacity
    } else {
      throw fault("“\(text)” is no rate; write it like 2000qps, or 0.9x for a part of the capacity")
    }
    guard let number = LoadText.number(LoadText.trimmed(digits)) else {
      throw fault("“\(text)” is no rate; write it like 2000qps, or 0.9x for a part of the capacity")
    }
    guard number * factor <= LoadSchedule.Bounds.rate else {
      throw fault("“\(text)” is above 10,000,000 requests a second")
    }
    return number * factor
  }

  private func duration(_ text: some StringProtocol, _ noun: String) throws(NeedletailError)
    -> Int64
  {
    guard let length = LoadText.duration(text) else {
      throw fault("\(noun) is “\(text)”; write it like 20s, 500ms or 2m")
    }
    guard (1_000_000...LoadSchedule.Bounds.nanoseconds).contains(length) else {
      throw fault("\(noun) is \(text); it is 1ms to 24h")
    }
    return length
  }

  private func fault(_ reason: String) -> NeedletailError {
    let example = Self.examples.first { $0.kind == kind }?.example ?? Self.examples[0].example
    return NeedletailError(
      .invalidConfiguration,
      "The schedule has “\(text)”: \(reason). A right one is \(example).")
  }
}
