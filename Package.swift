// swift-tools-version: 6.3
import PackageDescription

/// Every Swift target is compiled the same way: language mode 6, strict memory safety, existentials
/// spelled out, imports internal unless said otherwise, warnings as errors.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
  .treatAllWarnings(as: .error),
]

/// Third-party products live at the edges only, and each is conditioned on a trait: a client that
/// writes `traits: []` resolves this package and nothing else.
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser", condition: .when(traits: ["Tools"]))
let yams = Target.Dependency.product(
  name: "Yams", package: "Yams", condition: .when(traits: ["YAML"]))
let crypto = Target.Dependency.product(
  name: "Crypto", package: "swift-crypto", condition: .when(traits: ["Governance"]))
let histogram = Target.Dependency.product(
  name: "Histogram", package: "hdrhistogram-swift", condition: .when(traits: ["Tools"]))

/// What a service tells others of itself; each trait is one package, and none is on unless asked for.
let observability: [Target.Dependency] = [
  .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Logging"])),
  .product(name: "Metrics", package: "swift-metrics", condition: .when(traits: ["Metrics"])),
  .product(
    name: "Tracing", package: "swift-distributed-tracing", condition: .when(traits: ["Tracing"])),
]
let observabilityTests: [Target.Dependency] = [
  .product(name: "InMemoryLogging", package: "swift-log", condition: .when(traits: ["Logging"])),
  .product(
    name: "MetricsTestKit", package: "swift-metrics", condition: .when(traits: ["Metrics"])),
  .product(
    name: "InMemoryTracing", package: "swift-distributed-tracing",
    condition: .when(traits: ["Tracing"])),
]

let package = Package(
  name: "Needletail",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "Needletail", targets: ["Needletail"]),
    .library(name: "NeedletailServing", targets: ["NeedletailServing"]),
    // Budgets: the value and its JSON; YAML and the log of changes each want their trait.
    .library(name: "NeedletailBudgets", targets: ["NeedletailBudgets"]),
    .library(name: "NeedletailBudgetsYAML", targets: ["NeedletailBudgetsYAML"]),
    .library(name: "NeedletailGovernance", targets: ["NeedletailGovernance"]),
    .executable(name: "needletail", targets: ["needletail-cli"]),
    // libCNeedletail and its header, for C and for the Python package.
    .library(name: "CNeedletail", type: .dynamic, targets: ["CNeedletailInterface"]),
    // For the packages of this repository (Benchmarks, Tests/Fuzzing); no promise to anyone else.
    .library(name: "_NeedletailKernels", targets: ["NeedletailKernels"]),
    .library(name: "_NeedletailStorage", targets: ["NeedletailStorage"]),
    .library(name: "_NeedletailEvaluation", targets: ["NeedletailEvaluation"]),
  ],
  traits: [
    .trait(
      name: "Tools", description: "The command line and the latency histograms.",
      enabledTraits: ["YAML", "Governance"]),
    .trait(name: "YAML", description: "Reads and writes budgets and objectives as YAML."),
    .trait(name: "Governance", description: "The hash-chained log of a budget's changes."),
    .trait(name: "Logging", description: "A service's events as lines of swift-log."),
    .trait(name: "Metrics", description: "A service's status as metrics of swift-metrics."),
    .trait(
      name: "Tracing", description: "A service's answers as spans of swift-distributed-tracing."),
    .trait(name: "HDF5", description: "Reads the HDF5 files of ann-benchmarks through libhdf5."),
    .default(enabledTraits: ["Tools"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
  ],
  targets: [
    // C: the system's BLAS, and our own kernels.
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
    .target(name: "CNeedletailKernels"),

    // The engine, from the bottom up.
    .target(name: "NeedletailCore", swiftSettings: strict),
    .target(
      name: "NeedletailKernels",
      dependencies: ["CNeedletailKernels", "COpenBLAS", "NeedletailCore"], swiftSettings: strict),
    .target(name: "NeedletailStorage", dependencies: ["NeedletailCore"], swiftSettings: strict),
    .target(
      name: "NeedletailFormats",
      dependencies: [
        "NeedletailCore", "NeedletailStorage",
        .target(name: "CHDF5", condition: .when(traits: ["HDF5"])),
      ],
      swiftSettings: strict),
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    .target(
      name: "NeedletailEngine",
      dependencies: ["NeedletailCore", "NeedletailKernels", "NeedletailStorage"],
      swiftSettings: strict),
    .target(
      name: "Needletail",
      dependencies: ["NeedletailCore", "NeedletailEngine", "NeedletailFormats"],
      swiftSettings: strict),

    // What keeps a service within its budget: controllers in virtual time, and the runtime around an index. Storage for
    // the file system alone.
    .target(
      name: "NeedletailServing",
      dependencies: ["NeedletailCore", "NeedletailBudgets", "NeedletailStorage", "Needletail"]
        + observability,
      swiftSettings: strict),
    // Performance budgets: the vocabulary, its YAML, and the log of changes.
    .target(
      name: "NeedletailBudgets", dependencies: ["NeedletailCore"], swiftSettings: strict),
    .target(
      name: "NeedletailBudgetsYAML",
      dependencies: ["NeedletailCore", "NeedletailBudgets", yams], swiftSettings: strict),
    .target(
      name: "NeedletailGovernance",
      dependencies: ["NeedletailCore", "NeedletailStorage", "NeedletailBudgets", crypto],
      swiftSettings: strict),

    // The face in C: the header, and the functions that implement it over the public face.
    .target(name: "CNeedletail"),
    .target(
      name: "CNeedletailInterface", dependencies: ["CNeedletail", "Needletail", "NeedletailCore"],
      swiftSettings: strict),

    // The judge, which never sees the engine, and the command line.
    .target(
      name: "NeedletailEvaluation",
      dependencies: ["NeedletailCore", "NeedletailKernels", "NeedletailFormats", histogram],
      swiftSettings: strict),
    .executableTarget(
      name: "needletail-cli",
      dependencies: [
        "Needletail", "NeedletailCore", "NeedletailFormats", "NeedletailEvaluation",
        "NeedletailBudgets", "NeedletailBudgetsYAML", "NeedletailGovernance", "NeedletailServing",
        argumentParser,
      ],
      swiftSettings: strict),

    // Tests.
    .target(name: "CMallocCount", path: "Tests/CMallocCount"),
    .target(
      name: "_NeedletailTestSupport",
      dependencies: ["NeedletailCore", "NeedletailStorage"],
      path: "Tests/_NeedletailTestSupport", swiftSettings: strict),
    .testTarget(
      name: "NeedletailCoreTests", dependencies: ["NeedletailCore", "_NeedletailTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "NeedletailKernelsTests",
      dependencies: ["NeedletailCore", "NeedletailKernels", "_NeedletailTestSupport"],
      exclude: ["neon"], swiftSettings: strict),
    .testTarget(
      name: "NeedletailStorageTests",
      dependencies: ["NeedletailCore", "NeedletailStorage", "_NeedletailTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "NeedletailFormatsTests",
      dependencies: [
        "NeedletailCore", "NeedletailFormats", "NeedletailStorage", "_NeedletailTestSupport",
        .target(name: "CHDF5", condition: .when(traits: ["HDF5"])),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NeedletailEngineTests",
      dependencies: [
        "NeedletailCore", "NeedletailKernels", "NeedletailStorage", "NeedletailEngine",
        "_NeedletailTestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NeedletailTests",
      dependencies: ["Needletail", "NeedletailEngine", "CMallocCount", "_NeedletailTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "NeedletailServingTests",
      dependencies: [
        "NeedletailCore", "NeedletailBudgets", "NeedletailGovernance", "NeedletailServing",
        "NeedletailStorage", "Needletail", "_NeedletailTestSupport",
      ] + observability + observabilityTests,
      swiftSettings: strict),
    .target(
      name: "CNeedletailClient", dependencies: ["CNeedletail"], path: "Tests/CNeedletailClient"),
    .testTarget(
      name: "CNeedletailTests",
      dependencies: [
        "CMallocCount", "CNeedletail", "CNeedletailClient", "CNeedletailInterface",
        "_NeedletailTestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NeedletailEvaluationTests",
      dependencies: ["NeedletailCore", "NeedletailEvaluation", "_NeedletailTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "NeedletailBudgetsTests",
      dependencies: [
        "NeedletailCore", "NeedletailBudgets", "NeedletailBudgetsYAML", "_NeedletailTestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NeedletailGovernanceTests",
      dependencies: [
        "NeedletailCore", "NeedletailBudgets", "NeedletailBudgetsYAML", "NeedletailGovernance",
        "_NeedletailTestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NeedletailCommandTests",
      dependencies: [
        "needletail-cli", "_NeedletailTestSupport", "Needletail", "NeedletailBudgets",
        "NeedletailCore", "NeedletailServing",
      ],
      swiftSettings: strict),
  ],
  cLanguageStandard: .c11
)
