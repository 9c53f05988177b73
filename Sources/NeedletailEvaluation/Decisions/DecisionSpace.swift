/// The values among which a decision is made; every list ascends, and none is empty.
public struct DecisionSpace: Sendable, Hashable {
  /// Layouts, the one to begin with first.
  public var layouts: [IndexLayout]
  /// Links of a row.
  public var m: [Int]
  /// Candidates of a build.
  public var efConstruction: [Int]
  /// Widths of a walk.
  public var efSearch: [Int]
  /// Depths of the re-rank, from the least recall to the most.
  public var reranks: [RerankDepth]

  /// Makes a space; values that come twice count once.
  public init(
    layouts: [IndexLayout], m: [Int], efConstruction: [Int], efSearch: [Int],
    reranks: [RerankDepth]
  ) {
    self.layouts = layouts
    self.m = Set(m).sorted()
    self.efConstruction = Set(efConstruction).sorted()
    self.efSearch = Set(efSearch).sorted()
    self.reranks = Set(reranks).sorted()
  }

  /// Widths that grow by a fifth, both ends included.
  ///
  /// A fifth more width is about a tenth more work: steps of that size come within 5 % of any width between.
  ///
  /// - Returns: ascending; none where `last` is below `first`.
  /// - Precondition: `first` is at least 1.
  public static func widths(from first: Int, through last: Int) -> [Int] {
    precondition(first > 0, "a walk has a width")
    guard first <= last else { return [] }
    var widths: [Int] = []
    var width = first
    while width < last {
      widths.append(width)
      width = max(width + 1, Int((Double(width) * 1.2).rounded()))
    }
    return widths + [last]
  }

  /// The values that are within limits.
  public func limited(m: Int, efConstruction: Int, efSearch: Int) -> DecisionSpace {
    DecisionSpace(
      layouts: layouts, m: self.m.filter { $0 <= m },
      efConstruction: self.efConstruction.filter { $0 <= efConstruction },
      efSearch: self.efSearch.filter { $0 <= efSearch }, reranks: reranks)
  }

  /// The axis that has no value left; `nil` where there is a choice on each.
  public var emptyAxis: String? {
    if layouts.isEmpty { return "codes" }
    if m.isEmpty { return "m" }
    if efConstruction.isEmpty { return "efConstruction" }
    if efSearch.isEmpty { return "efSearch" }
    return reranks.isEmpty ? "rerank" : nil
  }

  /// Every design, layouts slowest.
  public var designs: [IndexDesign] {
    layouts.flatMap { layout in
      m.flatMap { m in
        efConstruction.map { IndexDesign(layout: layout, m: m, efConstruction: $0) }
      }
    }
  }
}
