public import NeedletailCore
import NeedletailEngine

/// How the graph is built.
///
/// Names and meaning as in Malkov & Yashunin (2018).
public struct GraphParameters: Sendable, Hashable, Codable {
  /// Links a new row gets per level, 2 to 128; level 0 keeps up to `2·m`.
  ///
  /// Default 16.
  ///
  /// More links raise recall per hop, memory (`8·m` bytes a row) and build time.
  public var m = 16
  /// Candidates looked at when a row is linked.
  ///
  /// Default 320, and 200 in a configuration for inner product. On the others 200 builds a quarter faster and costs
  /// a few per cent of evaluations at high recall.
  ///
  /// More give a better graph and a longer build; beyond a few hundred little is gained.
  public var efConstruction = 320
  /// Looks for links among the candidates' own links too, as Algorithm 4 allows.
  ///
  /// Default `false`: it lengthens the build several times for a graph that is seldom better.
  public var extendsCandidates = false
  /// Fills free places with candidates that the heuristic turned down, as Algorithm 4 allows.
  ///
  /// Default `false`: more links per row help where neighbourhoods are sparse, and cost evaluations
  /// elsewhere.
  public var keepsPruned = false

  /// The defaults.
  public init() {}
}

/// What the walk through the graph compares.
public enum CodeKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// `int4` where a trial on the finished graph finds that nothing is lost by it, otherwise `int8`. The
  /// default; an index says which it became.
  case automatic = "auto"
  /// Eight bits per component: a quarter of the memory, several times the speed.
  case int8
  /// The same eight bits in two halves: the walk reads the upper four only, and the lower four settle the
  /// order of what it found.
  case int4
  /// The precise rows themselves.
  case none
}

/// How what a walk reads is laid out in memory.
public enum IndexMode: String, Sendable, Hashable, Codable, CaseIterable {
  /// What suits the rows, by counts and never by a clock; an index says which it became.
  ///
  /// The default. So far it is always `compact`, because that was as fast or faster wherever both were measured.
  case automatic = "auto"
  /// Codes in one table, links in another: the least memory.
  case compact
  /// A row per node that holds its code, its links and one bit per component of each neighbour: one read in
  /// sequence a hop, for about four times the memory of codes and links.
  ///
  /// For cosine and squared L2, `codes` `.automatic` or `.int8`, and an `m` that is a multiple of 16; anything
  /// else is refused with `invalidConfiguration`.
  ///
  /// Rows of whole numbers are not coded without loss here: with `preciseRows` `.none` their distances are
  /// estimates and they cannot be exported, where compact codes are the rows themselves. With precise rows,
  /// those come on top of the fourfold codes and links.
  case turbo
}

/// How rows are kept for the precise re-rank and for export.
public enum PreciseRows: String, Sendable, Hashable, Codable, CaseIterable {
  /// As they are: 4 bytes per component, and 2 when all components of all rows are half-precision numbers and
  /// the walk runs on codes. The default.
  case float32 = "f32"
  /// 8 bits of precision and the range of `Float`: 2 bytes per component.
  case bfloat16 = "bf16"
  /// 11 bits of precision, up to 65 504: 2 bytes per component.
  case float16 = "f16"
  /// Not at all: distances are then estimates, and rows cannot be exported.
  case none
}

extension VectorIndex {
  /// Everything that shapes an index.
  ///
  /// The same configuration, rows and ids give the same bytes.
  public struct Configuration: Sendable, Hashable {
    /// Components per vector, 1 to 16 384.
    public var dimensions: Int
    /// What near means.
    public var metric: Metric
    /// How the graph is built.
    public var graph = GraphParameters()
    /// What the walk compares.
    ///
    /// Default `.automatic`.
    public var codes = CodeKind.automatic
    /// How what the walk reads is laid out.
    ///
    /// Default `.automatic`.
    public var mode = IndexMode.automatic
    /// How rows are kept for the re-rank.
    ///
    /// Default `.float32`.
    public var preciseRows = PreciseRows.float32
    /// Where levels, the order of insertion and the rotation of the codes come from.
    ///
    /// Default 1.
    public var seed: UInt64 = 1

    /// The defaults for a kind of vectors.
    public init(dimensions: Int, metric: Metric) {
      self.dimensions = dimensions
      self.metric = metric
      // Half of the links by each of two rules are chosen among fewer: recsys-64 needs no more evaluations than
      // with all (380 against 428 at recall 0.99, within what seeds differ by).
      if metric == .innerProduct { graph.efConstruction = 200 }
    }
  }
}

extension VectorIndex.Configuration {
  var buildOptions: BuildOptions {
    var options = BuildOptions(dimensions: dimensions, metric: metric)
    options.graph.m = graph.m
    options.graph.efConstruction = graph.efConstruction
    options.graph.extendsCandidates = graph.extendsCandidates
    options.graph.keepsPruned = graph.keepsPruned
    options.graph.seed = seed
    switch codes {
    case .automatic:
      options.codes = .int8
      options.mayPartCodes = true
    case .int8: options.codes = .int8
    case .int4: options.codes = .int4
    case .none: options.codes = .none
    }
    // NDL-0006: there is nothing yet that rows with their neighbours' bits are chosen for.
    options.layout = mode == .turbo ? .turbo : .compact
    options.precise =
      switch preciseRows {
      case .float32: .float32
      case .bfloat16: .bfloat16
      case .float16: .float16
      case .none: .none
      }
    return options
  }

  init(_ options: BuildOptions) {
    self.init(dimensions: options.dimensions, metric: options.metric)
    graph.m = options.graph.m
    graph.efConstruction = options.graph.efConstruction
    graph.extendsCandidates = options.graph.extendsCandidates
    graph.keepsPruned = options.graph.keepsPruned
    seed = options.graph.seed
    codes =
      switch options.codes {
      case .int8: .int8
      case .int4: .int4
      case .none: .none
      }
    mode = options.layout == .turbo ? .turbo : .compact
    preciseRows =
      switch options.precise {
      case .float32, .givenFloat16: .float32
      case .bfloat16: .bfloat16
      case .float16: .float16
      case .none: .none
      }
  }
}
