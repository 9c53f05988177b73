import NeedletailKernels

/// The instruction sets by name, for callers that do not see the kernels.
package enum KernelLevelName {
  /// Those that kernels are written for, on any machine.
  package static var known: [String] { KernelLevel.allCases.map(\.rawValue) }
  /// The one in force in this process.
  package static var current: String { KernelLevel.current.rawValue }
}
