import NeedletailCore

/// What shows that ground truth, rows and ids do not belong together.
///
/// A judge that believes anything gives a number for anything. So what can be recomputed is compared.
extension RecallJudge {
  /// How far a stated distance may be from the recomputed one, relative to the scale of the distance:
  /// others compute in `Float`, and in other orders.
  private static let statedTolerance = 1e-3
  /// The same for an answer that is nearer than the ground truth's last row.
  private static let evidenceTolerance = 1e-5

  /// Refuses a ground truth whose first k rows are not k rows.
  static func checkRowsAreDistinct(_ groundTruth: GroundTruth, k: Int) throws(NeedletailError) {
    var places: [Int: Int] = [:]
    for query in 0..<groundTruth.count {
      places.removeAll(keepingCapacity: true)
      for (rank, row) in groundTruth[query].prefix(k).enumerated() {
        guard let earlier = places.updateValue(rank, forKey: row) else { continue }
        throw NeedletailError(
          .corrupted,
          """
          The ground truth of query \(query) names row \(row) twice, at places \(earlier) and \
          \(rank). Make it anew with `needletail groundtruth`.
          """)
      }
    }
  }

  /// Refuses stated distances that no convention explains.
  ///
  /// Looked at are the first three and the k-th of every query. Files of other tools state a Euclidean
  /// distance without the square, or a product without the sign.
  func checkStatedDistances(_ rows: VectorMatrix) throws(NeedletailError) {
    guard let stated = groundTruth.distances else { return }
    var best: (query: Int, error: NeedletailError)?
    for convention in Convention.of(metric) {
      guard let fault = fault(of: stated, rows, under: convention) else { return }
      if let best, best.query >= fault.query { continue }
      best = fault
    }
    if let best { throw best.error }
  }

  private func fault(
    of stated: [Float], _ rows: VectorMatrix, under convention: Convention
  ) -> (query: Int, error: NeedletailError)? {
    let last = neighborsPerQuery - 1
    let places = (0..<min(3, last)) + [last]
    for query in 0..<queries.count {
      let components = queries[query]
      let bound = bounds[query]
      // Where a distance is the small difference of large squares, `Float` leaves that much open.
      let slack = metric == .squaredEuclidean ? 1e-5 * bound.magnitude : 0
      for rank in places {
        let position = query * groundTruth.width + rank
        let row = groundTruth.rows[position]
        let exact = ExactDistance.between(components, rows[row], metric: metric)
        let found = convention.distance(Double(stated[position]))
        guard exact.isFinite else { continue }
        guard abs(found - exact) <= Self.statedTolerance * abs(bound.scale) + slack else {
          return (
            query,
            NeedletailError(
              .corrupted,
              """
              The ground truth states \(stated[position]) as distance of query \(query) at place \
              \(rank), row \(row); on these rows it is \(Float(exact)). It belongs to other vectors, \
              other queries or another metric; make it anew with `needletail groundtruth`.
              """)
          )
        }
      }
    }
    return nil
  }

  /// Refuses answers that a ground truth of these rows could not miss.
  func checkNoneIsNearer(
    _ answers: ArraySlice<Neighbor>, query: Int
  ) throws(NeedletailError) {
    guard let rows else { return }
    let truth = groundTruth[query].prefix(neighborsPerQuery)
    let bound = bounds[query]
    let slack = metric == .squaredEuclidean ? max(bound.scale, bound.magnitude) : bound.scale
    let components = queries[query]
    for answer in answers.prefix(neighborsPerQuery) {
      guard let row = row(of: answer.id), !truth.contains(row) else { continue }
      let exact = ExactDistance.between(components, rows[row], metric: metric)
      guard exact < bound.last - Self.evidenceTolerance * slack else { continue }
      throw NeedletailError(
        .corrupted,
        """
        Query \(query) has an answer, id \(answer.id), at distance \(Float(exact)); the ground \
        truth's \(neighborsPerQuery) nearest reach to \(Float(bound.last)) and lack it. So the ground \
        truth, the base or the ids are not those of this index.
        """)
    }
  }

  /// How a file may state distances.
  private enum Convention {
    case asHere, root, negated, oneMore, oneLess

    static func of(_ metric: Metric) -> [Convention] {
      switch metric {
      case .squaredEuclidean: [.asHere, .root]
      case .innerProduct: [.asHere, .negated, .oneMore]
      case .cosine: [.asHere, .oneLess]
      }
    }

    /// The distance as it is here, from what is stated.
    func distance(_ stated: Double) -> Double {
      switch self {
      case .asHere: stated
      case .root: stated * stated
      case .negated: -stated
      case .oneMore: stated - 1
      case .oneLess: 1 - stated
      }
    }
  }
}
