package import NeedletailCore
import NeedletailKernels

/// The comparison of one query with every row of a view, a piece at a time.
///
/// Rows are compared as a re-rank compares them, in double and in fixed order: precise rows where there are some, what
/// codes stand for otherwise. So what comes out does not depend on the pieces, and its distances are those of answers,
/// to within the rounding of these.
package struct ExactPass: Sendable {
  /// A row that is among the nearest so far.
  private struct Found {
    var neighbor: Neighbor
    var distance: Double
  }

  private let view: IndexView
  private let sets: [RowSet]?
  private let metric: Metric
  private let k: Int
  /// `[dimensions]`; a unit vector under cosine.
  private let query: [Float]
  /// The same in the space of a sealed segment's codes, where these are all there is; empty otherwise.
  private let projected: [[Float]]
  /// The part, sealed ones first, and its row that come next.
  private var part = 0
  private var next = 0
  /// The nearest so far, in no order, and some more.
  private var found: [Found] = []
  /// What is farther is not among the nearest.
  private var threshold = Float.infinity
  /// The greatest squared norm of a row, where distances are measured by it.
  private var longest = 0.0
  /// Rows that were compared.
  package private(set) var comparedRows = 0

  /// The relative width within which two distances are equal, as for every judge of recall.
  private static let tolerance = 1e-6

  /// - Precondition: `sets` is of the view's own stack.
  /// - Throws: `dimensionMismatch`, `nonFiniteComponent`, `zeroVector`; `invalidConfiguration` or
  ///   `capacityExceeded` for `k`.
  package init(
    _ view: IndexView, _ query: [Float], k: Int, among sets: StackRows?
  ) throws(NeedletailError) {
    let options = view.generation.segment.parameters.options
    guard query.count == options.dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        "The query has \(query.count) components; the index has \(options.dimensions) dimensions.")
    }
    try SearchParameters(k: k, efSearch: 1).validate()
    self.view = view
    self.sets = sets?.parts
    self.k = k
    metric = options.metric
    let query = try Self.admit(query, options.metric)
    self.query = query
    projected = view.stack.sealed.map { part in
      let space = JudgedSpace(part.segment)
      guard space.isCoded, let quantizer = part.segment.quantizer else { return [] }
      var own = query
      unsafe own.withUnsafeMutableBufferPointer { own in
        if let start = own.baseAddress { unsafe quantizer.project(start) }
      }
      return own
    }
    skipFinished()
  }

  /// The query as rows are compared with it.
  private static func admit(_ query: [Float], _ metric: Metric) throws(NeedletailError) -> [Float] {
    let norm = FixedOrder.squaredNorm(query.span)
    let isCosine = metric == .cosine
    guard norm.isFinite, isCosine ? norm > 0 : norm <= RowFindings.largestSquaredNorm else {
      throw unsafe query.withUnsafeBufferPointer { query in
        unsafe SealedSegment.refusal(query.baseAddress.unsafelyUnwrapped, query.count, norm)
      }
    }
    guard isCosine else { return query }
    let inverse = 1 / norm.squareRoot()
    return query.map { Float(Double($0) * inverse) }
  }

  /// Whether all rows were looked at.
  package var isDone: Bool { part == view.stack.sealed.count + view.stack.live.count }

  /// Rows that there are to look at, those that are not shown among them.
  package var rowCount: Int {
    view.stack.sealed.reduce(0) { $0 + $1.segment.count }
      + view.stack.live.reduce(0) { $0 + $1.view.count }
  }

  // MARK: - Comparing

  /// Looks at so many rows more, at least one.
  ///
  /// - Complexity: O(rows·dimensions); 64 rows that are not in the set count as one.
  package mutating func advance(_ rows: Int) {
    var left = max(1, rows)
    while left > 0, !isDone {
      let sealed = view.stack.sealed
      if part < sealed.count {
        compare(sealed[part], &left)
      } else {
        compare(view.stack.live[part - sealed.count], &left)
      }
      skipFinished()
    }
    if isDone { shrink() }
  }

  /// Goes on to the next part that has rows left.
  private mutating func skipFinished() {
    let (sealed, live) = (view.stack.sealed, view.stack.live)
    while !isDone {
      let count =
        part < sealed.count ? sealed[part].segment.count : live[part - sealed.count].view.count
      if next < count { return }
      (part, next) = (part + 1, 0)
    }
  }

  /// The next row of a part to compare, where there is one within what is left to look at.
  private mutating func nextRow(of count: Int, _ set: RowSet?, _ left: inout Int) -> UInt32? {
    while next < count, left > 0 {
      left -= 1
      guard let set else {
        next += 1
        return UInt32(truncatingIfNeeded: next - 1)
      }
      if next % 64 == 0, unsafe set.words[next / 64] == 0 {
        next += 64
        continue
      }
      next += 1
      let ordinal = UInt32(truncatingIfNeeded: next - 1)
      if set.contains(ordinal) { return ordinal }
    }
    return nil
  }

  private mutating func compare(_ part: SegmentPart, _ left: inout Int) {
    let segment = part.segment
    let compared = ComparedRows(segment)
    let set = sets?[self.part]
    let hasWithdrawn = !segment.withdrawn.isEmpty
    let target = projected[self.part].isEmpty ? query : projected[self.part]
    unsafe target.withUnsafeBufferPointer { target in
      unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: target.count) { buffer in
        guard let query = target.baseAddress, let scratch = buffer.baseAddress else { return }
        while let ordinal = nextRow(of: segment.count, set, &left) {
          if let dead = part.dead, dead.contains(ordinal) { continue }
          if hasWithdrawn, segment.withdrawn.contains(ordinal) { continue }
          let row = unsafe compared.row(ordinal, scratch)
          unsafe take(compared.distance(query, row), row, target.count, segment.id(ordinal))
        }
      }
    }
  }

  private mutating func compare(_ part: LivePart, _ left: inout Int) {
    let segment = part.segment
    let set = sets?[self.part]
    let sight = LiveSight(part.view.moment, segment.tables, among: nil)
    let covered = min(part.view.count, set?.rows ?? .max)
    let target = query
    unsafe target.withUnsafeBufferPointer { target in
      unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: target.count) { buffer in
        guard let query = target.baseAddress, let row = buffer.baseAddress else { return }
        while let ordinal = nextRow(of: covered, set, &left) {
          guard sight.shows(ordinal) else { continue }
          unsafe segment.copyRow(ordinal, part.view, into: row)
          let distance = unsafe ComparedRows.distance(metric, query, row, target.count)
          unsafe take(distance, row, target.count, segment.id(of: ordinal, part.view))
        }
      }
    }
    if next >= covered { next = part.view.count }
  }

  /// Keeps a row that may be among the nearest.
  @unsafe
  private mutating func take(
    _ distance: Double, _ row: UnsafePointer<Float>, _ dimensions: Int, _ id: VectorID
  ) {
    comparedRows += 1
    if metric == .innerProduct {
      longest = unsafe max(longest, FixedOrder.squaredNorm(row, count: dimensions))
    }
    let rounded = Float(distance)
    guard rounded <= threshold else { return }
    found.append(Found(neighbor: Neighbor(id: id, distance: rounded), distance: distance))
    if found.count >= 2 * k + 1_024 { shrink() }
  }

  /// Puts what was found in order, and leaves the nearest.
  private mutating func shrink() {
    found.sort { Neighbor.precedes($0.neighbor, $1.neighbor) }
    guard found.count >= k else { return }
    found.removeLast(found.count - k)
    threshold = found[k - 1].neighbor.distance
  }

  // MARK: - Judging

  /// The nearest of the rows that were looked at, nearest first, ties by id.
  package var neighbors: [Neighbor] {
    var own = self
    own.shrink()
    return own.found.map(\.neighbor)
  }

  /// The greatest distance of a right answer.
  ///
  /// - Precondition: all rows were looked at.
  private var limit: Double {
    guard found.count == k, let last = found.last?.distance else { return .infinity }
    let scale =
      switch metric {
      case .squaredEuclidean: last
      case .cosine: 1.0
      case .innerProduct: (FixedOrder.squaredNorm(query.span) * longest).squareRoot()
      }
    return last + Self.tolerance * scale
  }

  /// How many of the ids of an answer are right: the first `k`, each once, whose distance is no more than that of the
  /// `k`-th nearest row.
  ///
  /// - Precondition: all rows were looked at.
  /// - Complexity: O(k·(log n + d)); one pass over the ids of rows in memory.
  package func found(in answer: [Neighbor]) -> Int {
    let limit = limit
    var seen: Set<VectorID> = []
    let ids = answer.prefix(k).map(\.id).filter { seen.insert($0).inserted }
    var right = 0
    for (number, part) in view.stack.sealed.enumerated() {
      let compared = ComparedRows(part.segment)
      let target = projected[number].isEmpty ? query : projected[number]
      for id in ids {
        guard let ordinal = part.ordinal(of: id), sets?[number].contains(ordinal) ?? true else {
          continue
        }
        if compared.distance(target, ordinal) <= limit { right += 1 }
      }
    }
    for (number, part) in view.stack.live.enumerated() {
      let set = sets?[view.stack.sealed.count + number]
      let ordinals =
        (try? part.segment.ordinals(of: ids, part.view)) ?? ids.map { part.ordinal(of: $0) }
      for case let ordinal? in ordinals where set?.contains(ordinal) ?? true {
        if distance(part, ordinal) <= limit { right += 1 }
      }
    }
    return min(right, found.count)
  }

  private func distance(_ part: LivePart, _ ordinal: UInt32) -> Double {
    unsafe query.withUnsafeBufferPointer { query in
      unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: query.count) { buffer in
        guard let start = query.baseAddress, let row = buffer.baseAddress else { return .infinity }
        unsafe part.segment.copyRow(ordinal, part.view, into: row)
        return unsafe ComparedRows.distance(metric, start, row, query.count)
      }
    }
  }
}
