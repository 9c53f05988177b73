/// Which items a search may answer with: sets and bitmaps of ids, predicates on attributes, and what `&`, `|`
/// and `!` make of them.
///
/// A filter is a value that knows nothing of an index; `Snapshot.compile` turns it into one bit per row, which
/// any number of searches then use.
///
/// ```swift
/// let filter = Filter.allow(inStock) & !Filter.allow(seen)
/// let compiled = try snapshot.compile(filter)
/// let result = try snapshot.search(query, k: 10, filter: compiled)
/// ```
///
/// Predicates are made of `attribute(_:)` and `tag(_:in:)`. `&&` and `||` do what `&` and `|` do, and bind less
/// than comparisons: `attribute("price") < 20 && tag("in_stock")`.
///
/// Ids that an index does not have are no error: they match nothing.
public struct Filter: Sendable, Hashable {
  /// What a filter is made of.
  package indirect enum Node: Sendable, Hashable {
    case everything
    case ids([VectorID])
    /// Bit `i` of word `w` stands for the id `first + 64·w + i`.
    case bitmap([UInt64], first: VectorID)
    case attribute(AttributePredicate)
    case both(Filter, Filter)
    case either(Filter, Filter)
    case complement(Filter)
    /// Operators over a limit: what they joined is let go, so that nothing walks, or frees, a structure
    /// deeper than the stack.
    case refused
  }

  package let node: Node
  /// Operators inside one another.
  private let depth: Int
  private let parts: Int
  private let idCount: Int
  private let bitCount: Int

  private init(_ node: Node, ids: Int = 0, bits: Int = 0) {
    self.node = node
    depth = 0
    parts = 1
    idCount = ids
    bitCount = bits
  }

  /// Joins filters; lets go of them where they are more than may be compiled.
  private init(_ filters: Filter..., by join: () -> Node) {
    var (depth, parts, ids, bits) = (0, 1, 0, 0)
    for filter in filters {
      depth = max(depth, filter.depth + 1)
      parts += filter.parts
      // Arrays of so many elements fit into no memory: their sum overflows nothing.
      ids += filter.idCount
      bits += filter.bitCount
    }
    let isRefused = depth > Limits.filterDepth || parts > Limits.partsPerFilter
    node = isRefused ? .refused : join()
    self.depth = isRefused ? Limits.filterDepth : depth
    self.parts = isRefused ? Limits.partsPerFilter : parts
    idCount = isRefused ? 0 : ids
    bitCount = isRefused ? 0 : bits
  }

  /// Ids and values that it lists, and words of its bitmaps.
  package var listedCount: Int { idCount + bitCount / 64 }

  /// Matches every id.
  public static let all = Filter(.everything)

  /// Matches the ids of a set, in any order; repeated ids count once.
  ///
  /// - Complexity: O(ids).
  public static func allow(_ ids: some Sequence<VectorID>) -> Filter {
    let ids = Array(ids)
    return Filter(.ids(ids), ids: ids.count)
  }

  /// Matches all ids but those of a set: what a user has seen already.
  ///
  /// - Complexity: O(ids).
  public static func deny(_ ids: some Sequence<VectorID>) -> Filter { !allow(ids) }

  /// Matches the ids whose bits are set.
  ///
  /// - Parameters:
  ///   - words: bit `i` of word `w`, from the lowest up, stands for the id `first + 64·w + i`; ids beyond the
  ///     words do not match, nor do those beyond `VectorID.max`.
  ///   - first: the id of the first bit. Default 0.
  /// - Returns: the filter; `Limits` are checked when it is compiled.
  public static func bitmap(_ words: [UInt64], first: VectorID = 0) -> Filter {
    Filter(.bitmap(words, first: first), bits: words.count.multipliedReportingOverflow(by: 64).0)
  }

  /// Matches what a predicate says of an attribute.
  static func attribute(_ predicate: AttributePredicate) -> Filter {
    Filter(.attribute(predicate), ids: predicate.valueCount)
  }

  /// Matches what both filters match; as `&`.
  public static func && (left: Filter, right: Filter) -> Filter { left & right }

  /// Matches what either filter matches; as `|`.
  public static func || (left: Filter, right: Filter) -> Filter { left | right }

  /// Matches what both filters match.
  public static func & (left: Filter, right: Filter) -> Filter {
    Filter(left, right) { .both(left, right) }
  }

  /// Matches what either filter matches.
  public static func | (left: Filter, right: Filter) -> Filter {
    Filter(left, right) { .either(left, right) }
  }

  /// Matches what the filter does not.
  public static prefix func ! (filter: Filter) -> Filter {
    Filter(filter) { .complement(filter) }
  }

  /// Refuses a filter that is larger than `Limits` allow, before anything is allocated for it.
  ///
  /// - Throws: `capacityExceeded`, with the number and the limit.
  package func validate() throws(NeedletailError) {
    if node == .refused {
      throw NeedletailError(
        .capacityExceeded,
        "The filter has operators more than \(Limits.filterDepth) deep, or more than"
          + " \(Limits.partsPerFilter) parts; put the ids of several sets into one.")
    }
    try Self.check("ids and values", idCount, Limits.idsPerFilter)
    try Self.check("bits", bitCount, Limits.bitsPerFilter)
  }

  private static func check(
    _ name: String, _ count: Int, _ limit: Int
  ) throws(NeedletailError) {
    guard count > limit else { return }
    throw NeedletailError(
      .capacityExceeded, "The filter has \(count) \(name); the most is \(limit).")
  }
}
