import Foundation
import NeedletailCore
import NeedletailFormats
import Testing

/// The development sets, where they are: `NEEDLETAIL_SHARED`, or `../shared` beside this package.
@Suite struct RealSetTests {
  static let directory =
    (ProcessInfo.processInfo.environment["NEEDLETAIL_SHARED"]
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared").path)
    + "/datasets"

  struct Sizes: Sendable {
    var name: String
    var ending: String
    var rows: Int
    var dimensions: Int
    var element: VectorMatrix.Element
  }

  static let sets = [
    Sizes(
      name: "debian-384", ending: "fbin", rows: 61_666, dimensions: 384, element: .float32),
    Sizes(name: "recsys-64", ending: "fbin", rows: 31_448, dimensions: 64, element: .float32),
    Sizes(name: "sift-200k", ending: "u8bin", rows: 200_000, dimensions: 128, element: .uint8),
  ].filter {
    FileManager.default.fileExists(atPath: directory + "/" + $0.name + "/groundtruth.ibin")
  }

  @Test(arguments: sets) func isReadWhole(_ set: Sizes) throws {
    let path = "\(Self.directory)/\(set.name)"
    let base = try VectorMatrix(contentsOf: "\(path)/base.\(set.ending)")
    #expect(base.count == set.rows && base.dimensions == set.dimensions)
    #expect(base.element == set.element)
    let queries = try VectorMatrix(contentsOf: "\(path)/query.\(set.ending)")
    #expect(queries.count == 2000 && queries.dimensions == set.dimensions)

    let truth = try GroundTruthFile(contentsOf: "\(path)/groundtruth.ibin")
    #expect(truth.ids.count == 2000 && truth.ids.width == 100)
    try truth.checkIDs(below: base.count, path: path)
    let distances = try #require(truth.distances)
    for query in stride(from: 0, to: 2000, by: 100) {
      let row = distances[query]
      #expect(zip(row, row.dropFirst()).allSatisfy { $0 <= $1 }, "nearest first")
    }

    var stream = try VectorStream(contentsOf: "\(path)/base.\(set.ending)")
    let block = try #require(try stream.next(maxRows: 500))
    #expect(block.rowBytes == base[0..<500].rowBytes)
  }
}
