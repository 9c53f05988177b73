package import NeedletailCore
import NeedletailKernels

extension LivePart {
  /// The rows of the view whose ids match a filter.
  ///
  /// - Throws: as `SealedSegment.rows(matching:)`.
  /// - Complexity: O(parts·rows), a look into a hash table per row and list of ids.
  package func rows(matching filter: Filter) throws(NeedletailError) -> RowSet {
    try filter.validate()
    let bits = try bits(matching: filter)
    for ordinal in 0..<UInt32(view.count) where !segment.shows(ordinal, view) {
      bits.remove(ordinal)
    }
    return RowSet(bits)
  }

  /// The depth of the recursion is that of the filter, which was checked.
  private func bits(matching filter: Filter) throws(NeedletailError) -> RowBits {
    let bits = try RowBits(rows: view.count)
    switch filter.node {
    case .everything: bits.invert()
    case .refused: break
    case .ids(let ids):
      let listed = Set(ids)
      insert(bits) { listed.contains($0) }
    case .bitmap(let words, let first):
      insert(bits) { id in
        guard id >= first, id - first < UInt64(words.count) * 64 else { return false }
        return words[Int(id - first) / 64] >> ((id - first) % 64) & 1 != 0
      }
    case .complement(let inner):
      bits.formUnion(try self.bits(matching: inner))
      bits.invert()
    case .both(let left, let right):
      bits.formUnion(try self.bits(matching: left))
      bits.formIntersection(try self.bits(matching: right))
    case .either(let left, let right):
      bits.formUnion(try self.bits(matching: left))
      bits.formUnion(try self.bits(matching: right))
    }
    return bits
  }

  private func insert(_ bits: borrowing RowBits, _ matches: (VectorID) -> Bool) {
    for ordinal in 0..<UInt32(view.count) where matches(segment.id(of: ordinal, view)) {
      bits.insert(ordinal)
    }
  }

  /// Finds the rows of a set that are nearest to a query, by ranking all of them.
  ///
  /// - Throws: as the search without a set.
  /// - Complexity: O(n·d) for the `n` rows of the set.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, among set: RowSet,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    let scratch = try SearchScratch.ofThisThread()
    var outcome = SearchOutcome()
    outcome.efSearch = parameters.efSearch
    outcome.plan = .exact
    outcome.survivors = set.count
    try scratch.reserve(
      rows: 1, width: max(1, set.count), degree: 1, dimensions: segment.options.build.dimensions)
    unsafe try segment.admit(query, scratch.buffers)
    var listed = 0
    for ordinal in set.ordinals where segment.shows(ordinal, view) {
      unsafe scratch.buffers.ordinals[listed] = ordinal
      listed += 1
    }
    if listed > 0 {
      unsafe segment.rerank(listed, parameters.k, scratch.buffers, &outcome, answers)
    }
    outcome.evaluations = listed
    return outcome
  }
}
