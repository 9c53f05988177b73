import NeedletailKernels
import Testing

@Suite("Kernel levels")
struct KernelLevelTests {
  static let everything: KernelFeatures = [.avx2, .fma, .f16c, .avx512, .avx512vnni]

  @Test("The best level that the features allow is chosen")
  func best() {
    #expect(KernelLevel.choose(features: [], forced: nil) == .scalar)
    #expect(KernelLevel.choose(features: [.avx2], forced: nil) == .avx2)
    #expect(KernelLevel.choose(features: [.avx2, .avx512], forced: nil) == .avx512)
    #expect(KernelLevel.choose(features: Self.everything, forced: nil) == .avx512vnni)
    #expect(KernelLevel.choose(features: [.neonDotProduct], forced: nil) == .neon)
    // Neither FMA nor F16C makes a level, and AVX-512 without AVX2 does not exist.
    #expect(KernelLevel.choose(features: [.fma, .f16c], forced: nil) == .scalar)
    #expect(KernelLevel.choose(features: [.avx512, .avx512vnni], forced: nil) == .scalar)
  }

  @Test("A forced level is taken where it is there", arguments: KernelLevel.allCases)
  func forced(level: KernelLevel) {
    let features: KernelFeatures = level == .neon ? [.neonDotProduct] : Self.everything
    #expect(KernelLevel.choose(features: features, forced: level.rawValue) == level)
  }

  @Test("A forced level that is missing falls to the next lower one")
  func fallback() {
    #expect(KernelLevel.choose(features: [.avx2, .avx512], forced: "avx512vnni") == .avx512)
    #expect(KernelLevel.choose(features: [.avx2], forced: "avx512vnni") == .avx2)
    #expect(KernelLevel.choose(features: [.avx2], forced: "avx512") == .avx2)
    #expect(KernelLevel.choose(features: [], forced: "avx2") == .scalar)
    #expect(KernelLevel.choose(features: [.neonDotProduct], forced: "avx512") == .scalar)
    #expect(KernelLevel.choose(features: Self.everything, forced: "neon") == .scalar)
  }

  @Test("An unknown name is as good as none", arguments: ["", "AVX2", "sse9"])
  func unknown(name: String) {
    #expect(KernelLevel.choose(features: [.avx2], forced: name) == .avx2)
  }

  @Test("Scalar is always there, and the level in force is among those available")
  func available() {
    #expect(KernelLevel.available.first == .scalar)
    #expect(KernelLevel.available.contains(.current))
  }
}
