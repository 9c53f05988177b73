import Benchmark
import Needletail

/// Rows of a build that is timed: enough for several levels, few enough for several runs.
private let rows = 2_000

private let names = [
  "bytes a row, codes", "bytes a row, graph", "bytes a row, precise rows", "bytes a row, ids",
  "links of 10 rows", "levels", "rows repaired", "rows unreachable",
]

func buildBenchmarks() {
  for kind in Metric.allCases {
    Benchmark(
      "counts-build-\(kind.rawValue)", configuration: .counts(names.map { .custom($0) }),
      closure: { (benchmark, set: PackageSet) throws in
        let information = try set.build(rows: rows, metric: kind).snapshot.information
        let memory = information.memory
        let figures = [
          memory.codes / rows, memory.graph / rows, memory.preciseRows / rows, memory.ids / rows,
          Int((information.graph.meanDegree * 10).rounded()), information.graph.levels,
          information.graph.repairedNodes, information.graph.unreachableNodes,
        ]
        for (name, figure) in zip(names, figures) { benchmark.measurement(.custom(name), figure) }
      }, setup: { try PackageSet() })

    Benchmark(
      "time build of \(rows) rows, \(kind.rawValue)",
      configuration: .init(metrics: [.wallClock, .cpuTotal], maxDuration: .seconds(4)),
      closure: { (_, set: PackageSet) throws in
        blackHole(try set.build(rows: rows, metric: kind))
      }, setup: { try PackageSet() })
  }
}
