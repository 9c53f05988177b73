package import NeedletailCore
package import NeedletailStorage

/// The exact answers to a set of queries: row numbers, nearest first, and perhaps their distances.
///
/// | Bytes   | What                                                                     |
/// |---------|--------------------------------------------------------------------------|
/// | 4       | `UInt32` queries, n                                                      |
/// | 4       | `UInt32` answers to each, k                                              |
/// | 4·n·k   | `Int32` row numbers, query after query                                   |
/// | 4·n·k   | `Float` distances in the same order; may be missing, which the length says |
///
/// `.ivecs` and `.npy` files (`<i4`) are read too; they hold row numbers only.
///
/// - Source: the layout is that of big-ann-benchmarks.
package struct GroundTruthFile: Sendable {
  /// Row numbers, `[n, k]`.
  package let ids: IntegerMatrix
  /// Distances, `[n, k]`, where the file has them; in the units of whoever made them.
  package let distances: VectorMatrix?

  /// Joins row numbers and their distances.
  ///
  /// - Throws: `dimensionMismatch` when the two differ in shape, `invalidConfiguration` when the
  ///   distances are not `Float`.
  package init(ids: IntegerMatrix, distances: VectorMatrix?) throws(NeedletailError) {
    if let distances {
      guard distances.count == ids.count, distances.dimensions == ids.width else {
        throw NeedletailError(
          .dimensionMismatch,
          "\(ids.count) x \(ids.width) ids do not match \(distances.count) x "
            + "\(distances.dimensions) distances.")
      }
      guard distances.element == .float32 else {
        throw NeedletailError(
          .invalidConfiguration, "Distances are \(distances.element); they must be float32.")
      }
    }
    self.ids = ids
    self.distances = distances
  }

  /// Maps the ground truth in a file.
  ///
  /// - Throws: as `VectorMatrix.init(contentsOf:)`.
  package init(
    contentsOf path: String, fileSystem: any FileSystem = LocalFileSystem()
  ) throws(NeedletailError) {
    if VectorFileFormat(pathExtension: path) == .hdf5 { throw RowLayout.hdf5Error(path) }
    try self.init(try fileSystem.map(path))
  }

  /// The ground truth in the bytes of a file, whose name is the region's path.
  package init(_ region: MappedRegion) throws(NeedletailError) {
    guard try VectorFileFormat.detect(region.path, prefix: region.span) == .ibin else {
      try self.init(ids: try IntegerMatrix(region), distances: nil)
      return
    }
    let fault = FileFault(path: region.path)
    let layout = try RowLayout.parseMatrixHeader(region.span, format: .ibin, fault: fault)
    guard
      let idsEnd = layout.byteCount,
      case let (end, overflow) = idsEnd.addingReportingOverflow(idsEnd - 8),
      !overflow, idsEnd == region.count || end == region.count,
      let start = unsafe region.bytes.baseAddress
    else { throw Self.wrongLength(layout, found: region.count, fault: fault) }
    // SAFETY: the header's 8 bytes, the ids and, when there are any, the distances fill the region.
    let count = layout.count ?? 0
    let ids = unsafe IntegerMatrix(
      owner: region, baseAddress: start + 8, count: count, width: layout.width,
      rowByteStride: layout.rowByteCount)
    var distances: VectorMatrix?
    if end > idsEnd, region.count == end {
      distances = unsafe VectorMatrix(
        owner: region, baseAddress: start + idsEnd, count: count, dimensions: layout.width,
        element: .float32, rowByteStride: layout.rowByteCount)
    }
    try self.init(ids: ids, distances: distances)
  }

  private static func wrongLength(
    _ layout: RowLayout, found: Int, fault: FileFault
  ) -> NeedletailError {
    let count = layout.count ?? 0
    let lengths =
      layout.byteCount.map { "\($0) bytes, or \($0) and \($0 - 8) of distances" }
      ?? "more bytes than any file holds"
    return fault.corrupted(
      "The header says \(count) queries with \(layout.width) answers each, \(lengths), but the "
        + "file has \(found). Copy or write it again.", in: "ids", at: min(found, 8))
  }

  /// Checks that every row number names a row of the base.
  ///
  /// - Throws: `corrupted` with the query, the rank and the number.
  /// - Complexity: O(n·k).
  package func checkIDs(below rows: Int, path: String) throws(NeedletailError) {
    for query in 0..<ids.count {
      for rank in 0..<ids.width {
        let id = Int(ids[query, rank])
        guard id >= 0, id < rows else {
          throw FileFault(path: path).corrupted(
            "Answer \(rank) to query \(query) is row \(id), but the base has \(rows) rows; is it the "
              + "ground truth of this base?", in: "ids")
        }
      }
    }
  }

  /// Writes the ground truth; the file appears whole or not at all.
  ///
  /// - Throws: `unsupportedFormat` for an ending without integers; `invalidConfiguration` when there
  ///   are distances and the format has no place for them; otherwise as `VectorFileWriter`.
  package func write(
    to path: String, replacing: Bool = false, fileSystem: any FileSystem = LocalFileSystem()
  ) throws(NeedletailError) {
    guard let format = VectorFileFormat(pathExtension: path) else {
      throw VectorFileFormat.unknown(path)
    }
    if distances != nil, format != .ibin {
      throw NeedletailError(
        .invalidConfiguration,
        "A .\(format.rawValue) file has no place for distances; name it .ibin.",
        at: .init(path: path))
    }
    let file = try RowFileWriter(
      path: path, format: format, component: .int32, width: ids.width, replacing: replacing,
      fileSystem: fileSystem)
    try file.append(ids)
    try file.endRows()
    if let distances { try file.appendTail(distances) }
    try file.finish()
  }
}
