public import NeedletailCore

/// What the judge recomputes the distances of answers on.
public enum RecallBasis: String, Sendable, Hashable, Codable {
  /// The rows of the file that the ground truth was made from.
  case base
  /// The Float rows that the index itself keeps.
  case indexRows = "index rows"
  /// Comparisons of queries with every row, made by the index itself on what it keeps.
  case exactSearch = "exact search"
  /// No rows: an answer is right when its id is among the ground truth's first k.
  case ids
}

/// Decides which answers are right, in one place for every engine.
///
/// An answer counts when the exact distance of its row, recomputed in double, is at most
/// `d_k + 1e-6·s`. `d_k` is the exact distance of the ground truth's k-th row; `s` is `d_k` for squared
/// L2, 1 for cosine, and `‖q‖·max‖x‖` for inner product. So ties and rounding cost nobody anything. The
/// second mention of an id is wrong, and so are a missing answer and an id that nobody added.
public struct RecallJudge: Sendable {
  /// What the answers are judged on.
  public let basis: RecallBasis
  /// The neighbours that a query can have: `min(k, rows)`.
  public let neighborsPerQuery: Int
  /// The relative width within which two distances are equal.
  public static let tolerance = 1e-6

  let rows: VectorMatrix?
  let queries: VectorMatrix
  let metric: Metric
  private let rowOfID: [VectorID: Int]?
  private let rowCount: Int
  let groundTruth: GroundTruth
  /// One for each query; none when ids decide.
  let bounds: [Bound]

  /// What an answer to one query is held against.
  struct Bound {
    /// The exact distance of the ground truth's k-th row.
    var last: Double
    /// What is small and what is large, in the units of the distance.
    var scale: Double
    /// Squared norms of query and k-th row: what rounding in `Float` is relative to.
    var magnitude: Double

    /// The greatest distance of a right answer.
    var limit: Double { last + tolerance * scale }
  }

  /// Makes a judge for one set of queries.
  ///
  /// - Parameters:
  ///   - rows: `[n, d]`, the rows that the ground truth numbers; nil judges by ids.
  ///   - basis: What `rows` are; `.ids` when there are none.
  ///   - rowCount: `n`.
  ///   - identities: The id of each row, in the order of the rows; nil when an id is its row's number.
  ///   - queries: `[q, d]`.
  ///   - groundTruth: The rows nearest to each query, nearest first.
  ///   - metric: The metric of the ground truth.
  ///   - k: The neighbours asked for.
  /// - Throws: `invalidConfiguration` when k is not positive or the ground truth is narrower than k;
  ///   `dimensionMismatch` when the shapes do not fit each other; `corrupted` when the ground truth names
  ///   a row twice, or states distances that are not those of the rows.
  public init(
    rows: VectorMatrix?, basis: RecallBasis, rowCount: Int, identities: [VectorID]? = nil,
    queries: VectorMatrix, groundTruth: GroundTruth, metric: Metric, k: Int
  ) throws(NeedletailError) {
    try Self.check(
      rows: rows, rowCount: rowCount, identities: identities, queries: queries,
      groundTruth: groundTruth, k: k)
    self.rows = rows
    self.basis = rows == nil ? .ids : basis
    self.queries = queries
    self.metric = metric
    self.rowCount = rowCount
    self.groundTruth = groundTruth
    neighborsPerQuery = min(k, rowCount)
    if let identities {
      rowOfID = Dictionary(
        zip(identities, identities.indices), uniquingKeysWith: { first, _ in first })
    } else {
      rowOfID = nil
    }
    if let rows {
      bounds = try Self.bounds(
        rows: rows, queries: queries, groundTruth: groundTruth, metric: metric,
        k: min(k, rowCount))
      try checkStatedDistances(rows)
    } else {
      bounds = []
    }
  }

  /// The share of the answers that are right, from 0 to 1, over all queries.
  ///
  /// - Precondition: `answers` has a row for every query.
  /// - Complexity: one exact distance, d multiplications, for each answer.
  public func recall(of answers: SearchAnswers) -> Double {
    precondition(answers.counts.count == queries.count, "answers to other queries")
    let possible = queries.count * neighborsPerQuery
    guard possible > 0 else { return 1 }
    var right = 0
    for query in 0..<queries.count { right += rightAnswers(answers[query], query: query) }
    return Double(right) / Double(possible)
  }

  /// The same, unless an answer proves that the ground truth is not that of these rows.
  ///
  /// - Throws: `corrupted` when an answer is nearer than the ground truth's k-th row, by more than
  ///   rounding explains, and not among its first k.
  /// - Complexity: as `recall(of:)`, twice.
  public func checkedRecall(of answers: SearchAnswers) throws(NeedletailError) -> Double {
    precondition(answers.counts.count == queries.count, "answers to other queries")
    for query in 0..<queries.count { try checkNoneIsNearer(answers[query], query: query) }
    return recall(of: answers)
  }

  /// How many answers to one query are right.
  public func rightAnswers(_ answers: ArraySlice<Neighbor>, query: Int) -> Int {
    var seen = Set<VectorID>()
    var right = 0
    let components = rows == nil ? [] : queries[query]
    for answer in answers.prefix(neighborsPerQuery) {
      guard seen.insert(answer.id).inserted, let row = row(of: answer.id) else { continue }
      if let rows {
        let distance = ExactDistance.between(components, rows[row], metric: metric)
        if distance <= bounds[query].limit { right += 1 }
      } else if groundTruth[query].prefix(neighborsPerQuery).contains(row) {
        right += 1
      }
    }
    return right
  }

  func row(of id: VectorID) -> Int? {
    if let rowOfID { return rowOfID[id] }
    return id < UInt64(rowCount) ? Int(id) : nil
  }
}

extension RecallJudge {
  /// Refuses shapes that do not fit each other; what `init` does first, and cheap.
  package static func check(
    rows: VectorMatrix?, rowCount: Int, identities: [VectorID]?, queries: VectorMatrix,
    groundTruth: GroundTruth, k: Int
  ) throws(NeedletailError) {
    guard k > 0 else {
      throw NeedletailError(.invalidConfiguration, "k is \(k); ask for at least 1 neighbour.")
    }
    if let rows, rows.count != rowCount || rows.dimensions != queries.dimensions {
      throw NeedletailError(
        .dimensionMismatch,
        """
        The base has \(rows.count) rows of \(rows.dimensions) components; the index has \(rowCount) \
        rows and the queries have \(queries.dimensions) components. Give the file that the index \
        was built from.
        """)
    }
    if let identities, identities.count != rowCount {
      throw NeedletailError(
        .dimensionMismatch, "There are \(identities.count) ids for \(rowCount) rows.")
    }
    guard groundTruth.count == queries.count else {
      throw NeedletailError(
        .dimensionMismatch,
        """
        The ground truth answers \(groundTruth.count) queries, and there are \(queries.count). Give \
        the ground truth of these queries (`needletail groundtruth` makes it).
        """)
    }
    guard groundTruth.width >= min(k, rowCount) else {
      throw NeedletailError(
        .invalidConfiguration,
        """
        k is \(k), and the ground truth holds \(groundTruth.width) neighbours a query. Ask for fewer, \
        or make a wider ground truth with `needletail groundtruth --k \(k)`.
        """)
    }
    if let beyond = groundTruth.rows.first(where: { $0 >= rowCount }) {
      throw NeedletailError(
        .dimensionMismatch,
        """
        The ground truth names row \(beyond), and the index has \(rowCount) rows. Give the ground \
        truth of the vectors that the index was built from.
        """)
    }
    try checkRowsAreDistinct(groundTruth, k: min(k, rowCount))
  }

  private static func bounds(
    rows: VectorMatrix, queries: VectorMatrix, groundTruth: GroundTruth, metric: Metric, k: Int
  ) throws(NeedletailError) -> [Bound] {
    var largestNorm = 0.0
    if metric == .innerProduct {
      for row in 0..<rows.count { largestNorm = max(largestNorm, ExactDistance.norm(rows[row])) }
    }
    var bounds: [Bound] = []
    bounds.reserveCapacity(queries.count)
    for query in 0..<queries.count {
      let components = queries[query]
      let norm = ExactDistance.norm(components)
      var last = -Double.infinity
      var farthest = 0.0
      for row in groundTruth[query].prefix(k) {
        let neighbor = rows[row]
        last = max(last, ExactDistance.between(components, neighbor, metric: metric))
        farthest = max(farthest, ExactDistance.norm(neighbor))
      }
      let scale =
        switch metric {
        case .squaredEuclidean: last
        case .cosine: 1.0
        case .innerProduct: norm * largestNorm
        }
      bounds.append(
        Bound(last: last, scale: scale, magnitude: norm * norm + farthest * farthest))
    }
    return bounds
  }
}

/// Distances in double precision: what every engine's answers are measured with.
public enum ExactDistance {
  /// The distance between two vectors of equal length; lower is nearer for every metric.
  ///
  /// - Precondition: the vectors have as many components.
  /// - Edge cases: a zero vector under cosine gives NaN, which no bound admits.
  public static func between(_ a: [Float], _ b: [Float], metric: Metric) -> Double {
    precondition(a.count == b.count, "\(a.count) components against \(b.count)")
    var product = 0.0
    switch metric {
    case .squaredEuclidean:
      for j in a.indices {
        let difference = Double(a[j]) - Double(b[j])
        product += difference * difference
      }
      return product
    case .innerProduct:
      for j in a.indices { product += Double(a[j]) * Double(b[j]) }
      return -product
    case .cosine:
      for j in a.indices { product += Double(a[j]) * Double(b[j]) }
      return 1 - product / (norm(a) * norm(b))
    }
  }

  /// The Euclidean length of a vector.
  public static func norm(_ vector: [Float]) -> Double {
    var sum = 0.0
    for component in vector { sum += Double(component) * Double(component) }
    return sum.squareRoot()
  }
}
