import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// Writes a built segment, section by section, without a second copy of the rows.
struct SegmentWriter {
  let segment: BuiltSegment
  let rows: RowSource
  let ids: [VectorID]
  /// Original norms by row of the source; used under cosine.
  let norms: [Double]
  /// Attributes by row of the source; none, or one for each.
  let attributes: [Attributes]
  let quantizer: ContentHash?
  let monitor: WorkMonitor?

  private static let stripe = 256

  func write(to writer: SectionedFileWriter) throws(NeedletailError) {
    let count = segment.count
    let parameters = SegmentParameters(
      options: segment.options, form: segment.quantizer.form, count: count,
      levelCounts: segment.levelCounts, repairedNodes: segment.repairedNodes,
      unreachableNodes: segment.unreachableNodes, growth: segment.growth, quantizer: quantizer)
    try writer.write(SegmentSection.parameters, count: 1, bytes: parameters.encoded.bytes)
    if let rows = segment.turboRows {
      try writer.beginSection(SegmentSection.turboRows, count: count)
      unsafe try writer.append(rows.bytes)
      writer.endSection()
    } else {
      try writeWalked(to: writer)
    }
    let upper = segment.tables.dropFirst()
    try writer.beginSection(
      SegmentSection.upperLinks, count: upper.reduce(0) { $0 + $1.count })
    for table in upper { unsafe try writer.append(table.bytes) }
    writer.endSection()
    try writeIdentities(to: writer)
    if parameters.hasRows { try writeRows(to: writer) }
    try ColumnsWriter(attributes, order: segment.order).write(to: writer)
  }

  /// Codes, terms and the links of level 0.
  private func writeWalked(to writer: SectionedFileWriter) throws(NeedletailError) {
    let count = segment.count
    if segment.options.codes != .none {
      try writer.beginSection(SegmentSection.codes, count: count)
      unsafe try writer.append(segment.codes.bytes)
      writer.endSection()
      if let lower = segment.lowerCodes {
        try writer.beginSection(SegmentSection.lowerCodes, count: count)
        unsafe try writer.append(lower.bytes)
        writer.endSection()
      }
      try writer.beginSection(SegmentSection.terms, count: count)
      unsafe try writer.append(segment.terms.bytes)
      writer.endSection()
    }
    try writer.beginSection(SegmentSection.baseLinks, count: count)
    unsafe try writer.append(segment.tables[0].bytes)
    writer.endSection()
  }

  private func writeIdentities(to writer: SectionedFileWriter) throws(NeedletailError) {
    let order = segment.order
    let byOrdinal = order.map { ids[Int($0)] }
    try writer.beginSection(SegmentSection.ids, count: byOrdinal.count)
    try append(byOrdinal, to: writer)
    writer.endSection()
    let sorted = (0..<UInt32(byOrdinal.count)).sorted {
      byOrdinal[Int($0)] < byOrdinal[Int($1)]
    }
    try writer.beginSection(SegmentSection.idOrder, count: sorted.count)
    try append(sorted, to: writer)
    writer.endSection()
    guard segment.options.metric == .cosine else { return }
    let stored = order.map { norms[Int($0)] }
    try writer.beginSection(SegmentSection.norms, count: stored.count)
    try append(stored, to: writer)
    writer.endSection()
  }

  private func writeRows(to writer: SectionedFileWriter) throws(NeedletailError) {
    let dimensions = rows.dimensions
    let width = dimensions * segment.options.precise.byteCount
    let buffer = try MemoryBlock(count: Self.stripe, stride: width)
    let row = try MemoryBlock(count: dimensions, stride: 4)
    monitor?.begin("writing", total: segment.count)
    try writer.beginSection(SegmentSection.rows, count: segment.count)
    for start in stride(from: 0, to: segment.count, by: Self.stripe) {
      let end = min(segment.count, start + Self.stripe)
      for ordinal in start..<end {
        // SAFETY: the buffer holds a stripe of rows, `row` one row of Float.
        let target = unsafe row.mutableBytes.baseAddress.unsafelyUnwrapped
          .assumingMemoryBound(to: Float.self)
        let row = Int(segment.order[ordinal])
        if segment.options.precise == .givenFloat16 {
          unsafe try rows.copyGiven(row, into: target)
        } else {
          unsafe try rows.copy(row, into: target)
        }
        unsafe Self.store(
          target, dimensions, segment.options.precise,
          buffer.mutableBytes.baseAddress.unsafelyUnwrapped + (ordinal - start) * width)
      }
      unsafe try writer.append(
        UnsafeRawBufferPointer(rebasing: buffer.bytes[0..<(end - start) * width]))
      try monitor?.advance(by: end - start)
    }
    writer.endSection()
  }

  @unsafe
  private static func store(
    _ row: UnsafePointer<Float>, _ dimensions: Int, _ kind: PreciseKind,
    _ target: UnsafeMutableRawPointer
  ) {
    switch kind {
    case .none: break
    case .float32: unsafe target.copyMemory(from: row, byteCount: dimensions * 4)
    case .bfloat16:
      unsafe Conversion.narrow(
        row, to: .bfloat16, count: dimensions, into: target.assumingMemoryBound(to: UInt16.self))
    case .float16, .givenFloat16:
      unsafe Conversion.narrow(
        row, to: .float16, count: dimensions, into: target.assumingMemoryBound(to: UInt16.self))
    }
  }

  private func append<Element: BitwiseCopyable>(
    _ elements: [Element], to writer: SectionedFileWriter
  ) throws(NeedletailError) {
    let result: Result<Void, NeedletailError> = unsafe elements.withUnsafeBytes { bytes in
      Result { () throws(NeedletailError) in unsafe try writer.append(bytes) }
    }
    try result.get()
  }
}
