import NeedletailCore

/// What was built and measured so far: nothing twice, and no more than is allowed.
struct DecisionLedger<Subject: DecisionSubject> {
  private(set) var subject: Subject
  let limits: [DecisionLimit]
  /// Candidates whose bytes keep the limits, by design; the depths ascend.
  let allowed: [IndexDesign: [RerankDepth]]
  /// The candidate that exceeds the predicted limits least.
  let nearest: JudgedCandidate?
  /// Candidates that a full grid would measure.
  let gridEvaluations: Int
  private(set) var judged: [DecisionCandidate: JudgedCandidate] = [:]
  private(set) var buildSeconds: [IndexDesign: Double] = [:]
  var evaluationsLeft: Int
  var buildsLeft: Int

  /// Rules out what cannot fit, which costs nothing; of the rest at most a part, `share`, may be built and measured.
  init(_ subject: Subject, _ space: DecisionSpace, _ limits: [DecisionLimit], share: Double) {
    self.subject = subject
    self.limits = limits
    var allowed: [IndexDesign: [RerankDepth]] = [:]
    var nearest: JudgedCandidate?
    for design in space.designs {
      for rerank in space.reranks {
        guard let bytes = subject.bytes(of: design, rerank: rerank) else { continue }
        let candidate = DecisionCandidate(
          design: design, efSearch: space.efSearch.first ?? 1, rerank: rerank)
        let judged = JudgedCandidate(candidate, bytes: bytes, limits: limits)
        if judged.isBetter(than: nearest) { nearest = judged }
        if judged.excess == 0 { allowed[design, default: []].append(rerank) }
      }
    }
    self.allowed = allowed
    self.nearest = nearest
    gridEvaluations = allowed.values.reduce(0) { $0 + $1.count } * space.efSearch.count
    // A grid of a few values has no quarter to speak of: then two builds and eight measurements are allowed.
    evaluationsLeft = max(8, Int(Double(gridEvaluations) * share))
    buildsLeft = max(2, Int(Double(allowed.count) * share))
  }

  /// Builds a design, when that is allowed.
  ///
  /// - Returns: whether it is there.
  mutating func build(_ design: IndexDesign) throws(NeedletailError) -> Bool {
    if buildSeconds[design] != nil { return true }
    guard buildsLeft > 0, allowed[design] != nil else { return false }
    buildsLeft -= 1
    buildSeconds[design] = try subject.build(design)
    return true
  }

  /// Measures a candidate of a design that is built; `nil` when no measurement is left.
  mutating func judge(
    _ candidate: DecisionCandidate
  ) throws(NeedletailError) -> JudgedCandidate? {
    if let known = judged[candidate] { return known }
    guard evaluationsLeft > 0,
      let bytes = subject.bytes(of: candidate.design, rerank: candidate.rerank)
    else { return nil }
    evaluationsLeft -= 1
    let result = JudgedCandidate(
      candidate, bytes: bytes, buildSeconds: buildSeconds[candidate.design],
      measurement: try subject.measure(candidate), limits: limits)
    judged[candidate] = result
    return result
  }

  mutating func putAway(_ design: IndexDesign) { subject.putAway(design) }

  /// Whether a build of a design would last longer than allowed, as one of the same layout with no more links and
  /// candidates did.
  func lastsTooLong(_ design: IndexDesign) -> Bool {
    guard let limit = limits.first(where: { $0.quantity == .buildTime }) else { return false }
    return buildSeconds.contains { other, seconds in
      other.layout == design.layout && other.m <= design.m
        && other.efConstruction <= design.efConstruction && limit.use(seconds) > 1
    }
  }
}
