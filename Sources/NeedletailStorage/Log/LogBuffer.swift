import NeedletailCore

/// Bytes of records that were appended and not written yet.
///
/// What depends on the place in the file is filled in by `seal`, when that place is known.
struct LogBuffer {
  private(set) var bytes: [UInt8] = []
  private(set) var vectorCount = 0

  var isEmpty: Bool { bytes.isEmpty }

  mutating func clear() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 20)
    vectorCount = 0
  }

  /// Appends a mark: everything up to `lsn` is durable.
  mutating func appendMark(lsn: UInt64) {
    begin(.mark, byteCount: LogRecord.leastByteCount, nameByteCount: 0, lsn: lsn, position: 0)
    append(0 as UInt32)
  }

  /// Appends a batch as one record.
  ///
  /// - Throws: `capacityExceeded` when it is too large for one.
  mutating func append(_ batch: LogBatch, lsn: UInt64) throws(NeedletailError) {
    let name = batch.source.map { Array($0.name.utf8) } ?? []
    let byteCount = try Self.byteCount(batch, nameByteCount: name.count)
    guard bytes.count <= LogRecord.mostByteCount - byteCount else {
      throw NeedletailError(
        .capacityExceeded,
        "\(bytes.count) bytes of batches wait to be written, and \(byteCount) more are too many."
          + " Commit more often.")
    }
    begin(
      batch.operation == .upsert ? .upsert : .remove, byteCount: byteCount,
      nameByteCount: name.count, lsn: lsn, position: batch.source?.position ?? 0)
    bytes.append(contentsOf: name)
    append(UInt32(batch.ids.count))
    append(UInt32(batch.dimensions))
    append(batch.attributes.isEmpty ? 0 as UInt32 : 1)
    appendBytes(of: batch.ids)
    appendBytes(of: batch.components)
    for piece in batch.attributes { append(UInt32(piece.count)) }
    for piece in batch.attributes { bytes.append(contentsOf: piece) }
    append(0 as UInt32)
    vectorCount += batch.vectorCount
  }

  /// Appends a change of withdrawals as one record.
  ///
  /// - Throws: `capacityExceeded` when it is too large for one.
  mutating func append(_ change: WithdrawalChange, lsn: UInt64) throws(NeedletailError) {
    let limit = (LogRecord.mostByteCount - LogRecord.leastByteCount - 4 - bytes.count) / 8
    guard change.ids.count <= limit else {
      throw NeedletailError(
        .capacityExceeded,
        "\(change.ids.count) ids cannot be withdrawn or reinstated at once; at most \(max(0, limit)) can."
      )
    }
    begin(
      change.kind, byteCount: LogRecord.leastByteCount + 4 + 8 * change.ids.count,
      nameByteCount: 0, lsn: lsn, position: 0)
    append(UInt32(change.ids.count))
    appendBytes(of: change.ids)
    append(0 as UInt32)
  }

  /// Fills in what the records' place gives: the durable LSN, and the chain of checksums.
  ///
  /// - Parameters:
  ///   - seed: the file's.
  ///   - offset: where the first record will stand.
  ///   - previous: the checksum of the record before it.
  ///   - durableLSN: the last LSN that is durable now.
  /// - Returns: the last record's checksum.
  mutating func seal(
    seed: UInt64, offset: Int, previous: UInt32, durableLSN: UInt64
  ) -> UInt32 {
    var previous = previous
    var start = 0
    unsafe bytes.withUnsafeMutableBytes { bytes in
      while start < bytes.count {
        // SAFETY: the records were laid out by `append`, each as long as its first field says.
        let length = unsafe Int(
          UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
        unsafe bytes.storeBytes(
          of: durableLSN.littleEndian, toByteOffset: start + 16, as: UInt64.self)
        unsafe bytes.storeBytes(
          of: previous.littleEndian, toByteOffset: start + 32, as: UInt32.self)
        let body = start..<(start + length - LogRecord.checksumByteCount)
        previous = unsafe LogRecord.checksum(
          of: UnsafeRawBufferPointer(rebasing: bytes[body]), seed: seed, offset: offset + start)
        unsafe bytes.storeBytes(
          of: previous.littleEndian, toByteOffset: body.upperBound, as: UInt32.self)
        start += length
      }
    }
    return previous
  }

  private mutating func begin(
    _ kind: LogRecord.Kind, byteCount: Int, nameByteCount: Int, lsn: UInt64, position: UInt64
  ) {
    append(UInt32(byteCount))
    append(kind.rawValue)
    append(UInt16(nameByteCount))
    append(lsn)
    append(0 as UInt64)
    append(position)
    append(0 as UInt32)
  }

  private mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
    unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
  }

  /// Components and ids stand in memory as they stand in files, little-endian.
  private mutating func appendBytes<Value: BitwiseCopyable>(of values: [Value]) {
    unsafe values.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
  }

  private static func byteCount(
    _ batch: LogBatch, nameByteCount: Int
  ) throws(NeedletailError) -> Int {
    var total = LogRecord.leastByteCount + 12 + nameByteCount
    let parts = [
      batch.ids.count.multipliedReportingOverflow(by: 8),
      batch.components.count.multipliedReportingOverflow(by: 4),
      batch.attributes.count.multipliedReportingOverflow(by: 4),
    ]
    for (part, overflow) in parts + batch.attributes.map({ ($0.count, false) }) {
      guard !overflow, part <= LogRecord.mostByteCount - total else {
        throw NeedletailError(
          .capacityExceeded,
          "A batch of \(batch.ids.count) items of \(batch.dimensions) dimensions takes more than"
            + " \(LogRecord.mostByteCount) bytes; divide it.")
      }
      total += part
    }
    return total
  }
}

extension LogBatch: LogPayload {
  var vectorCount: Int { operation == .upsert ? ids.count : 0 }

  init(
    _ kind: LogRecord.Kind, source: SourcePosition?, _ reader: inout ByteReader
  ) throws(NeedletailError) {
    let count = Int(try reader.read(UInt32.self))
    let dimensions = Int(try reader.read(UInt32.self))
    let flags = try reader.read(UInt32.self)
    let isUpsert = kind == .upsert
    guard flags <= (isUpsert ? 1 : 0) else {
      throw reader.corrupted("The flags \(flags) of a batch are unknown.")
    }
    guard isUpsert ? (1...Limits.dimensions).contains(dimensions) : dimensions == 0 else {
      throw reader.corrupted("A batch cannot have rows of \(dimensions) dimensions.")
    }
    self.init(
      operation: isUpsert ? .upsert : .remove, ids: try reader.readArray(count),
      dimensions: dimensions,
      // Both factors are below 2³², and 2³² times 2¹⁴ fits.
      components: isUpsert ? try reader.readArray(count * dimensions) : [],
      attributes: flags == 1 ? try reader.readPieces(count) : [], source: source)
    try reader.finish()
  }
}

extension ByteReader {
  /// Takes the lengths of pieces of bytes, and then these.
  fileprivate mutating func readPieces(_ count: Int) throws(NeedletailError) -> [[UInt8]] {
    let lengths: [UInt32] = try readArray(count)
    var pieces: [[UInt8]] = []
    pieces.reserveCapacity(count)
    for length in lengths { pieces.append(try readBytes(Int(length))) }
    return pieces
  }
}
