// swift-tools-version: 6.3
import PackageDescription

// A package of its own, so that nobody who uses Needletail resolves what only benchmarks need.
let package = Package(
  name: "NeedletailBenchmarks",
  platforms: [.macOS(.v26)],
  dependencies: [
    // Named, because a clone's folder may have any name.
    .package(name: "Needletail", path: "..", traits: []),
    // Without its traits: no interposed malloc, no jemalloc.
    .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
  ],
  targets: [
    .executableTarget(
      name: "NeedletailBenchmarks",
      dependencies: [
        .product(name: "Needletail", package: "Needletail"),
        .product(name: "_NeedletailKernels", package: "Needletail"),
        .product(name: "_NeedletailEvaluation", package: "Needletail"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/NeedletailBenchmarks",
      swiftSettings: [
        .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"), .treatAllWarnings(as: .error),
      ],
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    // What an index that takes writes costs; run by `make updates`.
    .executableTarget(
      name: "updates",
      dependencies: [
        .product(name: "Needletail", package: "Needletail"),
        .product(name: "_NeedletailEvaluation", package: "Needletail"),
      ],
      path: "Updates", exclude: ["hnswlib_inserts.py"],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
  ]
)
