import NeedletailCore
import NeedletailKernels
import Synchronization
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Readers beside a writer; also run under ThreadSanitizer, which finds these by their name.
@Suite("A live segment with concurrent readers")
struct LiveConcurrencyTests {
  private static let ids = 400
  private static let dimensions = 16

  /// Version `version` of an id: near its place, far from all others, with the version in the last component.
  private static func vector(_ id: Int, _ version: Int, _ places: [Float]) -> [Float] {
    var row = Array(places[(id * dimensions)..<((id + 1) * dimensions)])
    row[dimensions - 1] = Float(version) * 0.001
    return row
  }

  @Test("Every answer is of its view: one version of an id, the right one")
  func concurrentReaders() throws {
    let d = Self.dimensions
    let places = RandomVectors.gaussian(count: Self.ids, dimensions: d, seed: 31).map { $0 * 10 }
    let world = World(.squaredEuclidean, places, dimensions: d, m: 8, ef: 40)
    var options = LiveOptions(world.options)
    options.rowLimit = 1 << 16
    options.threads = 2
    let segment = try LiveSegment(options, quantizer: LiveWorld.quantizer(world))
    // What every write left: the version of each id, −1 for one that was removed.
    let history = Guarded<[[Int]]>([Array(repeating: -1, count: Self.ids)])
    let isDone = Atomic<Bool>(false)
    let searches = Atomic<Int>(0)
    let misses = Atomic<Int>(0)
    try parallelFor(threads: 4, count: 4) { (_, role) throws(NeedletailError) in
      if role == 0 {
        defer { isDone.store(true, ordering: .releasing) }
        try Self.write(segment, places, history)
      } else {
        var random = SplitMix64(seed: UInt64(role))
        var rounds = 0
        while !isDone.load(ordering: .acquiring) || rounds < 20 {
          rounds += 1
          let (searched, missed) = try Self.read(segment, places, history, &random)
          searches.wrappingAdd(searched, ordering: .relaxed)
          misses.wrappingAdd(missed, ordering: .relaxed)
        }
      }
    }
    let (searched, missed) = (
      searches.load(ordering: .relaxed), misses.load(ordering: .relaxed)
    )
    #expect(searched > 0 && missed * 1000 <= searched, "\(missed) of \(searched) not found")
    #expect(try segment.inspectGraph().faults.isEmpty)
  }

  private static func write(
    _ segment: LiveSegment, _ places: [Float], _ history: borrowing Guarded<[[Int]]>
  ) throws(NeedletailError) {
    var random = SplitMix64(seed: 99)
    var versions = Array(repeating: -1, count: ids)
    for step in 0..<(Effort.isLong ? 600 : 120) {
      let share = 1 + Int(random.next(below: 40))
      var chosen: Set<Int> = []
      for _ in 0..<share { chosen.insert(Int(random.next(below: UInt64(ids)))) }
      let list = chosen.sorted()
      // The history is written before the write is shown: no reader sees a moment that is not in it.
      if step > 10, step % 3 == 0 {
        for id in list { versions[id] = -1 }
        history.withLock { $0.append(versions) }
        _ = try segment.remove(list.map { VectorID($0) })
      } else {
        for id in list { versions[id] = step }
        history.withLock { $0.append(versions) }
        let rows = try VectorMatrix(
          list.flatMap { vector($0, step, places) }, dimensions: dimensions)
        _ = try segment.upsert(rows, ids: list.map { VectorID($0) })
      }
    }
  }

  private static func read(
    _ segment: LiveSegment, _ places: [Float], _ history: borrowing Guarded<[[Int]]>,
    _ random: inout SplitMix64
  ) throws(NeedletailError) -> (searched: Int, missed: Int) {
    let view = segment.view()
    let versions = history.withLock { $0[Int(view.sequence)] }
    #expect(view.liveCount == versions.count { $0 >= 0 })
    var missed = 0
    for _ in 0..<20 {
      let id = Int(random.next(below: UInt64(ids)))
      let query = vector(id, max(0, versions[id]), places)
      let found = try segment.answers(query, SearchParameters(k: 5, efSearch: 40), view).neighbors
      #expect(Set(found.map { $0.id }).count == found.count, "one version of an id")
      for neighbor in found {
        let version = versions[Int(neighbor.id)]
        guard version >= 0 else {
          Issue.record("\(neighbor.id) is not in the view")
          continue
        }
        // The distance tells the version that was answered.
        let row = vector(Int(neighbor.id), version, places)
        let exact = zip(row, query).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        #expect(abs(neighbor.distance - exact) <= 1e-5 * max(1, exact) + 1e-7)
      }
      if versions[id] >= 0, found.first?.id != VectorID(id) { missed += 1 }
    }
    return (20, missed)
  }

  @Test("A segment that is being filled is searched by concurrent readers")
  func concurrentFilling() throws {
    let count = Effort.isLong ? 20_000 : 3000
    let components = RandomVectors.clusters(count: count, dimensions: 16, clusters: 20, seed: 41)
    let world = World(.cosine, components, dimensions: 16, m: 8, ef: 40)
    var options = LiveOptions(world.options)
    options.rowLimit = 1 << 16
    let segment = try LiveSegment(options, quantizer: LiveWorld.quantizer(world))
    let isDone = Atomic<Bool>(false)
    let misses = Atomic<Int>(0)
    let searches = Atomic<Int>(0)
    let matrix = try world.matrix()
    try parallelFor(threads: 3, count: 3) { (_, role) throws(NeedletailError) in
      if role == 0 {
        defer { isDone.store(true, ordering: .releasing) }
        for row in 0..<count {
          _ = try segment.insert(matrix[row..<(row + 1)], ids: [world.ids[row]])
        }
        return
      }
      var random = SplitMix64(seed: UInt64(role))
      while !isDone.load(ordering: .acquiring) {
        let view = segment.view()
        guard view.count > 0 else { continue }
        let row = Int(random.next(below: UInt64(view.count)))
        let found = try segment.answers(
          world.row(row), SearchParameters(k: 3, efSearch: 40), view
        ).neighbors
        #expect(found.allSatisfy { id in world.ids[..<view.count].contains(id.id) })
        searches.wrappingAdd(1, ordering: .relaxed)
        if found.first?.id != world.ids[row] { misses.wrappingAdd(1, ordering: .relaxed) }
      }
    }
    let (searched, missed) = (
      searches.load(ordering: .relaxed), misses.load(ordering: .relaxed)
    )
    #expect(missed * 200 <= searched, "\(missed) of \(searched) not found")
  }
}
