/// How what a walk reads is laid out, in the names of the engine that builds it.
public struct IndexLayout: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Where codes and links lie: `compact`, `turbo`.
  public var mode: String
  /// What the walk compares: `int8`, `int4`, `none`.
  public var codes: String

  /// Makes a layout of its names.
  public init(mode: String, codes: String) {
    self.mode = mode
    self.codes = codes
  }

  /// Both names.
  public var description: String { "\(mode) \(codes)" }
}

/// All that has to be known before an index is built.
public struct IndexDesign: Sendable, Hashable, Codable {
  /// How what a walk reads is laid out.
  public var layout: IndexLayout
  /// Links of a row on an upper level.
  public var m: Int
  /// Candidates looked at when a row is linked.
  public var efConstruction: Int

  /// Makes a design.
  public init(layout: IndexLayout, m: Int, efConstruction: Int) {
    self.layout = layout
    self.m = m
    self.efConstruction = efConstruction
  }
}

/// How many candidates of a walk are ranked anew on precise rows.
public enum RerankDepth: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// None: the index needs no precise rows, and answers carry estimates.
  case none
  /// The best so many.
  case rows(Int)
  /// As many as the rounding of the codes leaves open: no depth finds more.
  case automatic

  /// One word: `none`, a number, `auto`.
  public var description: String {
    switch self {
    case .none: "none"
    case .rows(let count): "\(count)"
    case .automatic: "auto"
    }
  }

  /// The place among depths that come to the same: what needs no option first.
  var plainness: Int {
    switch self {
    case .automatic: 0
    case .none: 1
    case .rows: 2
    }
  }

  /// Whether it needs precise rows.
  public var needsRows: Bool { self != .none }
}

extension RerankDepth: Encodable {
  /// One word: `none`, a number, `auto`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// One way to build an index and to search it: what a decision chooses.
public struct DecisionCandidate: Sendable, Hashable, Encodable {
  /// How it is built.
  public var design: IndexDesign
  /// The width of a walk.
  public var efSearch: Int
  /// What is ranked anew.
  public var rerank: RerankDepth

  /// Makes a candidate.
  public init(design: IndexDesign, efSearch: Int, rerank: RerankDepth) {
    self.design = design
    self.efSearch = efSearch
    self.rerank = rerank
  }
}
