public import NeedletailCore

/// Finds, among the candidates of a space, those that keep the limits with the least work.
///
/// What is known without a build rules out first: bytes. Builds are what lasts, so few are made: every layout once, then
/// the one that may be the best by a regression over those that are known (`DesignModel`), until none may. Within a
/// build the narrowest window that reaches the floor is looked for, depth by depth. Last, the windows above those of
/// the two best designs are measured, until more recall no longer pays: the front.
///
/// The search draws nothing: a subject that answers alike is decided alike.
public struct DecisionSearch<Subject: DecisionSubject> {
  /// The part of the grid that is built and measured at most.
  public static var share: Double { 0.25 }

  let space: DecisionSpace
  let floor: Double
  var ledger: DecisionLedger<Subject>
  /// The place of the window that was found last, by depth.
  var hints: [RerankDepth: Int] = [:]
  /// The best candidate of all.
  var best: JudgedCandidate?
  /// The best candidate of each design that was visited.
  var bestOf: [IndexDesign: JudgedCandidate] = [:]
  /// The logarithm of the work that each design takes for the floor of recall.
  var meritOf: [IndexDesign: Double] = [:]
  /// The logarithm of the least misses that were measured with each design.
  var missOf: [IndexDesign: Double] = [:]
  private let monitor: WorkMonitor?

  /// Prepares a search.
  ///
  /// - Parameters:
  ///   - space: what is to be chosen from.
  ///   - limits: what has to be kept; among them a floor of recall, or any recall will do.
  ///   - subject: what builds and measures.
  ///   - monitor: sees one unit of progress for each build; may cancel.
  /// - Throws: `invalidConfiguration` for a space with an empty axis.
  public init(
    _ space: DecisionSpace, limits: [DecisionLimit], subject: Subject, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) {
    if let axis = space.emptyAxis {
      throw NeedletailError(
        .invalidConfiguration, "There is no value of \(axis) to choose from. Allow at least one.")
    }
    self.space = space
    self.monitor = monitor
    floor = limits.filter { $0.quantity == .recall }.map(\.bound).max() ?? 0
    ledger = DecisionLedger(subject, space, limits, share: Self.share)
  }

  /// Builds, measures and decides.
  ///
  /// - Returns: the decision, or what comes nearest to one.
  /// - Throws: what the subject throws; `cancelled`.
  public mutating func run() throws(NeedletailError) -> Decision {
    monitor?.begin("deciding", total: min(ledger.buildsLeft, ledger.allowed.count))
    if let start = start { try visitDesigns(from: start) }
    try measureFront()
    return Decision(ledger, designs: ledger.allowed.count)
  }

  /// The allowed design nearest to the middle of the axes, of the first layout and with precise rows if it can be.
  private var start: IndexDesign? {
    let designs = space.designs.filter { ledger.allowed[$0] != nil }
    func distance(_ design: IndexDesign) -> (Int, Int, Int) {
      let away =
        abs((space.m.firstIndex(of: design.m) ?? 0) - (space.m.count - 1) / 2)
        + abs(
          (space.efConstruction.firstIndex(of: design.efConstruction) ?? 0)
            - space.efConstruction.count / 2)
      return (
        ledger.allowed[design]?.last == space.reranks.last ? 0 : 1, away,
        space.layouts.firstIndex(of: design.layout) ?? 0
      )
    }
    return designs.min { distance($0) < distance($1) }
  }

  /// Builds a design and looks for its best candidate.
  ///
  /// - Returns: whether it was visited now.
  @discardableResult
  mutating func visit(_ design: IndexDesign) throws(NeedletailError) -> Bool {
    guard meritOf[design] == nil, !ledger.lastsTooLong(design), let depths = ledger.allowed[design],
      try ledger.build(design)
    else { return false }
    var least = 0
    for rerank in depths.reversed() {
      // A lesser depth finds less: its window is no narrower, but for chance.
      if let place = try narrowestWindow(design, rerank, from: least) { least = max(0, place - 1) }
    }
    let own = ledger.judged.values.filter { $0.candidate.design == design }
    meritOf[design] = merit(of: own)
    missOf[design] = leastMiss(of: own)
    for judged in own {
      if precedes(judged, bestOf[design]) { bestOf[design] = judged }
    }
    if let found = bestOf[design], precedes(found, best) { best = found }
    try monitor?.advance(by: 1)
    return true
  }

  /// As `isBetter`, and of equals the one that the space has first: the order of a dictionary decides nothing.
  func precedes(_ a: JudgedCandidate, _ b: JudgedCandidate?) -> Bool {
    guard let b, !a.isBetter(than: b), !b.isBetter(than: a) else { return a.isBetter(than: b) }
    return (a.candidate.efSearch, a.candidate.rerank.plainness)
      < (b.candidate.efSearch, b.candidate.rerank.plainness)
  }
}
