import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension DecisionSearch {
  /// How many standard deviations a design may be better than its guess.
  private static var hope: Double { 2 }

  /// Builds every layout once, and then one design after the other, each time the one that may be the best by what is known, until none promises
  /// anything or no build is left.
  mutating func visitDesigns(from start: IndexDesign) throws(NeedletailError) {
    try visit(start)
    for layout in space.layouts where layout != start.layout {
      if let design = nearestAllowed(to: start, layout) { try visit(design) }
    }
    while ledger.buildsLeft > 0, let design = mostPromising {
      guard try visit(design) else { return }
    }
  }

  private var isFloorReached: Bool { missOf.values.contains { $0 <= log(max(1e-4, 1 - floor)) } }

  /// The design that was not visited and whose work may be least.
  private var mostPromising: IndexDesign? {
    // As long as none reaches the floor, what counts is how few misses one can have.
    let merits = isFloorReached ? meritOf : missOf
    let known = space.designs.compactMap { design in merits[design].map { (design, $0) } }
    let work = DesignModel(layouts: space.layouts, .work, of: known)
    let times = DesignModel(
      layouts: space.layouts, .buildTime,
      of: space.designs.compactMap { design in
        ledger.buildSeconds[design].map { (design, log(max($0, 1e-9))) }
      })
    var chosen: (design: IndexDesign, bound: Double)?
    var shortest: (design: IndexDesign, time: Double)?
    for design in space.designs where isOpen(design) {
      // A build that is all but sure to last too long tells nothing.
      let time = times.guess(design)
      let least = exp(time.mean - Self.hope * time.deviation) * Double(design.efConstruction)
      if least < shortest?.time ?? .infinity { shortest = (design, least) }
      if ledger.limits.contains(where: { $0.quantity == .buildTime && $0.use(least) > 1 }) {
        continue
      }
      let guess = work.guess(design)
      let bound = guess.mean - Self.hope * guess.deviation
      if bound < chosen?.bound ?? .infinity { chosen = (design, bound) }
    }
    // Where every build lasts too long, the shortest says by how much.
    guard let chosen else { return best?.isFeasible == true ? nil : shortest?.design }
    if let best, best.isFeasible, let cost = best.measurement?.cost,
      chosen.bound > log(cost)
    {
      return nil
    }
    return chosen.design
  }

  /// The allowed design of a layout that is nearest to another design, by places on the axes.
  private func nearestAllowed(to design: IndexDesign, _ layout: IndexLayout) -> IndexDesign? {
    func distance(_ other: IndexDesign) -> Int {
      abs((space.m.firstIndex(of: other.m) ?? 0) - (space.m.firstIndex(of: design.m) ?? 0))
        + abs(
          (space.efConstruction.firstIndex(of: other.efConstruction) ?? 0)
            - (space.efConstruction.firstIndex(of: design.efConstruction) ?? 0))
    }
    return space.designs.filter { $0.layout == layout && isOpen($0) }
      .min { distance($0) < distance($1) }
  }

  private func isOpen(_ design: IndexDesign) -> Bool {
    ledger.allowed[design] != nil && meritOf[design] == nil && !ledger.lastsTooLong(design)
  }

  /// The logarithm of the work that a design takes for the floor of recall, of its best depth.
  ///
  /// Between the two windows that the floor lies between it is interpolated, because windows are steps and a model
  /// wants none. Where no window reaches the floor it is more than the widest takes, by as much as misses are too many.
  func merit(of own: [JudgedCandidate]) -> Double {
    let allowed = max(1e-4, 1 - floor)
    var least = Double.infinity
    for rerank in space.reranks {
      let found = own.filter { $0.candidate.rerank == rerank }
        .sorted { $0.candidate.efSearch < $1.candidate.efSearch }.compactMap(\.measurement)
      guard let above = found.firstIndex(where: { $0.recall >= floor }) else {
        if let last = found.last {
          least = min(least, log(max(last.cost, 1e-9)) + log(max(1, (1 - last.recall) / allowed)))
        }
        continue
      }
      var merit = log(max(found[above].cost, 1e-9))
      if above > 0 {
        let misses = (log(1 - found[above - 1].recall), log(max(1e-4, 1 - found[above].recall)))
        let costs = (log(max(found[above - 1].cost, 1e-9)), merit)
        let share = (misses.0 - log(allowed)) / max(1e-9, misses.0 - misses.1)
        merit = costs.0 + min(1, max(0, share)) * (costs.1 - costs.0)
      }
      least = min(least, merit)
    }
    return least.isFinite ? least : 0
  }

  /// The logarithm of the least misses, of which one in ten thousand is the least that counts.
  func leastMiss(of own: [JudgedCandidate]) -> Double {
    log(max(1e-4, 1 - (own.compactMap(\.measurement).map(\.recall).max() ?? 0)))
  }

  /// Measures wider windows of the best candidates, until four in a row are not worth it by `StopRule`.
  mutating func measureFront() throws(NeedletailError) {
    let finalists = bestOf.values.filter(\.isFeasible).sorted { precedes($0, $1) }.prefix(2)
    for finalist in finalists {
      guard let place = space.efSearch.firstIndex(of: finalist.candidate.efSearch) else { continue }
      try measureBelow(place, finalist.candidate)
      var most = -Double.infinity
      var beyond = 0
      for width in space.efSearch[place...] {
        var candidate = finalist.candidate
        candidate.efSearch = width
        guard beyond < 4, let judged = try ledger.judge(candidate), judged.excess == 0,
          let found = judged.measurement
        else { break }
        let worth = StopRule.worth(recall: found.recall, cost: found.cost)
        beyond = worth > most ? 0 : beyond + 1
        most = max(most, worth)
      }
    }
  }

  /// Measures windows right below one that was found: where recall is all but level, chance decides which of them
  /// reaches the floor.
  private mutating func measureBelow(
    _ place: Int, _ candidate: DecisionCandidate
  ) throws(NeedletailError) {
    for width in space.efSearch[..<place].suffix(3).reversed() {
      var candidate = candidate
      candidate.efSearch = width
      guard let judged = try ledger.judge(candidate),
        (judged.measurement?.recall ?? 0) >= floor - 0.003
      else { return }
    }
  }
}
