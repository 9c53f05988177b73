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

  /// Builds every layout once, and then one design after the other: each time the one that may be the best by what is
  /// known, until none may or no build is left.
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
}
