import Benchmark
import Needletail
import NeedletailEvaluation
import NeedletailKernels

/// Rows of a kernel's own: 12 MiB of `Float` rows, more than most caches beside a core.
private let rows = 8_192
private let dimensions = 384

func kernelBenchmarks() {
  for work in _KernelBenchmark.Work.allCases {
    Benchmark(
      "time kernel, \(rows) rows of \(dimensions), \(work.rawValue)",
      configuration: .init(metrics: [.wallClock], maxDuration: .seconds(1)),
      closure: { (_, kernel: _KernelBenchmark) throws in blackHole(kernel.run()) },
      setup: { try _KernelBenchmark(work, dimensions: dimensions, rows: rows) })
  }

  // Exact search through OpenBLAS: what ground truth costs.
  Benchmark(
    "time exact search, 100 queries in 12000 rows",
    closure: { (_, set: PackageSet) throws in
      blackHole(
        try GroundTruth.make(
          base: set.base, queries: set.queries[0..<100], metric: .cosine, k: 10))
    }, setup: { try PackageSet() })
}
