package import NeedletailCore
import NeedletailStorage

/// A look at every byte of a segment's file, a piece at a time: whether it is what was written.
package struct SegmentCheck: Sendable {
  private let segment: SealedSegment
  /// Blocks that were checked; `nil` before anything was.
  private var blocks: Int?

  package init(_ segment: SealedSegment) { self.segment = segment }

  /// The identity of the contents.
  package var hash: String { segment.file.contentHash.description }
  /// The file's length.
  package var byteCount: Int { segment.file.region.count }
  /// Bytes that were checked.
  package var checkedByteCount: Int { min(byteCount, (blocks ?? 0) * Self.blockByteCount) }
  /// Whether all were.
  package var isDone: Bool { blocks == segment.file.blockCount }

  private static let blockByteCount = 64 << 10

  /// Checks so many bytes more, in whole blocks of 64 KiB; at first what the blocks' checksums lean on.
  ///
  /// Pages of what is read from copies in memory are given back.
  ///
  /// - Throws: `corrupted`, with section and offset of the first damaged block.
  /// - Complexity: one read of the bytes; about 2 GB/s once they are in memory.
  package mutating func advance(_ bytes: Int) throws(NeedletailError) {
    let file = segment.file
    if blocks == nil {
      try file.verifyFrame()
      blocks = 0
    }
    let first = blocks ?? 0
    let count = max(1, bytes / Self.blockByteCount)
    let range = first..<min(file.blockCount, first + min(count, file.blockCount))
    try file.verify(blocks: range)
    blocks = range.upperBound
    let read =
      (range.lowerBound * Self.blockByteCount)..<(range.upperBound * Self.blockByteCount)
    let precise = segment.parameters.options.precise
    for section in file.sections
    where segment.placements.placement(of: section.kind, precise) == .resident {
      let part = section.range.clamped(to: read)
      if !part.isEmpty { file.region.advise(.dontNeed, part) }
    }
  }
}

extension IndexView {
  /// A check of each sealed segment that the view searches.
  package var checks: [SegmentCheck] {
    stack.segments.map { SegmentCheck($0) }.filter { !leftOut.contains($0.hash) }
  }
}
