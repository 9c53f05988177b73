// swift-tools-version: 6.3
import PackageDescription

// A package of its own: everything in it is compiled for libFuzzer and AddressSanitizer, which the
// toolchain brings. The engine's sources are linked, not depended on, because what is fuzzed is no
// public interface. `make fuzz` builds and runs it.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
  .unsafeFlags(["-sanitize=fuzzer,address"]),
]
// The linker that links it on every machine: gold stumbles over the instrumented code.
let linker: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]

let package = Package(
  name: "NeedletailFuzzing",
  platforms: [.macOS(.v26)],
  targets: [
    .target(name: "CFuzzer"),
    .target(name: "NeedletailCore", swiftSettings: strict),
    .target(name: "NeedletailStorage", dependencies: ["NeedletailCore"], swiftSettings: strict),
    .target(
      name: "_NeedletailTestSupport", dependencies: ["NeedletailCore", "NeedletailStorage"],
      swiftSettings: strict),
    // The kernels are checked against their scalar twins elsewhere; here they only have to be watched.
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas"),
    .target(
      name: "CNeedletailKernels", cSettings: [.unsafeFlags(["-fsanitize=fuzzer-no-link,address"])]),
    .target(
      name: "NeedletailKernels",
      dependencies: ["CNeedletailKernels", "COpenBLAS", "NeedletailCore"], swiftSettings: strict),
    .target(
      name: "NeedletailEngine",
      dependencies: ["NeedletailCore", "NeedletailKernels", "NeedletailStorage"],
      swiftSettings: strict),
    .executableTarget(
      name: "FuzzSegments",
      dependencies: [
        "CFuzzer", "NeedletailCore", "NeedletailEngine", "NeedletailStorage",
        "_NeedletailTestSupport",
      ],
      swiftSettings: strict, linkerSettings: linker),
    // For `.ci/kill-check`.
    .executableTarget(
      name: "KilledWriter",
      dependencies: ["NeedletailCore", "NeedletailEngine", "NeedletailStorage"],
      swiftSettings: strict, linkerSettings: linker),
    .executableTarget(
      name: "Fuzz", dependencies: ["CFuzzer", "_NeedletailTestSupport"], swiftSettings: strict,
      linkerSettings: linker),
  ]
)
