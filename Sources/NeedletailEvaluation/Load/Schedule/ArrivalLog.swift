public import NeedletailCore

/// Arrivals as they were recorded: when each came, which query it was, and whose.
///
/// The file is CSV. Its first line names the columns: `seconds` (from the beginning of the record) must be there;
/// `query` (a row of the file of queries), `priority`, `tenant` (a name) and `k` may be. What a line leaves empty is
/// for the mix to decide.
public struct ArrivalLog: Sendable, Hashable {
  /// One arrival.
  public struct Entry: Sendable, Hashable {
    /// Nanoseconds from the beginning of the record.
    public var offset: Int64
    /// The row of the query; nil: not recorded.
    public var query: Int32?
    /// The neighbours asked for; nil: not recorded.
    public var k: Int32?
    /// A place in `tenants`; nil: not recorded.
    public var tenant: Int32?
    /// How much it matters; nil: not recorded.
    public var priority: LoadPriority?
  }

  private let entries: [Entry]
  /// The names of the tenants, in the order in which they first came.
  public let tenants: [String]
  /// Where it was read from.
  public let path: String

  /// The most arrivals that a record may have.
  static let mostEntries = 5_000_000
  static let mostBytes = 1 << 29
  static let mostTenants = 256

  /// The number of arrivals.
  public var count: Int { entries.count }
  /// From the beginning to the last arrival.
  public var nanoseconds: Int64 { entries.last?.offset ?? 0 }
  /// The highest row of a query.
  public let highestQuery: Int
  /// The line that names it, from 1; 0 where no line names a query.
  public let lineOfHighestQuery: Int
  /// The highest number of neighbours asked for.
  public var highestK: Int { Int(entries.lazy.compactMap(\.k).max() ?? 0) }

  /// One arrival, by its place in time.
  public subscript(index: Int) -> Entry { entries[index] }

  /// Reads a record.
  ///
  /// - Parameters:
  ///   - bytes: The text.
  ///   - path: Where it is from, for errors.
  /// - Throws: `corrupted` with line, column and what to write instead; `capacityExceeded` for more than 5 000 000
  ///   arrivals.
  public init(parsing bytes: [UInt8], path: String) throws(NeedletailError) {
    var reader = ArrivalReader(path: path)
    var number = 0
    var start = bytes.startIndex
    while start < bytes.endIndex {
      let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.endIndex
      let text = bytes[start..<end]
      start = end + 1
      number += 1
      let line = text.last == 0x0d ? text.dropLast() : text
      if line.isEmpty { continue }
      try reader.read(line, number: number)
    }
    entries = try reader.sorted()
    tenants = reader.tenants
    highestQuery = reader.highestQuery
    lineOfHighestQuery = reader.lineOfHighestQuery
    self.path = path
  }

  /// Some arrivals of another record.
  init(_ entries: [Entry], of other: ArrivalLog) {
    self.entries = entries
    tenants = other.tenants
    let highest = Int(entries.lazy.compactMap(\.query).max() ?? 0)
    highestQuery = highest
    lineOfHighestQuery = highest == other.highestQuery ? other.lineOfHighestQuery : 0
    path = other.path
  }
}

/// Reads the lines of a record.
private struct ArrivalReader {
  private enum Column: String, CaseIterable { case seconds, query, priority, tenant, k }

  /// A field without spaces at its ends, and where it begins.
  private struct Field {
    var bytes: ArraySlice<UInt8>
    /// Bytes before it, and 1.
    var column: Int

    /// Made for what is no number alone: a record has millions of fields.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// A whole number of at most nine digits; nil for anything else.
    var whole: Int32? {
      guard (1...9).contains(bytes.count) else { return nil }
      var value: Int32 = 0
      for byte in bytes {
        guard (0x30...0x39).contains(byte) else { return nil }
        value = value * 10 + Int32(byte - 0x30)
      }
      return value
    }
  }

  let path: String
  private var columns: [Column]?
  private var entries: [ArrivalLog.Entry] = []
  private(set) var tenants: [String] = []
  private(set) var highestQuery = 0
  private(set) var lineOfHighestQuery = 0
  private var places: [String: Int32] = [:]

  init(path: String) { self.path = path }

  mutating func read(_ line: ArraySlice<UInt8>, number: Int) throws(NeedletailError) {
    let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
      let front = $0.drop { $0 == 0x20 || $0 == 0x09 }
      let blanks = front.reversed().prefix { $0 == 0x20 || $0 == 0x09 }.count
      return Field(bytes: front.dropLast(blanks), column: front.startIndex - line.startIndex + 1)
    }
    guard let columns else {
      columns = try head(fields, number)
      return
    }
    guard fields.count == columns.count else {
      throw fault(
        number, fields.count > columns.count ? fields[columns.count].column : line.count + 1,
        "has \(fields.count) fields, and the first line names \(columns.count)")
    }
    guard entries.count < ArrivalLog.mostEntries else {
      throw NeedletailError(
        .capacityExceeded,
        "The record has more than \(Numerals.grouped(ArrivalLog.mostEntries)) arrivals; cut it.",
        at: .init(path: path, section: "line \(number)"))
    }
    var entry = ArrivalLog.Entry(offset: 0)
    for (column, field) in zip(columns, fields) {
      if field.bytes.isEmpty && column != .seconds { continue }
      try set(column, field, number, &entry)
    }
    entries.append(entry)
  }

  private func head(_ fields: [Field], _ number: Int) throws(NeedletailError) -> [Column] {
    var found: [Column] = []
    for field in fields {
      guard let column = Column(rawValue: field.text), !found.contains(column) else {
        throw headFault(fields, number, field.column)
      }
      found.append(column)
    }
    guard found.contains(.seconds) else { throw headFault(fields, number, 1) }
    return found
  }

  private func headFault(_ fields: [Field], _ number: Int, _ column: Int) -> NeedletailError {
    let known = Column.allCases.map(\.rawValue).joined(separator: ",")
    return fault(
      number, column,
      "is “\(fields.map(\.text).joined(separator: ",").prefix(80))”; it names the columns, `seconds` and "
        + "some others of \(known), each once")
  }

  private mutating func set(
    _ column: Column, _ field: Field, _ number: Int, _ entry: inout ArrivalLog.Entry
  ) throws(NeedletailError) {
    switch column {
    case .seconds:
      guard let seconds = LoadText.number(field.text), seconds <= 86_400 else {
        throw fault(
          number, field.column,
          "has “\(field.text.prefix(80))” as seconds; give those since the beginning, at most 86400"
        )
      }
      entry.offset = Int64((seconds * 1e9).rounded())
    case .query:
      guard let query = field.whole ?? Int32(field.text), query >= 0 else {
        throw fault(
          number, field.column,
          "has “\(field.text.prefix(80))” as query; give a row of the file of queries, from 0")
      }
      entry.query = query
      if lineOfHighestQuery == 0 || Int(query) > highestQuery {
        highestQuery = Int(query)
        lineOfHighestQuery = number
      }
    case .k:
      guard let k = field.whole, (1...Int32(Limits.neighborsPerQuery)).contains(k) else {
        throw fault(
          number, field.column,
          "has “\(field.text.prefix(80))” as k; give 1 to \(Limits.neighborsPerQuery)")
      }
      entry.k = k
    case .priority:
      guard let priority = LoadPriority(name: field.text) else {
        let known = LoadPriority.allCases.map(\.name).joined(separator: ", ")
        throw fault(
          number, field.column, "has the priority “\(field.text.prefix(80))”; known are \(known)")
      }
      entry.priority = priority
    case .tenant: entry.tenant = try tenant(field.text, number, field.column)
    }
  }

  private mutating func tenant(
    _ name: String, _ number: Int, _ column: Int
  ) throws(NeedletailError) -> Int32 {
    if let place = places[name] { return place }
    guard tenants.count < ArrivalLog.mostTenants else {
      throw fault(
        number, column,
        "names one tenant more than \(ArrivalLog.mostTenants); join the small ones")
    }
    let place = Int32(tenants.count)
    places[name] = place
    tenants.append(name)
    return place
  }

  /// The arrivals by time; several writers may have recorded them out of order.
  func sorted() throws(NeedletailError) -> [ArrivalLog.Entry] {
    guard !entries.isEmpty else {
      throw NeedletailError(
        .corrupted, "The record has no arrivals; a line for each follows the names of the columns.",
        at: .init(path: path))
    }
    // Most are in order already.
    guard zip(entries, entries.dropFirst()).contains(where: { $0.offset > $1.offset }) else {
      return entries
    }
    return entries.enumerated().sorted {
      ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset)
    }
    .map(\.element)
  }

  private func fault(_ number: Int, _ column: Int, _ text: String) -> NeedletailError {
    NeedletailError(
      .corrupted, "Line \(number) of the record \(text).",
      at: .init(path: path, section: "line \(number), column \(column)"))
  }
}
