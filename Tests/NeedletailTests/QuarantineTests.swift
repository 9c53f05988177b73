import Foundation
import Needletail
import Testing
import _NeedletailTestSupport

@Suite("A damaged segment while serving")
struct QuarantineTests {
  private static let dimensions = 16
  private static let count = 1_200

  private struct World {
    let directory: TemporaryDirectory
    let rows: [Float]
    let queries: [[Float]]

    init(_ parts: [Range<Int>], live: Range<Int> = 0..<0) throws {
      let (d, count) = (QuarantineTests.dimensions, QuarantineTests.count)
      directory = try TemporaryDirectory()
      let rows = RandomVectors.clusters(count: count + 10, dimensions: d, spread: 0.5, seed: 6)
      self.rows = rows
      queries = (count..<(count + 10)).map { Array(rows[($0 * d)..<(($0 + 1) * d)]) }
      var configuration = VectorIndex.Configuration(dimensions: d, metric: .squaredEuclidean)
      configuration.graph.efConstruction = 40
      let index = try VectorIndex.create(at: directory("index"), configuration: configuration)
      func matrix(_ range: Range<Int>) throws -> VectorMatrix {
        try VectorMatrix(
          Array(rows[(range.lowerBound * d)..<(range.upperBound * d)]), dimensions: d)
      }
      for part in parts {
        var writer = try index.makeWriter()
        let attributes = part.map { Attributes(["kind": .category($0 % 2 == 0 ? "even" : "odd")]) }
        try writer.add(matrix(part), ids: part.map(VectorID.init), attributes: attributes)
        _ = try writer.commit()
      }
      if !live.isEmpty { try index.insert(matrix(live), ids: live.map(VectorID.init)) }
    }

    func open(_ placement: OpenOptions.Placement = .resident) throws -> Snapshot {
      var options = OpenOptions()
      options.codes = placement
      options.graph = placement
      options.ids = placement
      return try VectorIndex.open(at: directory("index"), options: options).snapshot()
    }

    /// Flips a bit of a segment's file in place.
    func flip(_ hash: String, at offset: UInt64) throws {
      let path = directory("index/segments/\(hash).segment")
      let file = try #require(FileHandle(forUpdatingAtPath: path))
      try file.seek(toOffset: offset)
      let byte = try #require(try file.read(upToCount: 1)?.first)
      try file.seek(toOffset: offset)
      try file.write(contentsOf: [byte ^ 0x10])
      try file.close()
    }
  }

  @Test(
    "A scrub names the segment, the section and the place",
    arguments: [OpenOptions.Placement.resident, .mapped])
  func scrub(placement: OpenOptions.Placement) throws {
    let world = try World([0..<500, 500..<800, 800..<1_200])
    let snapshot = try world.open(placement)
    let segments = snapshot.information.segments
    var sound = snapshot.scrub()
    var steps = 0
    while sound.advance(bytes: 64 << 10) { steps += 1 }
    #expect(sound.damage.isEmpty && sound.checkedByteCount <= sound.byteCount)
    #expect(sound.byteCount == segments.map(\.bytes).reduce(0, +))
    #expect(steps + 1 >= sound.byteCount / (64 << 10))
    for segment in segments { try snapshot.verifySegment(segment.hash) }
    // Everywhere in a file: the header, a section, the checksums, the footer.
    let bad = segments[1]
    for offset in [0, 9, 5_000, bad.bytes / 2, bad.bytes - 60, bad.bytes - 40, bad.bytes - 1] {
      try world.flip(bad.hash, at: UInt64(offset))
      var scrub = snapshot.scrub()
      while scrub.advance() {}
      #expect(scrub.damage.map(\.segment) == [bad.hash], "byte \(offset)")
      let error = try #require(scrub.damage.first).error
      #expect(error.code == .corrupted && error.location?.path.contains(bad.hash) == true)
      #expect(error.location?.section != nil)
      if (4_096..<(bad.bytes - 100)).contains(offset) {
        let place = try #require(error.location?.byteOffset)
        #expect(place <= UInt64(offset) && UInt64(offset) < place + 64 << 10)
      }
      let thrown = failure { try snapshot.verifySegment(bad.hash) }
      #expect(thrown?.code == .corrupted && thrown?.message == error.message)
      try snapshot.verifySegment(segments[0].hash)
      // What is left out is not looked at any more.
      var rest = snapshot.leavingOut(segments: [bad.hash]).scrub()
      while rest.advance() {}
      #expect(rest.damage.isEmpty && rest.byteCount == segments[0].bytes + segments[2].bytes)
      try world.flip(bad.hash, at: UInt64(offset))
    }
    #expect(failure { try snapshot.verifySegment("0000") }?.code == .notFound)
    let monitor = WorkMonitor()
    monitor.cancel()
    #expect(
      failure { try snapshot.verifySegment(bad.hash, monitor: monitor) }?.code == .cancelled)
  }

  @Test("Answers without a segment are right otherwise, and say so", arguments: [false, true])
  func partial(hasLive: Bool) throws {
    let world = try World(
      hasLive ? [0..<500, 500..<900] : [0..<500, 500..<900, 900..<1_200],
      live: hasLive ? 900..<1_200 : 0..<0)
    let snapshot = try world.open()
    let hashes = snapshot.information.segments.map(\.hash)
    let partial = snapshot.leavingOut(segments: [hashes[1], "of another index"])
    #expect(partial.leftOutSegments == [hashes[1]] && snapshot.leftOutSegments.isEmpty)
    #expect(partial.count == 800 && snapshot.count == 1_200)
    #expect(partial.contains(499) && !partial.contains(500) && partial.contains(900))
    #expect(partial.leavingOut(segments: [hashes[1]]).leftOutSegments == [hashes[1]])
    let options = SearchOptions(efSearch: 300)
    for query in world.queries {
      #expect(try snapshot.search(query, k: 10).completion.isComplete)
      var exact = try partial.exactSearch(query, k: 10)
      while exact.advance() {}
      #expect(exact.comparedRows == 800)
      let answer = try partial.search(query, k: 10, options: options)
      #expect(answer.completion.reasons == [.partialSegments])
      #expect(answer.neighbors.allSatisfy { !(500..<900).contains($0.id) })
      #expect(exact.recall(of: answer.neighbors) >= 0.9)
      // In whatever form it was asked for.
      var capped = options
      capped.cap = GroupCap("kind", limit: 3)
      #expect(
        try partial.search(query, k: 4, options: capped).completion.reasons == [.partialSegments])
      let radius = try #require(exact.neighbors.last).distance
      let within = try partial.search(query, within: radius, limit: 500, options: options)
      #expect(within.completion.reasons == [.partialSegments])
      #expect(within.neighbors.count >= 9)
      var budgeted = options
      budgeted.budget = SearchBudget(evaluations: 70)
      #expect(
        try partial.search(query, k: 4, options: budgeted).completion.reasons
          .isSuperset(of: [.partialSegments, .evaluations]))
    }
    // A radius that takes several steps: the label does not end them.
    let all = try partial.search(world.queries[0], within: .infinity, limit: 300, options: options)
    #expect(all.neighbors.count == 300)
    let queries = try VectorMatrix(world.queries.flatMap(\.self), dimensions: Self.dimensions)
    for result in try partial.search(batch: queries, k: 5, threads: 2) {
      #expect(result.completion.reasons == [.partialSegments] && result.neighbors.count == 5)
    }
    for result in try snapshot.search(batch: queries, k: 5, threads: 2) {
      #expect(result.completion.isComplete)
    }
  }

  @Test("Filters are compiled for the partial view")
  func filters() throws {
    let world = try World([0..<500, 500..<900, 900..<1_200])
    let snapshot = try world.open()
    let hash = snapshot.information.segments[0].hash
    let partial = snapshot.leavingOut(segments: [hash])
    let odd = attribute("kind") == "odd"
    let filter = try partial.compile(odd)
    #expect(filter.count == 350)
    let (query, whole) = (world.queries[3], try snapshot.compile(odd))
    #expect(failure { _ = try partial.search(query, k: 3, filter: whole) } != nil)
    #expect(failure { _ = try snapshot.search(query, k: 3, filter: filter) } != nil)
    let answer = try partial.search(query, k: 10, filter: filter)
    #expect(answer.completion.reasons == [.partialSegments])
    #expect(answer.neighbors.count == 10)
    #expect(answer.neighbors.allSatisfy { $0.id % 2 == 1 && $0.id >= 500 })
    // A filter of what is left out alone.
    let none = try partial.compile(.allow([1, 2, 3]))
    let empty = try partial.search(query, k: 10, filter: none)
    #expect(empty.neighbors.isEmpty && empty.completion.reasons == [.partialSegments])
  }

  @Test("Without its only segment an index gives empty answers that say why")
  func nothingLeft() throws {
    let world = try World([0..<1_200])
    let snapshot = try world.open(.mapped)
    let partial = snapshot.leavingOut(segments: Set(snapshot.information.segments.map(\.hash)))
    let query = world.queries[0]
    #expect(partial.count == 0 && partial.ids.isEmpty && !partial.contains(1))
    let answer = try partial.search(query, k: 10)
    #expect(answer.neighbors.isEmpty && answer.completion.reasons == [.partialSegments])
    let filter = try partial.compile(.allow([1]))
    #expect(filter.count == 0)
    let filtered = try partial.search(query, k: 10, filter: filter)
    #expect(filtered.neighbors.isEmpty && filtered.completion.reasons == [.partialSegments])
    let queries = try VectorMatrix(query + query, dimensions: Self.dimensions)
    for result in try partial.search(batch: queries, k: 5) {
      #expect(result.neighbors.isEmpty && result.completion.reasons == [.partialSegments])
    }
    var capped = SearchOptions()
    capped.cap = GroupCap("kind", limit: 3)
    #expect(try partial.search(query, k: 4, options: capped).neighbors.isEmpty)
    // Bad queries are refused all the same.
    #expect(failure { _ = try partial.search([1], k: 1) }?.code == .dimensionMismatch)
    let wrong = query.map { $0 * .nan }
    #expect(failure { _ = try partial.search(wrong, k: 1) }?.code == .nonFiniteComponent)
    var exact = try partial.exactSearch(query, k: 4)
    while exact.advance() {}
    #expect(exact.neighbors.isEmpty)
    #expect(try partial.exportAll().count == 0)
    #expect(try partial.warmUp().residency == 1)
    var scrub = partial.scrub()
    #expect(scrub.isDone && scrub.byteCount == 0)
    scrub.advance()
    // The snapshot itself is as it was.
    #expect(try snapshot.search(query, k: 10).completion.isComplete)
  }
}
