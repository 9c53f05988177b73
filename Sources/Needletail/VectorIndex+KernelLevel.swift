import NeedletailEngine

extension VectorIndex {
  /// The instruction sets that the environment's `NEEDLETAIL_ISA` may name.
  public static var knownKernelLevels: [String] { KernelLevelName.known }

  /// The instruction set of the kernels in this process.
  public static var kernelLevel: String { KernelLevelName.current }
}
