import NeedletailBudgets
import NeedletailCore
import NeedletailStorage

/// Turns requests into the lines of a log and the rows of a file of queries.
///
/// Not made for several threads at once.
struct RequestWriter: @unchecked Sendable {
  // SAFETY: the files are handed to one thread, which alone writes.

  private let log: any WritableFile
  private let queries: any WritableFile
  private var lines = Array("seconds,query,priority,tenant,k\n".utf8)
  private var rows: [UInt8] = []
  private var count = 0
  private var tenants: Set<String> = []

  /// What readers of a log tell apart.
  private static let mostTenants = 256

  /// - Throws: `alreadyExists` and `io`; no file is left then that was made here.
  init(log: String, queries: String, in files: any FileSystem) throws(NeedletailError) {
    self.log = try files.create(log)
    do throws(NeedletailError) {
      self.queries = try files.create(queries)
    } catch {
      try? files.remove(log)
      throw error
    }
  }

  /// Takes a request; nothing is written yet.
  mutating func add(_ request: ServiceRequest, at arrival: Nanoseconds) {
    let fraction = String(arrival % .second)
    let zeros = String(repeating: "0", count: 9 - fraction.count)
    lines += Array(
      """
      \(arrival / .second).\(zeros)\(fraction),\(count),\(request.priority.rawValue),\
      \(name(request.tenant)),\(request.k)

      """.utf8)
    append(UInt32(truncatingIfNeeded: request.query.count))
    for component in request.query { append(component.bitPattern) }
    count += 1
  }

  /// Writes what was taken.
  mutating func flush() throws(NeedletailError) {
    // A line without its query could not be sent again; a query without its line is only not used.
    if !rows.isEmpty { try queries.write(rows) }
    rows.removeAll(keepingCapacity: true)
    if !lines.isEmpty { try log.write(lines) }
    lines.removeAll(keepingCapacity: true)
  }

  func close() throws(NeedletailError) {
    try queries.close()
    try log.close()
  }

  /// A tenant's name as a line can hold it; empty where there would be too many.
  private mutating func name(_ tenant: String?) -> String {
    guard let tenant else { return "" }
    let plain = String(
      String.UnicodeScalarView(
        tenant.unicodeScalars.prefix(128).map {
          $0 == "," || $0.value < 0x20 || $0.value == 0x7f ? "_" : $0
        }))
    guard tenants.contains(plain) || tenants.count < Self.mostTenants else { return "" }
    tenants.insert(plain)
    return plain
  }

  private mutating func append(_ word: UInt32) {
    for shift in [0, 8, 16, 24] as [UInt32] {
      rows.append(UInt8(truncatingIfNeeded: word >> shift))
    }
  }
}
