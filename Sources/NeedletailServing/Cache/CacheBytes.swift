import NeedletailBudgets
import NeedletailCore

/// Answers as bytes, for a warm start.
///
/// ```text
/// "NDLCACHE"  version u32  identity u32 + bytes  entries u64
///   entry: rung u8  k u32  query u32 + bytes  filter u32 + bytes  neighbours u32 + (id u64, distance f32) each
/// checksum u64, of all before it
/// ```
///
/// Little-endian. The checksum finds damage, not forgery: whatever is read is checked as if there were none.
enum CacheBytes {
  static let magic = Array("NDLCACHE".utf8)
  static let version: UInt32 = 1
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

  static func checksum(_ bytes: Span<UInt8>) -> UInt64 {
    var hash = ByteHash(seed: 0)
    hash.add(bytes)
    return hash.value
  }

  static func encode(_ entries: [Entry], identity: [UInt8]) -> [UInt8] {
    var bytes = magic
    append(version, &bytes)
    append(identity, &bytes)
    append(UInt64(entries.count), &bytes)
    for entry in entries {
      append(UInt8(entry.rung.order), &bytes)
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
  ) throws(NeedletailError) -> (identity: [UInt8], entries: [Entry]) {
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
    let identity = try reader.bytes()
    let count: UInt64 = try reader.integer()
    guard count <= UInt64(reader.remaining / leastEntry) else {
      throw reader.fault("\(count) answers do not fit \(reader.remaining) bytes.")
    }
    var entries: [Entry] = []
    entries.reserveCapacity(Int(count))
    for _ in 0..<count { entries.append(try entry(&reader)) }
    guard reader.remaining == 0 else {
      throw reader.fault("\(reader.remaining) bytes are left over.")
    }
    return (identity, entries)
  }

  private static func entry(_ reader: inout CacheReader) throws(NeedletailError) -> Entry {
    let number: UInt8 = try reader.integer()
    guard let rung = Rung(order: Int(number)) else {
      throw reader.fault("There is no rung \(number).")
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
      guard ids.insert(id).inserted, !neighbor.distance.isNaN else {
        throw reader.fault("The id \(id) is there twice, or its distance is no number.")
      }
      neighbors.append(neighbor)
    }
    return Entry(query: query, filter: filter, k: Int(k), rung: rung, neighbors: neighbors)
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

/// Takes bytes one after the other; every read is checked.
struct CacheReader {
  private let all: [UInt8]
  private var offset = 0
  private var end: Int

  init(_ bytes: [UInt8]) {
    all = bytes
    end = bytes.count
  }

  var remaining: Int { end - offset }

  /// Leaves the last bytes alone.
  mutating func leave(_ count: Int) { end = max(offset, end - count) }

  func fault(_ message: String) -> NeedletailError {
    NeedletailError(
      .corrupted, message,
      at: .init(path: "saved cache", byteOffset: UInt64(offset)))
  }

  mutating func take(_ count: Int) throws(NeedletailError) -> [UInt8] {
    guard count >= 0, count <= remaining else {
      throw fault("\(count) bytes are needed and \(remaining) are left.")
    }
    defer { offset += count }
    return Array(all[offset..<(offset + count)])
  }

  mutating func integer<Value: FixedWidthInteger & UnsignedInteger>() throws(NeedletailError)
    -> Value
  {
    let size = Value.bitWidth / 8
    guard size <= remaining else {
      throw fault("\(size) bytes are needed and \(remaining) are left.")
    }
    var value: Value = 0
    for place in 0..<size {
      value |=
        Value(truncatingIfNeeded: all[offset + place]) << Value(truncatingIfNeeded: 8 * place)
    }
    offset += size
    return value
  }

  mutating func bytes() throws(NeedletailError) -> [UInt8] {
    let count: UInt32 = try integer()
    return try take(Int(count))
  }
}
