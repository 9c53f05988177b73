internal import CNeedletailKernels

/// A set of instructions that the kernels are compiled for.
///
/// The level of a process is chosen once, from the processor and the environment's `NEEDLETAIL_ISA`
/// (`scalar`, `avx2`, `avx512`, `avx512vnni`, `neon`). A level that the machine lacks falls to the next
/// lower one; an unknown name is as good as none.
package enum KernelLevel: String, Sendable, Hashable, CaseIterable {
  /// Plain C; runs everywhere.
  case scalar
  /// AVX2, with FMA and F16C where the processor has them.
  case avx2
  /// AVX-512 F, BW, VL and DQ.
  case avx512
  /// AVX-512 with the byte dot products.
  case avx512vnni
  /// arm64 with the dot-product instructions.
  case neon

  /// The level of this process.
  package static var current: KernelLevel { KernelLevel(ndl_level_current()) }

  /// The levels that this machine can run, slowest first; `scalar` is always among them.
  package static var available: [KernelLevel] {
    let features = ndl_features()
    return allCases.filter { ndl_level_is_available($0.native, features) != 0 }
  }

  /// The level of a machine with `features` when `forced` is asked for; nothing is asked from this one.
  package static func choose(features: KernelFeatures, forced: String?) -> KernelLevel {
    // SAFETY: the C string lives for the call, which only reads it.
    guard let forced else { return KernelLevel(ndl_level_choose(features.rawValue, nil)) }
    return unsafe KernelLevel(forced.withCString { unsafe ndl_level_choose(features.rawValue, $0) })
  }

  init(_ native: ndl_level) {
    self =
      switch native {
      case NDL_LEVEL_AVX2: .avx2
      case NDL_LEVEL_AVX512: .avx512
      case NDL_LEVEL_AVX512_VNNI: .avx512vnni
      case NDL_LEVEL_NEON: .neon
      default: .scalar
      }
  }

  var native: ndl_level {
    switch self {
    case .scalar: NDL_LEVEL_SCALAR
    case .avx2: NDL_LEVEL_AVX2
    case .avx512: NDL_LEVEL_AVX512
    case .avx512vnni: NDL_LEVEL_AVX512_VNNI
    case .neon: NDL_LEVEL_NEON
    }
  }

  /// The functions of this level, or of the current level where the machine lacks it.
  var table: UnsafePointer<ndl_kernel_table> { unsafe table(without: []) }

  /// The functions of this level on a machine like this one without some of its features.
  func table(without missing: KernelFeatures) -> UnsafePointer<ndl_kernel_table> {
    // SAFETY: the tables are constants of the C module; the current level is always there.
    unsafe ndl_kernels_for_features(native, ~missing.rawValue) ?? ndl_kernels()
  }
}

/// What a processor has, each by its own bit, where the operating system also keeps the registers.
package struct KernelFeatures: OptionSet, Sendable, Hashable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let avx2 = KernelFeatures(rawValue: 1 << 0)
  package static let fma = KernelFeatures(rawValue: 1 << 1)
  package static let f16c = KernelFeatures(rawValue: 1 << 2)
  package static let avx512 = KernelFeatures(rawValue: 1 << 3)
  package static let avx512vnni = KernelFeatures(rawValue: 1 << 4)
  package static let neonDotProduct = KernelFeatures(rawValue: 1 << 5)
  package static let avx512vbmi = KernelFeatures(rawValue: 1 << 6)
  package static let avx512bf16 = KernelFeatures(rawValue: 1 << 7)

  /// The features of this machine.
  package static var current: KernelFeatures { KernelFeatures(rawValue: ndl_features()) }
}
