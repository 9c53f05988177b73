import Benchmark
import Needletail
import NeedletailEvaluation

private let k = 10
private let widths = [10, 32, 128]

private func metric(_ name: String, _ width: Int) -> BenchmarkMetric {
  .custom("\(name), ef \(width)")
}

private let names = [
  "evaluations per query", "hops per query", "re-ranked of 10 queries", "wrong of 5000",
]

/// The set, and an index of all of it.
private final class SearchWorld {
  let set: PackageSet
  let index: TemporaryIndex
  private var next = 0

  init() throws {
    set = try PackageSet()
    index = try set.build(threads: 2)
  }

  /// Answers the next query, as a serving loop would.
  func search(_ options: SearchOptions, into answers: inout [Neighbor]) throws -> Int {
    let query = set.queryRows[next]
    next = next + 1 == set.queryRows.count ? 0 : next + 1
    var span = answers.mutableSpan
    return try index.snapshot.search(query.span, k: k, options: options, into: &span).count
  }
}

func searchBenchmarks() {
  Benchmark(
    "counts-search",
    configuration: .counts(widths.flatMap { width in names.map { metric($0, width) } }),
    closure: { (benchmark, world: SearchWorld) throws in try report(benchmark, world) },
    setup: { try SearchWorld() })

  for width in widths {
    Benchmark(
      "time search, ef \(width)", configuration: .init(scalingFactor: .kilo),
      closure: { (benchmark, world: SearchWorld) throws in
        let options = SearchOptions(efSearch: width)
        var answers = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: k)
        for _ in benchmark.scaledIterations {
          blackHole(try world.search(options, into: &answers))
        }
      }, setup: { try SearchWorld() })
  }

  Benchmark(
    "time open, and the first search",
    closure: { (benchmark, world: SearchWorld) throws in
      let snapshot = try VectorIndex.open(at: world.index.path).snapshot()
      blackHole(try snapshot.search(world.set.queryRows[0], k: k))
    }, setup: { try SearchWorld() })
}

/// Counts the work of all queries, and judges the answers.
private func report(_ benchmark: Benchmark, _ world: SearchWorld) throws {
  let set = world.set
  let judge = try RecallJudge(
    rows: set.base, basis: .base, rowCount: set.base.count, queries: set.queries,
    groundTruth: set.truth, metric: .cosine, k: k)
  for width in widths {
    var answers = SearchAnswers(queries: set.queries.count, k: k)
    let sums = try world.index.snapshot.search(
      batch: set.queries, k: k, options: SearchOptions(efSearch: width), threads: 1,
      into: &answers.neighbors, counts: &answers.counts)
    let wrong = ((1 - judge.recall(of: answers)) * Double(set.queries.count * k)).rounded()
    let figures = [
      sums.evaluations / set.queries.count, sums.hops / set.queries.count,
      10 * sums.rerankedRows / set.queries.count, Int(wrong),
    ]
    for (name, figure) in zip(names, figures) {
      benchmark.measurement(metric(name, width), figure)
    }
  }
}
