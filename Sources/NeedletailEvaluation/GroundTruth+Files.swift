public import NeedletailCore
import NeedletailFormats

extension GroundTruth {
  /// Reads a file of row numbers: `.ibin` (with or without distances), `.ivecs` or `.npy`.
  ///
  /// - Parameter path: The file.
  /// - Throws: `notFound`, `io`, `unsupportedFormat`; `corrupted` when header and length contradict
  ///   each other or a row number is negative.
  public init(contentsOf path: String) throws(NeedletailError) {
    let file = try GroundTruthFile(contentsOf: path)
    let width = file.ids.width
    var rows: [Int] = []
    rows.reserveCapacity(file.ids.count * width)
    for query in 0..<file.ids.count {
      for rank in 0..<width { rows.append(Int(file.ids[query, rank])) }
    }
    var distances: [Float]?
    if let stored = file.distances {
      distances = (0..<stored.count).flatMap { stored[$0] }
    }
    do {
      try self.init(rows: rows, distances: distances, width: width)
    } catch {
      throw NeedletailError(error.code, error.message, at: .init(path: path))
    }
  }

  /// Writes the row numbers, and to `.ibin` the distances; the file appears whole or not at all.
  ///
  /// - Parameter path: An `.ibin`, `.ivecs` or `.npy` file that does not exist.
  /// - Throws: `alreadyExists`, `unsupportedFormat`, `io`; `capacityExceeded` for row numbers that 32
  ///   bits do not hold.
  public func write(to path: String) throws(NeedletailError) {
    var numbers: [Int32] = []
    numbers.reserveCapacity(rows.count)
    for row in rows {
      guard let number = Int32(exactly: row) else {
        throw NeedletailError(
          .capacityExceeded, "Row number \(row) does not fit the 32 bits of the format.",
          at: .init(path: path))
      }
      numbers.append(number)
    }
    let holdsDistances = VectorFileFormat(pathExtension: path) == .ibin
    var stored: VectorMatrix?
    if holdsDistances, let distances { stored = try VectorMatrix(distances, dimensions: width) }
    let file = try GroundTruthFile(ids: try IntegerMatrix(numbers, width: width), distances: stored)
    try file.write(to: path)
  }
}
