import NeedletailBudgets
import NeedletailCore

/// Answers as bytes, for a warm start.
///
/// ```text
/// "NDLCACHE"  version u32  whole u8  identity u32 + bytes  entries u64
///   entry: rung u8  k u32  query u32 + bytes  filter u32 + bytes  neighbours u32 + (id u64, distance f32) each
/// checksum u64, of all before it
/// ```
///
/// `whole` is 1 where the answers are of the content that the identity names, and 0 where only the questions are there, each
/// without neighbours. A rung is its place in `Rung.searching`.
///
/// Little-endian. The checksum finds damage, not forgery: whatever is read is checked as if there were none.
enum CacheBytes {
  static let magic = Array("NDLCACHE".utf8)
  static let version: UInt32 = 2
  /// The least that an entry takes.
  static let leastEntry = 17

  /// A question and its answer.
  struct Entry: Sendable, Hashable {
    var query: [UInt8]
    var filter: [UInt8]
    var k: Int
    var rung: Rung
    var neighbors: [Neighbor]
  }

  /// What was saved.
  struct Saved: Sendable {
    var identity: [UInt8]
    /// Whether the answers are there, and not the questions alone.
    var isWhole: Bool
    var entries: [Entry]
  }

  static func checksum(_ bytes: Span<UInt8>) -> UInt64 {
    var hash = ByteHash(seed: 0)
    hash.add(bytes)
    return hash.value
  }

  /// Puts answers together; those of a rung that does not search are left out.
  static func encode(_ saved: Saved) -> [UInt8] {
    var bytes = magic
    append(version, &bytes)
    append(UInt8(saved.isWhole ? 1 : 0), &bytes)
    append(saved.identity, &bytes)
    let places = saved.entries.map { Rung.searching.firstIndex(of: $0.rung) }
    append(UInt64(places.count { $0 != nil }), &bytes)
    for (entry, place) in zip(saved.entries, places) {
      guard let place else { continue }
      append(UInt8(place), &bytes)
      append(UInt32(clamping: entry.k), &bytes)
      append(entry.query, &bytes)
      append(entry.filter, &bytes)
      append(UInt32(entry.neighbors.count), &bytes)
      for neighbor in entry.neighbors {
        append(neighbor.id, &bytes)
        append(neighbor.distance.bitPattern, &bytes)
      }
    }
    append(checksum(bytes.span), &bytes)
    return bytes
  }

  /// Takes apart any bytes.
  ///
  /// - Throws: `corrupted` or `unsupportedFormat` with the offset; nothing larger than the bytes is ever allocated.
  static func decode(
    _ bytes: [UInt8]
  ) throws(NeedletailError) -> Saved {
    var reader = CacheReader(bytes)
    guard try reader.take(magic.count) == magic else {
      throw reader.fault("These bytes are no saved cache.")
    }
    let version: UInt32 = try reader.integer()
    guard version == Self.version else {
      throw NeedletailError(
        .unsupportedFormat,
        "The saved cache has version \(version) and this program reads \(Self.version); start without it."
      )
    }
    guard bytes.count >= 8, checksum(bytes.span.extracting(..<(bytes.count - 8))) == trailer(bytes)
    else { throw reader.fault("The saved cache does not match its checksum; start without it.") }
    reader.leave(8)
    let whole: UInt8 = try reader.integer()
    guard whole <= 1 else { throw reader.fault("\(whole) is neither whole nor not.") }
    let identity = try reader.bytes()
    let count: UInt64 = try reader.integer()
    guard count <= UInt64(reader.remaining / leastEntry) else {
      throw reader.fault("\(count) answers do not fit \(reader.remaining) bytes.")
    }
    var entries: [Entry] = []
    entries.reserveCapacity(Int(count))
    for _ in 0..<count {
      let entry = try entry(&reader)
      guard whole == 1 || entry.neighbors.isEmpty else {
        throw reader.fault("A question comes with \(entry.neighbors.count) neighbours.")
      }
      entries.append(entry)
    }
    guard reader.remaining == 0 else {
      throw reader.fault("\(reader.remaining) bytes are left over.")
    }
    return Saved(identity: identity, isWhole: whole == 1, entries: entries)
  }

  private static func entry(_ reader: inout CacheReader) throws(NeedletailError) -> Entry {
    let number: UInt8 = try reader.integer()
    guard Int(number) < Rung.searching.count else {
      throw reader.fault("There is no rung \(number) at which anything is searched for.")
    }
    let k: UInt32 = try reader.integer()
    guard (1...Limits.neighborsPerQuery).contains(Int(k)) else {
      throw reader.fault("\(k) neighbours are not within 1...\(Limits.neighborsPerQuery).")
    }
    let query = try reader.bytes()
    let filter = try reader.bytes()
    let count: UInt32 = try reader.integer()
    guard count <= k, Int(count) <= reader.remaining / 12 else {
      throw reader.fault("\(count) neighbours do not fit a k of \(k) or the bytes that are left.")
    }
    var neighbors: [Neighbor] = []
    neighbors.reserveCapacity(Int(count))
    var ids: Set<VectorID> = []
    for _ in 0..<count {
      let id: UInt64 = try reader.integer()
      let bits: UInt32 = try reader.integer()
      let neighbor = Neighbor(id: id, distance: Float(bitPattern: bits))
      if let last = neighbors.last, !Neighbor.precedes(last, neighbor) {
        throw reader.fault("Neighbours are not in their order.")
      }
      guard ids.insert(id).inserted, neighbor.distance.isFinite else {
        throw reader.fault("The id \(id) is there twice, or its distance is not finite.")
      }
      neighbors.append(neighbor)
    }
    return Entry(
      query: query, filter: filter, k: Int(k), rung: Rung.searching[Int(number)],
      neighbors: neighbors)
  }

  private static func trailer(_ bytes: [UInt8]) -> UInt64 {
    bytes.suffix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func append(_ value: some FixedWidthInteger, _ bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  private static func append(_ value: [UInt8], _ bytes: inout [UInt8]) {
    append(UInt32(clamping: value.count), &bytes)
    bytes += value
  }
}
