import NeedletailCore

/// The rows of a part of an index, which filters choose among.
protocol FilterableRows {
  /// Rows, whether they are shown or not.
  var count: Int { get }
  /// The rows of a list of ids.
  func bits(ids: [VectorID]) throws(NeedletailError) -> RowBits
  /// The rows whose ids have their bits set: bit `i` of word `w` is that of `first + 64·w + i`.
  func bits(_ words: [UInt64], from first: VectorID) throws(NeedletailError) -> RowBits
  /// The rows whose attributes pass a test.
  func bits(_ predicate: AttributePredicate) throws(NeedletailError) -> RowBits
}

extension FilterableRows {
  /// The rows that match a filter.
  ///
  /// The depth of the recursion is that of the filter.
  ///
  /// - Precondition: the filter was validated.
  func bits(matching filter: Filter) throws(NeedletailError) -> RowBits {
    switch filter.node {
    case .everything, .refused:
      let bits = try RowBits(rows: count)
      if filter.node == .everything { bits.invert() }
      return bits
    case .ids(let ids): return try bits(ids: ids)
    case .bitmap(let words, let first): return try bits(words, from: first)
    case .attribute(let predicate): return try bits(predicate)
    case .complement(let inner):
      let bits = try bits(matching: inner)
      bits.invert()
      return bits
    case .both(let left, let right):
      let bits = try bits(matching: left)
      bits.formIntersection(try self.bits(matching: right))
      return bits
    case .either(let left, let right):
      let bits = try bits(matching: left)
      bits.formUnion(try self.bits(matching: right))
      return bits
    }
  }
}
