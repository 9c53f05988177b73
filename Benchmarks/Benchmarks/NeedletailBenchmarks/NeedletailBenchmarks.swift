import Benchmark

/// All benchmarks.
///
/// Their names begin with `counts`, whose figures are the same on every machine and are gated by
/// `Thresholds`, or with `time`, whose figures are reported. The names of the former have no spaces, and
/// their metrics no properties: what reads the thresholds back would not find them.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .throughput], warmupIterations: 1, maxDuration: .seconds(2),
    maxIterations: 1_000)
  searchBenchmarks()
  buildBenchmarks()
  kernelBenchmarks()
}

extension Benchmark.Configuration {
  /// One run that reports counts and no time.
  static func counts(_ metrics: [BenchmarkMetric]) -> Self {
    .init(metrics: metrics, warmupIterations: 0, maxDuration: .seconds(60), maxIterations: 1)
  }
}
