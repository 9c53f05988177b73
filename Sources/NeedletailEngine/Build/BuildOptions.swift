package import NeedletailCore
import NeedletailKernels

/// What the walk runs on.
package enum CodeKind: UInt32, Sendable, Hashable, CaseIterable {
  /// The precise rows themselves.
  case none = 0
  /// int8 codes.
  case int8 = 1
  /// int8 codes, parted: the walk reads the upper four bits of each component, and the lower four settle
  /// the order of what it found.
  case int4 = 2
}

/// How what a walk reads is laid out.
package enum SegmentLayout: UInt32, Sendable, Hashable, CaseIterable {
  /// Links in one table, codes in another.
  case compact = 0
  /// One row per node: its code, its links, and one bit per component of each neighbour.
  case turbo = 1
}

/// How the rows for the precise re-rank are kept.
package enum PreciseKind: UInt32, Sendable, Hashable, CaseIterable {
  case none = 0
  case float32 = 1
  case bfloat16 = 2
  case float16 = 3
  /// Half precision, of which nothing is lost, since all components are half-precision numbers: the rows as they
  /// were given, under cosine too.
  case givenFloat16 = 4

  /// The size of one component, in bytes.
  package var byteCount: Int {
    switch self {
    case .none: 0
    case .float32: 4
    case .bfloat16, .float16, .givenFloat16: 2
    }
  }
}

/// Everything that shapes an index.
///
/// The same options and rows give the same bytes.
package struct BuildOptions: Sendable, Hashable {
  package var dimensions: Int
  package var metric: Metric
  package var graph = GraphOptions()
  package var codes = CodeKind.int8
  /// Whether int8 codes are parted (`int4`) where a trial on the finished graph finds that the walk loses
  /// nothing by it.
  package var mayPartCodes = false
  package var precise = PreciseKind.float32
  package var layout = SegmentLayout.compact

  package init(dimensions: Int, metric: Metric) {
    self.dimensions = dimensions
    self.metric = metric
  }

  /// Bytes of a row of the turbo layout, the links among them.
  package var turboRowByteCount: Int {
    TurboLayout(blocks: Quantizer.blocks(dimensions), degree: 2 * graph.m).stride
  }

  /// Refuses options that make no index.
  ///
  /// - Throws: `invalidConfiguration` or `capacityExceeded`, naming the option, its value and the range.
  package func validate() throws(NeedletailError) {
    guard dimensions >= 1 else {
      throw NeedletailError(
        .invalidConfiguration, "dimensions is \(dimensions); a vector has at least 1 component.")
    }
    guard dimensions <= Limits.dimensions else {
      throw NeedletailError(
        .capacityExceeded, "dimensions is \(dimensions); the most is \(Limits.dimensions).")
    }
    guard codes != .none || precise != .none else {
      throw NeedletailError(
        .invalidConfiguration,
        "An index with neither codes nor precise rows has nothing to search; keep one of them.")
    }
    guard codes != .none || precise != .givenFloat16 else {
      throw NeedletailError(
        .invalidConfiguration,
        "A walk on precise rows needs unit rows, not rows as they were given.")
    }
    try graph.validate()
    if layout == .turbo { try validateTurbo() }
  }

  /// What the rows of the turbo layout cannot be.
  private func validateTurbo() throws(NeedletailError) {
    guard metric != .innerProduct else {
      throw NeedletailError(
        .invalidConfiguration,
        "Turbo mode estimates distances between a row and its neighbours, which an inner product is not;"
          + " choose compact, or cosine or L2.")
    }
    guard codes == .int8 else {
      throw NeedletailError(
        .invalidConfiguration,
        "Turbo mode walks on bits beside int8 codes; leave the codes to it, or choose compact.")
    }
    guard 2 * graph.m % TurboLayout.lanes == 0 else {
      throw NeedletailError(
        .invalidConfiguration,
        "m is \(graph.m); rows of turbo mode hold 2·m links in groups of \(TurboLayout.lanes), so m is a"
          + " multiple of \(TurboLayout.lanes / 2).")
    }
  }
}
