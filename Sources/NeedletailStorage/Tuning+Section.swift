package import NeedletailCore

extension Tuning {
  /// The layout of the section; a reader leaves a newer one aside.
  private static let layout: UInt32 = 1
  /// The most settings that are kept.
  package static let mostSettings = 64
  /// The most bytes of a name.
  package static let mostNameBytes = 128
  /// Bytes of one setting behind its length.
  private static let settingByteCount = 48

  /// The section's bytes.
  ///
  /// - Precondition: what `decode` accepts.
  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.layout)
    writer.append(UInt32(k))
    writer.append(UInt32(queryCount))
    writer.append(source.number)
    writer.append(UInt32((isJudgedOnCodes ? 1 : 0) | (isCutShort ? 2 : 0)))
    writer.append(UInt32(settings.count))
    writer.append(seconds)
    writer.append(Self.trimmed(kernelLevel))
    writer.append(Self.trimmed(processor))
    for setting in settings {
      writer.append(UInt32(Self.settingByteCount))
      writer.append(setting.target)
      writer.append(setting.recall)
      writer.append(setting.evaluations)
      writer.append(setting.nanoseconds)
      writer.append(UInt32(setting.efSearch))
      writer.append(setting.gamma)
      writer.append(UInt16(setting.prefetchRows))
      writer.append(0 as UInt16)
      writer.append(0 as UInt32)
    }
    return writer.bytes
  }

  /// As much of a name as is kept, cut between characters.
  private static func trimmed(_ name: String) -> String {
    var name = name
    while name.utf8.count > mostNameBytes { name.removeLast() }
    return name
  }

  /// Takes the section apart; every field is checked.
  ///
  /// - Returns: `nil` for a layout of the future: an index without settings serves as well as any.
  /// - Throws: `corrupted`, naming the field, its value and the place.
  static func decode(_ reader: inout ByteReader) throws(NeedletailError) -> Tuning? {
    guard try reader.read(UInt32.self) == layout else { return nil }
    let k = try number("k", 1...Limits.neighborsPerQuery, &reader)
    let queryCount = try number("The number of queries", 1...Int(UInt32.max), &reader)
    guard let source = Source(number: try reader.read()) else {
      throw reader.corrupted("The queries of the tuning come from a source that does not exist.")
    }
    let flags: UInt32 = try reader.read()
    guard flags < 4 else { throw reader.corrupted("The flags \(flags) of the tuning are unknown.") }
    let count = try number("The number of settings", 1...mostSettings, &reader)
    let seconds = try measure("time", &reader, most: 1e9)
    let kernelLevel = try name(&reader)
    let processor = try name(&reader)
    var settings: [Setting] = []
    for _ in 0..<count {
      let setting = try Setting(&reader)
      if let last = settings.last, setting.target <= last.target {
        throw reader.corrupted(
          "The settings' targets do not ascend: \(setting.target) comes after \(last.target).")
      }
      settings.append(setting)
    }
    try reader.finish()
    return Tuning(
      k: k, queryCount: queryCount, source: source, isJudgedOnCodes: flags & 1 != 0,
      isCutShort: flags & 2 != 0, seconds: seconds, kernelLevel: kernelLevel, processor: processor,
      settings: settings
    )
  }

  fileprivate static func number(
    _ what: String, _ range: ClosedRange<Int>, _ reader: inout ByteReader
  ) throws(NeedletailError) -> Int {
    let value = Int(try reader.read(UInt32.self))
    guard range.contains(value) else {
      throw reader.corrupted(
        "\(what) of the tuning is \(value); \(range.lowerBound) to \(range.upperBound) are possible."
      )
    }
    return value
  }

  fileprivate static func measure(
    _ what: String, _ reader: inout ByteReader, most: Double
  ) throws(NeedletailError) -> Double {
    let value = try reader.readDouble()
    guard value >= 0, value <= most else {
      throw reader.corrupted("The tuning's \(what) is \(value); 0 to \(most) are possible.")
    }
    return value
  }

  private static func name(_ reader: inout ByteReader) throws(NeedletailError) -> String {
    let name = try reader.readString()
    guard name.utf8.count <= mostNameBytes else {
      throw reader.corrupted(
        "A name of \(name.utf8.count) bytes is longer than the \(mostNameBytes) that are kept.")
    }
    return name
  }
}

extension Tuning.Setting {
  /// Takes one setting apart; bytes that a later writer added at its end are passed over.
  fileprivate init(_ reader: inout ByteReader) throws(NeedletailError) {
    let byteCount = Int(try reader.read(UInt32.self))
    guard byteCount <= reader.remaining else {
      throw reader.corrupted(
        "A setting of \(byteCount) bytes is longer than the \(reader.remaining) that are left.")
    }
    let end = reader.remaining - byteCount
    let target = try Tuning.measure("target", &reader, most: 1)
    guard target > 0 else { throw reader.corrupted("A setting's target is 0.") }
    let recall = try Tuning.measure("recall", &reader, most: 1)
    let evaluations = try Tuning.measure("evaluations", &reader, most: 1e15)
    let nanoseconds = try Tuning.measure("nanoseconds", &reader, most: 1e15)
    let efSearch = try Tuning.number("efSearch", 1...Limits.searchWidth, &reader)
    let gamma = try reader.readFloat()
    guard gamma.isFinite, gamma >= 0 else {
      throw reader.corrupted("A setting's gamma is \(gamma); it must be finite and not negative.")
    }
    let prefetchRows = Int(try reader.read(UInt16.self))
    _ = try reader.readBytes(6)
    guard reader.remaining >= end else {
      throw reader.corrupted("A setting of \(byteCount) bytes is too short; the file is damaged.")
    }
    _ = try reader.readBytes(reader.remaining - end)
    self.init(
      target: target, efSearch: efSearch, gamma: gamma, prefetchRows: prefetchRows,
      recall: recall, evaluations: evaluations, nanoseconds: nanoseconds)
  }
}

extension Tuning.Source {
  /// The number that stands for the source in files; never reused.
  fileprivate var number: UInt32 {
    switch self {
    case .rows: 1
    case .queries: 2
    }
  }

  /// The source of a number, if it has one.
  fileprivate init?(number: UInt32) {
    guard let source = Self.allCases.first(where: { $0.number == number }) else { return nil }
    self = source
  }
}
