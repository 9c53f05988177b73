public import NeedletailCore
import NeedletailEngine

/// How vectors became codes.
public struct QuantizerInformation: Sendable, Hashable, Codable {
  /// `global scale`, `scale per row`, `lossless u8`, `lossless i8` or `none`.
  public var form: String
  /// How components are mixed before coding.
  public var rotation: String
  /// The unit of a code's component, where all rows share one.
  public var scale: Float?
  /// Mean of `‖x − x̂‖ / ‖x‖` over a sample of the (centred) rows.
  public var relativeError: Double
}

/// One immutable file of rows.
public struct SegmentInformation: Sendable, Hashable, Codable {
  /// The identity of the contents.
  public var hash: String
  /// The file's length.
  public var bytes: Int
  /// Rows.
  public var count: Int
}

/// The shape of the graph.
public struct GraphInformation: Sendable, Hashable, Codable {
  /// Levels, the base included.
  public var levels: Int
  /// Mean links per row of the base level.
  public var meanDegree: Double
  /// The most links of a row of the base level.
  public var maximumDegree: Int
  /// Rows that no walk could come to after the build and that were given a link.
  public var repairedNodes: Int
  /// Rows that no walk from the first row over the base level can come to now.
  public var unreachableNodes: Int
  /// What near means between rows: `distance`, or for inner products e.g.
  ///
  /// `angle and product`.
  public var linkedBy: String
}

/// Everything about an open index that a person or a monitor asks for.
public struct IndexInformation: Sendable, Hashable, Codable {
  /// The directory.
  public var path: String
  /// The version of the segment's format.
  public var formatVersion: Int
  /// The identity given at creation.
  public var uuid: String
  /// The generation that is open.
  public var generation: Int
  /// Vectors that are there: neither removed nor withdrawn.
  public var count: Int
  /// Components per vector.
  public var dimensions: Int
  /// What near means.
  public var metric: Metric
  /// Links per row and level.
  public var m: Int
  /// Candidates looked at when a row was linked.
  public var efConstruction: Int
  /// The seed of the build.
  public var seed: UInt64
  /// What the walk compares.
  public var codes: CodeKind
  /// How what the walk reads is laid out.
  public var mode: IndexMode
  /// How codes were made.
  public var quantizer: QuantizerInformation
  /// How rows are kept.
  public var preciseRows: PreciseRows
  /// For each source, where the last batch of it stands.
  public var sourceOffsets: [String: UInt64]
  /// Rows in memory that no file of rows has yet.
  public var unsealedCount: Int
  /// The files of rows.
  public var segments: [SegmentInformation]
  /// The shape of the graph, of the largest segment where there are several.
  public var graph: GraphInformation
  /// Bytes by component.
  public var memory: MemoryByComponent
  /// Where each component lies: `resident` or `mapped`.
  ///
  /// In turbo mode the links of level 0, which `memory` counts as graph, lie where the codes do; `graph` is
  /// where those of the upper levels lie.
  public var placement: [String: String]
  /// The instruction set of the kernels in this process.
  public var kernelLevel: String
  /// Which settings reach which recall, when that was measured.
  public var tuning: Tuning?
}

extension Snapshot {
  /// What is known about the index.
  ///
  /// - Complexity: one pass over the links of the base level.
  public var information: IndexInformation {
    let segment = segment
    let parameters = segment.parameters
    let configuration = VectorIndex.Configuration(parameters.options)
    let shape = segment.graphShape()
    let facts = view.generation.facts
    return IndexInformation(
      path: path, formatVersion: facts.formatVersion,
      uuid: Self.uuid(facts.identity), generation: facts.number,
      count: count, dimensions: dimensions, metric: metric, m: configuration.graph.m,
      efConstruction: configuration.graph.efConstruction, seed: configuration.seed,
      codes: configuration.codes, mode: configuration.mode, quantizer: quantizerInformation,
      preciseRows: configuration.preciseRows, sourceOffsets: view.sourceOffsets,
      unsealedCount: unsealedCount,
      segments: facts.segments.map {
        SegmentInformation(hash: $0.hash, bytes: $0.byteCount, count: $0.count)
      },
      graph: GraphInformation(
        levels: shape.levels, meanDegree: shape.meanDegree, maximumDegree: shape.maximumDegree,
        repairedNodes: parameters.repairedNodes, unreachableNodes: shape.unreachable,
        linkedBy: metric == .innerProduct
          ? parameters.options.graph.productLinks.name : "distance"),
      memory: memory, placement: placement, kernelLevel: VectorIndex.kernelLevel,
      tuning: tuning)
  }

  private var quantizerInformation: QuantizerInformation {
    guard let quantizer = segment.quantizer else {
      return QuantizerInformation(form: "none", rotation: "none", scale: nil, relativeError: 0)
    }
    let form =
      switch quantizer.form {
      case .losslessUnsigned: "lossless u8"
      case .losslessSigned: "lossless i8"
      case .globalScale: "global scale"
      case .rowScale: "scale per row"
      }
    return QuantizerInformation(
      form: form, rotation: quantizer.form.isLossless ? "none" : "Hadamard-Kac, 4 rounds",
      scale: quantizer.form == .globalScale ? quantizer.scale : nil,
      relativeError: quantizer.relativeError)
  }

  /// Bytes of the components of all segments, as they are in their files.
  public var memory: MemoryByComponent {
    var memory = MemoryByComponent()
    for segment in view.generation.segments {
      let sizes = segment.componentSizes
      memory.codes += sizes.codes
      memory.graph += sizes.graph
      memory.preciseRows += sizes.rows
      memory.ids += sizes.ids
      memory.attributes += sizes.attributes
    }
    memory.quantizer = view.generation.quantizerByteCount
    return memory
  }

  private var placement: [String: String] {
    func name(_ placement: Placement) -> String {
      placement == .resident ? "resident" : "mapped"
    }
    let placements = segment.placements
    return [
      "codes": name(placements.codes), "graph": name(placements.graph),
      "preciseRows": name(placements.rows), "ids": name(placements.ids),
    ]
  }

  private static func uuid(_ bytes: [UInt8]) -> String {
    let digits = bytes.map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }
    var parts: [String] = []
    var start = 0
    for length in [4, 2, 2, 2, 6] where start + length <= digits.count {
      parts.append(digits[start..<(start + length)].joined())
      start += length
    }
    return parts.joined(separator: "-")
  }
}

extension VectorIndex {
  /// Predicts the bytes of an index by component, before anything is built.
  ///
  /// - Parameters:
  ///   - count: rows.
  ///   - configuration: what shapes the index.
  ///   - element: how the input is stored; bytes under squared L2 are coded without loss and need no
  ///     precise rows of their own. Default `.float32`.
  /// - Returns: bytes by component, within a few per cent of what a build gives; of floats that half precision holds,
  ///   twice what their precise rows take.
  /// - Throws: as `create` for a configuration that makes no index; `capacityExceeded` for too many rows.
  public static func predict(
    count: Int, configuration: Configuration, element: VectorMatrix.Element = .float32
  ) throws(NeedletailError) -> MemoryByComponent {
    try configuration.buildOptions.validate()
    guard count >= 0, count <= Limits.rowsPerSegment else {
      throw NeedletailError(
        .capacityExceeded, "\(count) rows; an index holds 0 to \(Limits.rowsPerSegment).")
    }
    let isTurbo = configuration.mode == .turbo
    let isLossless =
      !isTurbo
      && ((element == .uint8 && configuration.metric == .squaredEuclidean)
        || (element == .int8 && configuration.metric != .cosine))
    let m = configuration.graph.m
    var memory = MemoryByComponent()
    if configuration.codes != .none {
      let terms =
        switch configuration.metric {
        case .squaredEuclidean, .cosine: 4
        case .innerProduct: isLossless ? 0 : 8
        }
      memory.codes = count * (Quantizer.blocks(configuration.dimensions) * 64 + terms)
      memory.quantizer = configuration.dimensions * 4 + (configuration.dimensions + 7) / 8 * 4
    }
    // One row in m stands on level 1, one in m² on level 2, …: n/(m − 1) rows of m links above the base.
    if isTurbo { memory.codes = count * (configuration.buildOptions.turboRowByteCount - 2 * m * 4) }
    memory.graph = count * 2 * m * 4 + count * m * 4 / (m - 1)
    memory.ids = count * 12
    // Half precision holds what smaller elements hold; of floats nobody knows before they were seen.
    let isHalf =
      configuration.preciseRows == .float32 && configuration.codes != .none && element != .float32
    let precise = isHalf ? PreciseKind.givenFloat16 : configuration.buildOptions.precise
    let rowBytes = configuration.dimensions * precise.byteCount
    let hasRows = configuration.codes == .none || !isLossless
    memory.preciseRows =
      (hasRows ? count * rowBytes : 0) + (configuration.metric == .cosine ? count * 8 : 0)
    return memory
  }
}
