import NeedletailCore

/// What a manifest says of the changes that its segments already have behind them.
extension Manifest {
  /// The required feature of a manifest with a sealed LSN, source offsets or tombstones: a program
  /// that does not know them would bring removed rows back, and take batches twice.
  package static let changesFeature: UInt64 = 1

  var requiredFeatures: UInt64 {
    let isPlain = sealedLSN == 0 && sourceOffsets.isEmpty && tombstones.allSatisfy(\.isEmpty)
    return isPlain ? 0 : Self.changesFeature
  }

  /// Whether a reader would accept the tombstones.
  var hasSoundTombstones: Bool {
    tombstones.count <= segments.count
      && zip(tombstones, segments).allSatisfy { list, segment in
        Self.firstDisorder(list, rowCount: segment.rowCount) == nil
      }
  }

  /// The sealed LSN, then the sources in ascending order of their names' bytes; nothing where there is
  /// neither.
  var encodedSourceOffsets: [UInt8] {
    var writer = ByteWriter()
    guard sealedLSN > 0 || !sourceOffsets.isEmpty else { return [] }
    precondition(sealedLSN < LogHeader.mostLSN, "no log gets that far")
    writer.append(sealedLSN)
    let sorted = sourceOffsets.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    for (name, position) in sorted {
      precondition(
        (1...SourcePosition.mostNameBytes).contains(name.utf8.count), "a name of 1 to 255 bytes")
      writer.append(position)
      writer.append(name)
    }
    return writer.bytes
  }

  /// The length of each segment's list, then the lists; nothing where all are empty.
  var encodedTombstones: [UInt8] {
    guard !tombstones.allSatisfy(\.isEmpty) else { return [] }
    let counts = segments.indices.map { UInt32(tombstones(ofSegment: $0).count) }
    // Numbers stand in memory as they stand in files, little-endian.
    var bytes: [UInt8] = []
    for list in [counts] + tombstones {
      unsafe list.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  static func decodeSourceOffsets(
    _ file: SectionedFile
  ) throws(NeedletailError) -> (sealedLSN: UInt64, sourceOffsets: [String: UInt64]) {
    let section = try file.section(sourceOffsets)
    var reader = file.reader(section)
    guard reader.remaining > 0 || section.count > 0 else { return (0, [:]) }
    let sealedLSN = try reader.read(UInt64.self)
    guard sealedLSN < LogHeader.mostLSN else {
      throw reader.corrupted("No log has a batch with LSN \(sealedLSN).")
    }
    var offsets: [String: UInt64] = [:]
    var last: String?
    for _ in 0..<section.count {
      let position = try reader.read(UInt64.self)
      let name = try reader.readString()
      guard (1...SourcePosition.mostNameBytes).contains(name.utf8.count) else {
        throw reader.corrupted(
          "A source's name has 1 to \(SourcePosition.mostNameBytes) bytes, not \(name.utf8.count).")
      }
      // Different bytes may still be one name to Unicode, and then one key.
      guard last.map({ $0.utf8.lexicographicallyPrecedes(name.utf8) }) ?? true,
        offsets.updateValue(position, forKey: name) == nil
      else {
        throw reader.corrupted("The source '\(name)' is there twice, or out of order.")
      }
      last = name
    }
    try reader.finish()
    return (sealedLSN, offsets)
  }

  static func decodeTombstones(
    _ file: SectionedFile, _ segments: [FileReference]
  ) throws(NeedletailError) -> [[UInt32]] {
    let section = try file.section(tombstones)
    if section.count == 0, section.byteCount == 0 { return [] }
    var reader = file.reader(section)
    let counts: [UInt32] = try reader.readArray(segments.count)
    let total = counts.reduce(0) { $0 + Int($1) }
    guard total > 0, total == section.count else {
      throw reader.corrupted(
        "The segments' lists have \(total) tombstones together, the section says \(section.count).")
    }
    var lists: [[UInt32]] = []
    for (segment, count) in zip(segments, counts) {
      let list: [UInt32] = try reader.readArray(Int(count))
      if let index = firstDisorder(list, rowCount: segment.rowCount) {
        throw reader.corrupted(
          "Tombstone \(index) of segment \(segment.hash), \(list[index]), does not ascend or is not below"
            + " its \(segment.rowCount) rows.")
      }
      lists.append(list)
    }
    try reader.finish()
    return lists
  }

  /// The first place at which ordinals do not ascend, or are not those of rows.
  private static func firstDisorder(_ list: [UInt32], rowCount: UInt64) -> Int? {
    for index in list.indices {
      let isAscending = index == 0 || list[index - 1] < list[index]
      if !isAscending || UInt64(list[index]) >= rowCount { return index }
    }
    return nil
  }
}
