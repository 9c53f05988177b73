import Foundation
import Testing
import _NeedletailTestSupport

@testable import Needletail

@Suite("Bounds of what is written")
struct WritingBoundsTests {
  private static let dimensions = 16
  private let home: TemporaryDirectory

  init() throws { home = try TemporaryDirectory() }

  private func rows(_ count: Int, seed: UInt64) throws -> VectorMatrix {
    try VectorMatrix(
      RandomVectors.clusters(count: count, dimensions: Self.dimensions, seed: seed),
      dimensions: Self.dimensions)
  }

  private func index(
    _ metric: Metric = .cosine, change: (inout OpenOptions) -> Void = { _ in }
  ) throws -> VectorIndex {
    var configuration = VectorIndex.Configuration(dimensions: Self.dimensions, metric: metric)
    configuration.graph.efConstruction = 40
    var options = OpenOptions()
    change(&options)
    return try VectorIndex.create(
      at: home("index"), configuration: configuration, options: options)
  }

  @Test("Statistics say how many rows a search scored because they are not linked yet")
  func unlinked() throws {
    let index = try index()
    let all = try rows(600, seed: 1)
    try index.upsert(all, ids: 0..<600)
    #expect(try index.snapshot().search(all[0].map { $0 }, k: 1).statistics.unlinkedCount == 0)
    try index.stopWriting()
    let opened = try VectorIndex.open(at: home("index"))
    let result = try opened.snapshot().search(all[7].map { $0 }, k: 3)
    #expect(result.statistics.unlinkedCount == 600 && result.neighbors[0].id == 7)
    try opened.remove([9_999])
    let maintenance = try opened.startMaintenance()
    while try opened.snapshot().search(all[7].map { $0 }, k: 1).statistics.unlinkedCount > 0 {
      Thread.sleep(forTimeInterval: 0.001)
    }
    maintenance.stop()
    #expect(maintenance.status.unlinkedCount == 0)
  }

  @Test("No limit on evaluations is too large")
  func limits() throws {
    let index = try index()
    let all = try rows(900, seed: 2)
    try index.upsert(all, ids: 0..<900)
    for limit in [1, 10, 10_000, Int.max - 1, Int.max] {
      var options = SearchOptions()
      options.budget = SearchBudget(evaluations: limit)
      let found = try index.snapshot().search(all[3].map { $0 }, k: 5, options: options)
      #expect(limit < 10_000 || found.neighbors.first?.id == 3)
    }
  }

  @Test("An insert refuses an id that stands twice in it, and nothing of it is there")
  func twice() throws {
    let index = try index()
    let error = #expect(throws: NeedletailError.self) {
      try index.insert(try rows(3, seed: 3), ids: [5, 6, 5])
    }
    #expect(error?.code == .alreadyExists)
    #expect(error?.message.contains("row 2") ?? false)
    #expect(try index.snapshot().count == 0)
    // Of an upsert the last counts.
    try index.upsert(try rows(3, seed: 3), ids: [5, 6, 5])
    #expect(try index.snapshot().ids == [5, 6])
  }

  @Test("Rows that are added in bulk may have no id that is in memory")
  func bulk() throws {
    let index = try index()
    try index.upsert(try rows(3, seed: 7), ids: [1, 2, 3])
    try index.remove([2])
    var writer = try index.makeWriter()
    let error = failure { try writer.add(try rows(3, seed: 8), ids: [4, 2, 3]) }
    #expect(error?.code == .alreadyExists)
    #expect(error?.message.contains("id 3") ?? false)
    try writer.add(try rows(2, seed: 8), ids: [4, 2])
    #expect(try writer.commit().ids == [1, 2, 3, 4])
  }

  @Test("An insert that was made before is skipped, though its ids are there")
  func repeated() throws {
    let index = try index()
    let batch = try rows(3, seed: 4)
    let options = WriteOptions(offset: SourceOffset(source: "s", position: 10))
    #expect(try index.insert(batch, ids: 0..<3, options: options).sequence == 1)
    #expect(try index.insert(batch, ids: 0..<3, options: options).isRepeated)
    let next = WriteOptions(offset: SourceOffset(source: "s", position: 11))
    let error = #expect(throws: NeedletailError.self) {
      try index.insert(batch, ids: 0..<3, options: next)
    }
    #expect(error?.code == .alreadyExists)
  }

  @Test("Whole numbers of different ranges, and others, may come by turns")
  func forms() throws {
    let index = try index(.squaredEuclidean)
    var random = SplitMix64(seed: 5)
    var all: [[Float]] = []
    for turn in 0..<60 {
      let row = (0..<Self.dimensions).map { _ -> Float in
        switch turn % 4 {
        case 0: Float(random.next(below: 128))
        case 1: Float(random.next(below: 256))
        case 2: Float(random.next(below: 256)) - 128
        default: Float(random.next(below: 1_000)) / 7
        }
      }
      all.append(row)
      try index.upsert(
        try VectorMatrix(row, dimensions: Self.dimensions), ids: [UInt64(turn)])
    }
    let snapshot = try index.snapshot()
    for (id, row) in all.enumerated() {
      let nearest = try snapshot.search(row, k: 1).neighbors[0]
      #expect(nearest.id == UInt64(id) && nearest.distance == 0)
    }
  }

  @Test("A log of removals alone stays within its bound")
  func removals() throws {
    let index = try index { $0.writing.logByteLimit = 20_000 }
    try index.upsert(try rows(50, seed: 6), ids: 0..<50)
    for turn in 0..<40 {
      try index.remove((0..<200).map { UInt64(1_000 + 200 * turn + $0) })
      let log = home("index") + "/log"
      let sizes = try FileManager.default.contentsOfDirectory(atPath: log).map {
        try FileManager.default.attributesOfItem(atPath: log + "/" + $0)[.size] as? Int ?? 0
      }
      #expect(sizes.reduce(0, +) < 24_000)
    }
    #expect(try index.snapshot().count == 50)
  }

  @Test("Memory that is full is emptied by a seal, and opening takes what was acknowledged")
  func memory() throws {
    let index = try index { $0.writing.memoryLimit = 4 << 20 }
    for turn in 0..<24 {
      let first = UInt64(turn) * 1_000
      try index.upsert(try rows(1_000, seed: UInt64(turn)), ids: first..<(first + 1_000))
    }
    #expect(try index.snapshot().count == 24_000)
    #expect(try index.snapshot().generation > 1, "nothing was sealed")
    try index.stopWriting()
    var options = OpenOptions()
    options.writing.memoryLimit = 1 << 16
    #expect(try VectorIndex.open(at: home("index"), options: options).snapshot().count == 24_000)
  }

  @Test("Writing can be stopped and begun while an index is looked after")
  func stopping() throws {
    let index = try index()
    var looking = MaintenanceOptions()
    looking.sealCount = 50
    looking.interval = .zero
    for turn in 0..<10 {
      let first = UInt64(turn) * 100
      try index.upsert(try rows(100, seed: UInt64(turn)), ids: first..<(first + 100))
      let maintenance = try index.startMaintenance(looking)
      try index.stopWriting()
      try index.upsert(try rows(1, seed: 99), ids: [first])
      maintenance.stop()
    }
    #expect(try index.snapshot().ids == Array(0..<1_000))
    try index.stopWriting()
    #expect(try VectorIndex.verify(at: home("index")).isSound)
    #expect(try VectorIndex.open(at: home("index")).snapshot().count == 1_000)
  }
}
