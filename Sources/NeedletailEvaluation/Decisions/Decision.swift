/// What a search among candidates came to.
public struct Decision: Sendable, Hashable {
  /// Everything that was measured, by ascending work.
  public var judged: [JudgedCandidate]
  /// Of those within all limits, the one of least work.
  public var fastest: JudgedCandidate?
  /// Of those within all limits, the one of fewest bytes.
  public var smallest: JudgedCandidate?
  /// Those that nothing beats in recall and work, by ascending work; empty where nothing is within all limits.
  public var front: [FrontPoint]
  /// Those that nothing beats in recall and bytes, by ascending bytes.
  public var bytesFront: [FrontPoint]
  /// Where nothing is within all limits, what comes nearest.
  public var nearest: JudgedCandidate?
  /// Builds that were made.
  public var builds: Int
  /// Candidates that were measured.
  public var evaluations: Int
  /// Builds of a full grid over what fits in memory.
  public var gridBuilds: Int
  /// Measurements of a full grid.
  public var gridEvaluations: Int

  init<Subject>(_ ledger: DecisionLedger<Subject>, designs: Int) {
    judged = ledger.judged.values.sorted { Self.order($0) < Self.order($1) }
    let feasible = judged.filter(\.isFeasible)
    fastest = feasible.first
    // Of equals the first, which is the one of least work.
    smallest = feasible.min { $0.bytes.total < $1.bytes.total }
    front = ParetoFront.points(feasible)
    bytesFront = ParetoFront.points(feasible, by: .bytes)
    builds = ledger.buildSeconds.count
    evaluations = ledger.judged.count
    gridBuilds = designs
    gridEvaluations = ledger.gridEvaluations
    guard feasible.isEmpty else { return }
    nearest = judged.min { $0.isBetter(than: $1) } ?? ledger.nearest
  }

  /// Where to stop on the front; `nil` for an empty one.
  public var stop: StopRule? { StopRule(front) }

  /// A total order, so that the order of a dictionary decides nothing.
  private static func order(_ judged: JudgedCandidate) -> (Double, Double, Int, Int, Int, String) {
    let candidate = judged.candidate
    let design = candidate.design
    return (
      judged.measurement?.cost ?? .infinity, -(judged.measurement?.recall ?? 0),
      judged.bytes.total, candidate.efSearch, candidate.rerank.plainness,
      "\(design.layout) \(design.m) \(design.efConstruction) \(candidate.rerank)"
    )
  }
}
