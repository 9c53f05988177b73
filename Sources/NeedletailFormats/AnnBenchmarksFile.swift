package import NeedletailCore
import NeedletailStorage

/// The named arrays of a data set in the HDF5 layout of ann-benchmarks.
///
/// Reading needs libhdf5 and the trait `HDF5`; without it `init` throws and says how to build. Calls
/// from several threads wait for each other: the library is not safe for threads. A damaged file is
/// libhdf5's to judge, so give it files you trust; they are read to be converted, not to be served.
///
/// - Source: the layout is that of ann-benchmarks.com.
package final class AnnBenchmarksFile: Sendable {
  /// An array of the file.
  package enum Dataset: String, Sendable, Hashable, CaseIterable {
    /// The base, `[n, d]`.
    case train
    /// The queries, `[q, d]`.
    case test
    /// The rows nearest to each query, `[q, k]`.
    case neighbors
    /// Their distances, `[q, k]`; Euclidean ones are not squared.
    case distances
  }

  /// The shape of an array.
  package struct Shape: Sendable, Hashable {
    /// The number of rows.
    package let count: Int
    /// Numbers per row.
    package let width: Int
  }

  /// The file.
  package let path: String
  /// The file's attribute `distance`: `euclidean`, `angular`, `dot` and others.
  package let distance: String?
  private let file: HDF5File

  /// Opens a file.
  ///
  /// - Throws: `unsupportedFormat` when this program was built without the trait `HDF5`, or the file
  ///   isn't HDF5; `notFound`; `io`.
  package init(contentsOf path: String) throws(NeedletailError) {
    self.path = path
    file = try HDF5File(path)
    distance = try file.attribute("distance")
  }

  /// What the attribute `distance` means here; `nil` for distances that Needletail doesn't have.
  package var metric: Metric? {
    switch distance {
    case "euclidean": .squaredEuclidean
    case "angular": .cosine
    case "dot", "ip", "innerproduct": .innerProduct
    default: nil
    }
  }

  /// The shape of an array; `nil` when the file has no such array.
  ///
  /// - Throws: `unsupportedFormat` when it isn't a matrix; `corrupted`; `capacityExceeded`.
  package func shape(of dataset: Dataset) throws(NeedletailError) -> Shape? {
    try file.shape(dataset.rawValue, limit: limit(dataset))
  }

  /// Reads rows of `train`, `test` or `distances`, as `float32` or, where the file has bytes, bytes.
  ///
  /// - Throws: `notFound` when the file has no such array; `unsupportedFormat` for other types;
  ///   `invalidConfiguration` when the rows aren't in the array; `io`.
  package func vectors(
    _ dataset: Dataset, rows: Range<Int>
  ) throws(NeedletailError) -> VectorMatrix {
    let element = try file.element(dataset.rawValue)
    let shape = try check(dataset, rows)
    let block = try MemoryBlock(count: rows.count, stride: shape.width * element.byteCount)
    if !rows.isEmpty {
      try file.read(dataset.rawValue, rows: rows, width: shape.width, as: element, into: block)
    }
    guard let start = unsafe block.bytes.baseAddress else {
      throw NeedletailError(.io, "A block of memory has no address.")
    }
    // SAFETY: the block has room for exactly these rows.
    return unsafe VectorMatrix(
      owner: block, baseAddress: start, count: rows.count, dimensions: shape.width,
      element: element, rowByteStride: shape.width * element.byteCount)
  }

  /// Reads rows of `neighbors`, of any integer type.
  ///
  /// - Throws: as `vectors`, and `corrupted` for a row number that 32 bits don't hold.
  package func neighbors(rows: Range<Int>) throws(NeedletailError) -> IntegerMatrix {
    let shape = try check(.neighbors, rows)
    let wide = try MemoryBlock(count: rows.count, stride: shape.width * 8)
    let name = Dataset.neighbors.rawValue
    if !rows.isEmpty {
      try file.readIntegers(name, rows: rows, width: shape.width, into: wide)
    }
    let block = try MemoryBlock(count: rows.count, stride: shape.width * 4)
    for j in 0..<(rows.count * shape.width) {
      // SAFETY: both blocks have a place for each number.
      let number = unsafe wide.bytes.load(fromByteOffset: j * 8, as: Int64.self)
      guard let id = Int32(exactly: number) else {
        throw FileFault(path: path).corrupted(
          "Answer \(j % shape.width) to query \(rows.lowerBound + j / shape.width) is row "
            + "\(number), which 32 bits don't hold.", in: name)
      }
      unsafe block.mutableBytes.storeBytes(of: id, toByteOffset: j * 4, as: Int32.self)
    }
    return try IntegerMatrix(block, count: rows.count, width: shape.width)
  }

  /// The answers that the file states; Euclidean distances are squared, as Needletail's are.
  ///
  /// - Throws: as `vectors`, and `corrupted` when ids and distances differ in shape.
  package func groundTruth() throws(NeedletailError) -> GroundTruthFile {
    let shape = try require(.neighbors)
    let ids = try neighbors(rows: 0..<shape.count)
    guard let stated = try self.shape(of: .distances) else {
      return try GroundTruthFile(ids: ids, distances: nil)
    }
    guard stated == shape else {
      throw FileFault(path: path).corrupted(
        "neighbors is \(shape.count) x \(shape.width), distances \(stated.count) x "
          + "\(stated.width).", in: "distances")
    }
    let distances = try vectors(.distances, rows: 0..<stated.count)
    guard distance == "euclidean" else {
      return try GroundTruthFile(ids: ids, distances: distances)
    }
    var squared: [Float] = []
    squared.reserveCapacity(stated.count * stated.width)
    for row in 0..<stated.count { squared += distances[row].map { $0 * $0 } }
    return try GroundTruthFile(
      ids: ids, distances: try VectorMatrix(squared, dimensions: stated.width))
  }

  /// Writes `train` or `test` to a file, block by block, in bounded memory.
  ///
  /// - Throws: as `vectors` and `VectorFileWriter`; `cancelled`. Nothing remains of the file then.
  package func write(
    _ dataset: Dataset, to path: String, replacing: Bool = false, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) {
    let shape = try require(dataset)
    let element = try file.element(dataset.rawValue)
    let isArray = VectorFileFormat(pathExtension: path) == .npy
    var writer = try VectorFileWriter(
      path: path, dimensions: shape.width, element: isArray ? element : nil, replacing: replacing)
    let step = max(1, (8 << 20) / (shape.width * element.byteCount))
    monitor?.begin("converting", total: shape.count)
    var row = 0
    while row < shape.count {
      let rows = row..<min(row + step, shape.count)
      try writer.append(try vectors(dataset, rows: rows))
      try monitor?.advance(by: rows.count)
      row = rows.upperBound
    }
    try writer.finish()
  }

  private func limit(_ dataset: Dataset) -> Int {
    dataset == .train || dataset == .test ? Limits.dimensions : Limits.neighborsPerQuery
  }

  private func require(_ dataset: Dataset) throws(NeedletailError) -> Shape {
    if let shape = try shape(of: dataset) { return shape }
    throw NeedletailError(
      .notFound, "The file has no array '\(dataset.rawValue)'; is it from ann-benchmarks?",
      at: .init(path: path, section: dataset.rawValue))
  }

  private func check(_ dataset: Dataset, _ rows: Range<Int>) throws(NeedletailError) -> Shape {
    let shape = try require(dataset)
    guard rows.lowerBound >= 0, rows.upperBound <= shape.count else {
      throw NeedletailError(
        .invalidConfiguration, "Rows \(rows) are not in 0..<\(shape.count).",
        at: .init(path: path, section: dataset.rawValue))
    }
    return shape
  }

  /// The error of a build without libhdf5.
  static func missingSupport(_ path: String) -> NeedletailError {
    NeedletailError(
      .unsupportedFormat,
      "This program was built without HDF5. Install libhdf5-dev and build it with: "
        + "swift build -c release --traits Tools,HDF5", at: .init(path: path))
  }
}

#if !HDF5
  /// The library is not there: nobody can have one of these.
  struct HDF5File: Sendable {
    private let never: Never

    init(_ path: String) throws(NeedletailError) { throw AnnBenchmarksFile.missingSupport(path) }

    func attribute(_ name: String) throws(NeedletailError) -> String? { switch never {} }
    func shape(
      _ name: String, limit: Int
    ) throws(NeedletailError) -> AnnBenchmarksFile.Shape? { switch never {} }
    func element(_ name: String) throws(NeedletailError) -> VectorMatrix.Element { switch never {} }
    func read(
      _ name: String, rows: Range<Int>, width: Int, as element: VectorMatrix.Element,
      into block: MemoryBlock
    ) throws(NeedletailError) { switch never {} }
    func readIntegers(
      _ name: String, rows: Range<Int>, width: Int, into block: MemoryBlock
    ) throws(NeedletailError) { switch never {} }
  }
#endif
