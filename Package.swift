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
let histogram = Target.Dependency.product(
  name: "Histogram", package: "hdrhistogram-swift", condition: .when(traits: ["Tools"]))

let package = Package(
  name: "Needletail",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "Needletail", targets: ["Needletail"]),
    .library(name: "NeedletailServing", targets: ["NeedletailServing"]),
    .executable(name: "needletail", targets: ["needletail-cli"]),
    // libCNeedletail and its header, for C and for the Python package.
    .library(name: "CNeedletail", type: .dynamic, targets: ["CNeedletailInterface"]),
    // For the packages of this repository (Benchmarks, Tests/Fuzzing); no promise to anyone else.
    .library(name: "_NeedletailKernels", targets: ["NeedletailKernels"]),
    .library(name: "_NeedletailStorage", targets: ["NeedletailStorage"]),
    .library(name: "_NeedletailEvaluation", targets: ["NeedletailEvaluation"]),
  ],
  traits: [
    .trait(name: "Tools", description: "The command line and the latency histograms."),
    .trait(name: "HDF5", description: "Reads the HDF5 files of ann-benchmarks through libhdf5."),
    .default(enabledTraits: ["Tools"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
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

    // What keeps a service within its budget; it knows no engine.
    .target(name: "NeedletailServing", dependencies: ["NeedletailCore"], swiftSettings: strict),

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
      dependencies: ["Needletail", "CMallocCount", "_NeedletailTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "NeedletailServingTests", dependencies: ["NeedletailCore", "NeedletailServing"],
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
      name: "NeedletailCommandTests",
      dependencies: ["needletail-cli", "_NeedletailTestSupport"],
      swiftSettings: strict),
  ],
  cLanguageStandard: .c11
)
