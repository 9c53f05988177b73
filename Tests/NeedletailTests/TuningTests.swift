import Foundation
import Needletail
import Testing
import _NeedletailTestSupport

/// Asking for a recall instead of a width.
@Suite("Tuning")
struct TuningTests {
  @Test(
    "An index that nobody tuned refuses a recall and says what to do", arguments: Metric.allCases)
  func untuned(metric: Metric) throws {
    let (index, queries) = try IndexOnDisk.clusters(metric)
    #expect(index.snapshot.tuning == nil && index.snapshot.information.tuning == nil)
    let options = SearchOptions(recall: 0.9)
    for error in [
      failure { _ = try index.snapshot.search(queries[0], k: 5, options: options) },
      failure { _ = try index.snapshot.search(batch: queries, k: 5, options: options) },
      failure { _ = try index.snapshot.efSearch(reaching: 0.9, k: 5) },
    ] {
      #expect(error?.code == .notFound)
      #expect(error?.message.contains("needletail tune") == true)
    }
  }

  @Test("A recall that is none is refused, tuned or not")
  func impossible() throws {
    let (index, queries) = try IndexOnDisk.clusters(.cosine)
    for recall in [0, -1, 1.01, .nan, .infinity] {
      let error = failure {
        _ = try index.snapshot.search(queries[0], k: 5, options: SearchOptions(recall: recall))
      }
      #expect(error?.code == .invalidConfiguration, "\(recall)")
    }
  }

  @Test("Tuning publishes a generation; open snapshots keep theirs, new ones have the settings")
  func generations() throws {
    let (index, queries) = try IndexOnDisk.clusters(.squaredEuclidean)
    let opened = try VectorIndex.open(at: index.path)
    let before = try opened.snapshot()
    let monitor = WorkMonitor()
    let tuned = try opened.tune(threads: 2, monitor: monitor)
    #expect(monitor.progress.phase == "publishing")
    let tuning = try #require(tuned.tuning)
    #expect(tuning.source == .rows && tuning.k == 10 && !tuning.settings.isEmpty)
    #expect(tuning.kernelLevel == VectorIndex.kernelLevel)
    #expect(before.tuning == nil && before.information.generation == 1)
    #expect(tuned.information.generation == 2 && tuned.information.tuning == tuning)
    #expect(tuned.information.segments == before.information.segments)
    #expect(try opened.snapshot().tuning == tuning)
    let again = try VectorIndex.open(at: index.path)
    #expect(try again.snapshot().tuning == tuning)
    #expect(try VectorIndex.verify(at: index.path).isSound)
    let width = try tuned.efSearch(reaching: 0.9, k: 10)
    let result = try tuned.search(queries[0], k: 10, options: SearchOptions(recall: 0.9))
    #expect(result.statistics.efSearch == width)
    #expect(result.neighbors.count == 10)
    let batch = try tuned.search(batch: queries, k: 10, options: SearchOptions(recall: 0.9))
    #expect(batch.allSatisfy { $0.statistics.efSearch == width })
    // A third generation, of an index that was opened before the second.
    var options = TuningOptions()
    options.queries = queries
    #expect(try VectorIndex.open(at: index.path).tune(options).tuning?.source == .queries)
    #expect(try VectorIndex.open(at: index.path).snapshot().information.generation == 3)
  }

  @Test("A commit that tunes gives settings at once, in the first generation")
  func commit() throws {
    let directory = try TemporaryDirectory()
    let rows = try RandomVectors.clusterMatrix(count: 600, dimensions: 8, seed: 3)
    let index = try VectorIndex.create(
      at: directory("i"), configuration: .init(dimensions: 8, metric: .cosine))
    var writer = try index.makeWriter()
    try writer.add(rows, ids: 0..<600)
    let locked = failure { _ = try index.tune() }
    #expect(locked?.code == .notFound, "nothing is committed yet")
    let snapshot = try writer.commit(tuning: TuningOptions())
    #expect(snapshot.tuning != nil && snapshot.information.generation == 1)
    _ = try snapshot.search(rows[5], k: 3, options: SearchOptions(recall: 0.95))
    // Rows beside those that are there get settings of their own, in a generation behind theirs.
    var next = try index.makeWriter()
    try next.add(
      try RandomVectors.clusterMatrix(count: 900, dimensions: 8, seed: 4), ids: 600..<1_500)
    let tuned = try next.commit(tuning: TuningOptions())
    #expect(tuned.count == 1_500 && tuned.information.generation == 3)
    #expect(tuned.tuning != nil && tuned.tuning != snapshot.tuning)
  }

  @Test("Few rows need no tuning: every recall is theirs")
  func few() throws {
    let (index, queries) = try IndexOnDisk.clusters(.cosine, count: 200)
    let opened = try VectorIndex.open(at: index.path)
    let snapshot = try opened.tune()
    #expect(snapshot.tuning == nil && snapshot.information.generation == 1)
    let result = try snapshot.search(queries[0], k: 10, options: SearchOptions(recall: 1))
    #expect(result.statistics.evaluations == 200)
  }

  @Test("True neighbours come as ids")
  func trueNeighbors() throws {
    let (index, queries) = try IndexOnDisk.clusters(.cosine)
    let opened = try VectorIndex.open(at: index.path)
    var options = TuningOptions()
    options.queries = queries
    options.trueNeighbors = try (0..<queries.count).map {
      try index.snapshot.search(queries[$0], k: 10, options: SearchOptions(efSearch: 5_000))
        .neighbors.map(\.id)
    }
    let tuned = try #require(try opened.tune(options).tuning)
    options.trueNeighbors = nil
    #expect(try opened.tune(options).tuning?.settings.map(\.recall) == tuned.settings.map(\.recall))
    options.trueNeighbors = [[1, 2, 3]]
    #expect(failure { _ = try opened.tune(options) }?.code == .dimensionMismatch)
    options.queries = nil
    #expect(failure { _ = try opened.tune(options) }?.code == .dimensionMismatch)
    #expect(failure { _ = try opened.tune(threads: 0) }?.code == .invalidConfiguration)
  }

  @Test("Two tunings at once: one works, the other is refused, and searching goes on")
  func concurrent() throws {
    let (index, queries) = try IndexOnDisk.clusters(.cosine)
    let indexes = try (0..<2).map { _ in try VectorIndex.open(at: index.path) }
    let expected = try index.snapshot.search(batch: queries, k: 5).map(\.neighbors)
    nonisolated(unsafe) var refused = [Int](repeating: 0, count: 4)
    DispatchQueue.concurrentPerform(iterations: 4) { worker in
      for _ in 0..<3 {
        let error = failure { try indexes[worker % 2].tune() }
        if let error {
          if error.code == .locked { unsafe refused[worker] += 1 } else { Issue.record(error) }
        }
        let found = try? indexes[worker % 2].snapshot().search(batch: queries, k: 5)
        #expect(found?.map(\.neighbors) == expected)
      }
    }
    let last = try VectorIndex.open(at: index.path).snapshot()
    let succeeded = 12 - (unsafe refused.reduce(0, +))
    #expect(succeeded >= 1 && last.information.generation == 1 + succeeded)
    #expect(last.tuning != nil)
  }

  @Test("What was tuned survives JSON")
  func json() throws {
    let (index, _) = try IndexOnDisk.clusters(.cosine)
    let information = try VectorIndex.open(at: index.path).tune().information
    let decoded = try JSONDecoder().decode(
      IndexInformation.self, from: JSONEncoder().encode(information))
    #expect(decoded == information && decoded.tuning != nil)
  }
}
