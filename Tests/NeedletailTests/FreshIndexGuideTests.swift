import Needletail
import Testing
import _NeedletailTestSupport

// The examples of the guide "Keep an index fresh", as they stand there: when this file compiles, they do.

/// Makes an index and keeps it fresh.
func keepFresh(at path: String, _ day: [[Float]]) throws -> VectorIndex {
  // [begin]
  let configuration = VectorIndex.Configuration(dimensions: 384, metric: .cosine)
  let index = try VectorIndex.create(at: path, configuration: configuration)
  let maintenance = try index.startMaintenance()  // links, seals and merges; stops when dropped

  let rows = try VectorMatrix(day.flatMap(\.self), dimensions: 384)
  let price = Attributes(["price": .real(19.9), "seller": .category("acme")])
  let items = Array(repeating: price, count: rows.count)
  try index.upsert(rows, ids: 0..<UInt64(rows.count), attributes: items)
  try index.remove([3, 4])

  let snapshot = try index.snapshot()  // shows all of it, and nothing that comes later
  let nearest = try snapshot.search(day[0], k: 10)
  for neighbor in nearest.neighbors { print(neighbor.id, neighbor.distance) }
  // [end]
  maintenance.stop()
  return index
}

/// Hides items at once.
func hide(_ index: VectorIndex, _ snapshot: Snapshot) throws {
  // [begin]
  try index.withdraw([7])  // no search that begins now shows it, in `snapshot` neither
  try index.reinstate([7])
  // [end]
}

/// Goes on with a stream where it stopped.
func consume(_ index: VectorIndex, _ stream: [(offset: UInt64, id: VectorID, row: [Float])]) throws
{
  // [begin]
  let done = index.sourceOffsets["orders"] ?? 0
  for message in stream where message.offset > done {
    let row = try VectorMatrix(message.row, dimensions: 384)
    let offset = SourceOffset(source: "orders", position: message.offset)
    try index.upsert(row, ids: [message.id], options: WriteOptions(offset: offset))
  }
  // [end]
}

/// Seals, merges, and goes back.
func goBack(_ index: VectorIndex) throws {
  // [begin]
  let good = try index.snapshot().generation
  try index.compact(CompactionOptions(.full))
  try index.rollback(to: good)  // a new generation, with the content and the offsets of `good`
  // [end]
}

@Suite("Keep an index fresh")
struct FreshIndexGuideTests {
  @Test("Every Swift example of the guide stands in this file, line by line")
  func examples() throws {
    let examples = try DocumentedExamples(
      of: "Sources/Needletail/Documentation.docc/Guides/KeepAnIndexFresh.md")
    #expect(examples.blocks.count >= 4)
    #expect(try examples.missing() == [])
  }

  @Test("They do what the guide says")
  func run() throws {
    let home = try TemporaryDirectory()
    let rows = RandomVectors.clusters(count: 60, dimensions: 384, seed: 3)
    let day = (0..<60).map { Array(rows[($0 * 384)..<(($0 + 1) * 384)]) }
    let index = try keepFresh(at: home("index"), day)
    let snapshot = try index.snapshot()
    #expect(snapshot.count == 58)
    try hide(index, snapshot)
    #expect(try snapshot.search(day[7], k: 1).neighbors.first?.id == 7)
    let stream = [3, 4].map { (offset: UInt64($0), id: VectorID($0), row: day[$0]) }
    try consume(index, stream)
    try consume(index, stream)
    #expect(index.sourceOffsets == ["orders": 4])
    #expect(try index.snapshot().count == 60)
    // Nothing is sealed yet, and nobody looks after the index any more: the generation in use is the empty first one.
    #expect(try index.snapshot().generation == 1)
    try goBack(index)
    #expect(try index.snapshot().count == 0 && index.sourceOffsets.isEmpty)
    try consume(index, stream)
    try index.compact()
    try goBack(index)
    #expect(try index.snapshot().ids == [3, 4] && index.sourceOffsets == ["orders": 4])
  }
}
