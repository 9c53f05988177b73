import NeedletailCore
import NeedletailKernels
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// A live segment over the quantizer of a world, and an exact array of what it should hold.
struct LiveWorld {
  let world: World
  let segment: LiveSegment
  /// The row of the world that every id has.
  var rows: [VectorID: Int] = [:]
  var dimensions: Int { world.dimensions }

  init(_ world: World, threads: Int = 1, change: (inout LiveOptions) -> Void = { _ in }) throws {
    self.world = world
    var options = LiveOptions(world.options)
    options.rowLimit = 1 << 16
    options.threads = threads
    change(&options)
    segment = try LiveSegment(options, quantizer: Self.quantizer(world))
  }

  /// A live segment that goes on where a sealed one of all rows ends, without some of them.
  init(
    _ world: World, takingOver sealed: SealedSegment, except gone: Set<VectorID>,
    threads: Int = 1
  ) throws {
    self.world = world
    var options = LiveOptions(world.options)
    options.rowLimit = 1 << 16
    options.threads = threads
    options.growth = sealed.parameters.growth
    segment = try LiveSegment(options, quantizer: try #require(sealed.quantizer))
    let dead = try gone.map { try #require(sealed.ordinal(of: $0)) }
    try segment.takeOver(
      sealed, except: dead.isEmpty ? nil : RowSet(rows: sealed.count, ordinals: dead))
    for (row, id) in world.ids.enumerated() where !gone.contains(id) { rows[id] = row }
  }

  static func quantizer(_ world: World) throws -> Quantizer {
    try Quantizer.train(
      rows: world.source(), metric: world.options.metric,
      lossless: world.findings().losslessForm(world.options.metric), seed: 1)
  }

  func matrix(_ rows: [Int]) throws -> VectorMatrix {
    try VectorMatrix(rows.flatMap { world.row($0) }, dimensions: dimensions)
  }

  mutating func insert(_ rows: Range<Int>) throws {
    try insert(Array(rows), ids: Array(world.ids[rows]))
  }

  mutating func insert(_ rows: [Int], ids: [VectorID]) throws {
    let outcome = try segment.insert(matrix(rows), ids: ids)
    #expect(outcome.inserted == rows.count && outcome.replaced == 0)
    for (row, id) in zip(rows, ids) { self.rows[id] = row }
  }

  mutating func upsert(_ rows: [Int], ids: [VectorID]) throws {
    let known = Set(ids).filter { self.rows[$0] != nil }.count
    let outcome = try segment.upsert(matrix(rows), ids: ids)
    #expect(outcome.replaced == known && outcome.inserted == Set(ids).count - known)
    for (row, id) in zip(rows, ids) { self.rows[id] = row }
  }

  mutating func remove(_ ids: [VectorID]) throws {
    let known = Set(ids).filter { rows[$0] != nil }.count
    #expect(try segment.remove(ids).removed == known)
    for id in ids { rows[id] = nil }
  }

  func answers(
    _ query: [Float], _ parameters: SearchParameters, _ view: LiveView? = nil
  ) throws -> (neighbors: [Neighbor], outcome: SearchOutcome) {
    try segment.answers(query, parameters, view ?? segment.view())
  }

  /// The exact answers of what should be there.
  func exact(_ query: [Float], k: Int) -> [(id: VectorID, distance: Double)] {
    let all = rows.map { (id: $0.key, distance: world.distance(query, $0.value)) }
    return Array(
      all.sorted { $0.distance != $1.distance ? $0.distance < $1.distance : $0.id < $1.id }
        .prefix(k))
  }

  /// The share of the exact answers that searches give; fails for an id that is not there or is there twice.
  func recall(_ queries: [[Float]], _ parameters: SearchParameters) throws -> Double {
    var (found, wanted) = (0, 0)
    for query in queries {
      let exact = exact(query, k: parameters.k)
      let farthest = exact.last?.distance ?? 0
      let tolerance = 1e-5 * max(abs(farthest), 1e-3)
      let neighbors = try answers(query, parameters).neighbors
      #expect(Set(neighbors.map { $0.id }).count == neighbors.count, "an id twice")
      for neighbor in neighbors {
        guard let row = rows[neighbor.id] else {
          Issue.record("\(neighbor.id) is not there")
          continue
        }
        if world.distance(query, row) <= farthest + tolerance { found += 1 }
      }
      wanted += exact.count
    }
    return Double(found) / Double(max(1, wanted))
  }

  /// The share of the ids whose own vector finds them first.
  ///
  /// Under inner product a longer row may be nearer than the row itself: then the exact first one counts.
  func selfRecall(efSearch: Int = 64, every step: Int = 1) throws -> Double {
    var (found, wanted) = (0, 0)
    for (place, (id, row)) in rows.sorted(by: { $0.key < $1.key }).enumerated() {
      if place % step != 0 { continue }
      wanted += 1
      let query = world.row(row)
      let nearest = try answers(query, SearchParameters(k: 1, efSearch: efSearch)).neighbors.first
      guard let nearest, let other = rows[nearest.id] else { continue }
      let best =
        world.options.metric == .innerProduct
        ? exact(query, k: 1)[0].distance : world.distance(query, row)
      if nearest.id == id || world.distance(query, other) <= best + 1e-5 * max(1, abs(best)) {
        found += 1
      }
    }
    return Double(found) / Double(max(1, wanted))
  }

  /// Checks what must hold of the graph after every write.
  func checkGraph() throws {
    let view = segment.view()
    #expect(view.liveCount == rows.count)
    let shape = try segment.inspectGraph()
    #expect(shape.faults.isEmpty, "\(shape.faults.prefix(5))")
    #expect(shape.unreachable == 0, "rows that no way leads to")
  }
}

extension LiveSegment {
  /// Answers one query; checks that nothing is written beyond the answers.
  func answers(
    _ query: [Float], _ parameters: SearchParameters, _ view: LiveView
  ) throws(NeedletailError) -> (neighbors: [Neighbor], outcome: SearchOutcome) {
    let room = min(parameters.k, max(1, view.liveCount))
    let canary = Neighbor(id: 0xdead_beef, distance: -77)
    var answers = [Neighbor](repeating: canary, count: room + 2)
    let outcome = unsafe try search(query, parameters, view, into: &answers)
    #expect(answers.suffix(2).allSatisfy { $0 == canary }, "written over the end")
    return (Array(answers.prefix(outcome.count)), outcome)
  }
}
