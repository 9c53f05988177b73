/// Bytes of an index by component.
public struct DesignBytes: Sendable, Hashable, Encodable {
  /// Codes, the terms beside them, and what turns vectors into codes.
  public var codes: Int
  /// Links of all levels.
  public var graph: Int
  /// Precise rows.
  public var precise: Int
  /// Ids and their order.
  public var ids: Int
  /// Rows of the index.
  public var rows: Int

  /// Makes a count of its parts.
  public init(codes: Int, graph: Int, precise: Int, ids: Int, rows: Int) {
    self.codes = codes
    self.graph = graph
    self.precise = precise
    self.ids = ids
    self.rows = rows
  }

  /// All components together.
  public var total: Int { codes + graph + precise + ids }

  /// Codes, links and precise row of one vector.
  public var perVector: Double { Double(codes + graph + precise) / Double(max(1, rows)) }
}

/// What searches with a candidate came to, over all queries of the sample.
public struct DecisionMeasurement: Sendable, Hashable, Encodable {
  /// The share of the true neighbours that were found, 0 to 1.
  public var recall: Double
  /// The work of a query, reckoned from counts, in microseconds: the mean, and the same in every run.
  public var cost: Double
  /// The reckoned work that 95 % of the queries do not exceed.
  public var costP95: Double
  /// Microseconds by the clock: the mean.
  public var measured: Double
  /// Microseconds by the clock that 95 % do not exceed.
  public var p95: Double
  /// Microseconds by the clock that 99 % do not exceed.
  public var p99: Double
  /// Comparisons of a query's walk, the mean.
  public var evaluations: Double
  /// Rows whose links a query followed, the mean.
  public var hops: Double
  /// Candidates of a query that were ranked anew, the mean.
  public var rerankedRows: Double

  /// Makes a measurement of its numbers.
  public init(
    recall: Double, cost: Double, costP95: Double, measured: Double, p95: Double, p99: Double,
    evaluations: Double = 0, hops: Double = 0, rerankedRows: Double = 0
  ) {
    self.recall = recall
    self.cost = cost
    self.costP95 = costP95
    self.measured = measured
    self.p95 = p95
    self.p99 = p99
    self.evaluations = evaluations
    self.hops = hops
    self.rerankedRows = rerankedRows
  }
}

/// A candidate, what it came to, and how much of each limit it uses.
public struct JudgedCandidate: Sendable, Hashable, Encodable {
  /// The candidate.
  public var candidate: DecisionCandidate
  /// Bytes that its index takes.
  public var bytes: DesignBytes
  /// Seconds that its build takes; `nil` where none was made.
  public var buildSeconds: Double?
  /// What searches came to; `nil` where its bytes alone ruled it out.
  public var measurement: DecisionMeasurement?
  /// The use of each limit that is known.
  public var uses: [LimitUse]

  init(
    _ candidate: DecisionCandidate, bytes: DesignBytes, buildSeconds: Double? = nil,
    measurement: DecisionMeasurement? = nil, limits: [DecisionLimit]
  ) {
    self.candidate = candidate
    self.bytes = bytes
    self.buildSeconds = buildSeconds
    self.measurement = measurement
    uses = limits.compactMap { limit in
      let value: Double? =
        switch limit.quantity {
        case .recall: measurement?.recall
        case .p95: measurement?.p95
        case .p99: measurement?.p99
        case .codes: Double(bytes.codes)
        case .graph: Double(bytes.graph)
        case .precise: Double(bytes.precise)
        case .ids: Double(bytes.ids)
        case .total: Double(bytes.total)
        case .bytesPerVector: bytes.perVector
        case .buildTime: buildSeconds
        }
      return value.map { LimitUse(limit, $0) }
    }
  }

  /// The limit of which the greatest share is used.
  public var binding: LimitUse? { uses.max { $0.share < $1.share } }

  /// By how much the worst limit is exceeded, as a share of it: 0 is within all of them.
  public var excess: Double { max(0, (binding?.share ?? 0) - 1) }

  /// Whether it was measured and keeps every limit.
  public var isFeasible: Bool { measurement != nil && excess == 0 }

  /// Whether it is to be preferred: nearer to the limits first, then less work, then fewer bytes.
  func isBetter(than other: JudgedCandidate?) -> Bool {
    guard let other else { return true }
    if excess != other.excess { return excess < other.excess }
    let costs = (measurement?.cost ?? .infinity, other.measurement?.cost ?? .infinity)
    return costs.0 != costs.1 ? costs.0 < costs.1 : bytes.total < other.bytes.total
  }
}
