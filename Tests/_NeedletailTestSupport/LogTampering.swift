import NeedletailStorage

/// Changes files of a log as somebody would who knows the format: every checksum fits afterwards.
package enum LogTampering {
  /// Where the records of an undamaged file are.
  package static func records(of bytes: [UInt8]) -> [Range<Int>] {
    var records: [Range<Int>] = []
    var offset = 64
    while offset < bytes.count {
      let length = Int(bytes.number(at: offset, byteCount: 4))
      records.append(offset..<(offset + length))
      offset += length
    }
    return records
  }

  /// Gives the header and the records, whatever is in them, the checksums of their present bytes.
  package static func mend(_ bytes: inout [UInt8], records: [Range<Int>]) {
    bytes.put(CRC32C.checksum(of: Array(bytes[..<60])), at: 60)
    var previous = bytes.number(at: 60, byteCount: 4)
    for record in records {
      var covered = Array(bytes[48..<56])
      covered += [UInt8](repeating: 0, count: 8)
      covered.put(UInt64(record.lowerBound), at: 8)
      bytes.put(UInt32(truncatingIfNeeded: previous), at: record.lowerBound + 32)
      covered += bytes[record.lowerBound..<(record.upperBound - 4)]
      let checksum = CRC32C.checksum(of: covered)
      bytes.put(checksum, at: record.upperBound - 4)
      previous = UInt64(checksum)
    }
  }
}

extension [UInt8] {
  /// A little-endian number of up to 8 bytes.
  package func number(at offset: Int, byteCount: Int) -> UInt64 {
    (0..<byteCount).reversed().reduce(0) { $0 << 8 | UInt64(self[offset + $1]) }
  }
}
