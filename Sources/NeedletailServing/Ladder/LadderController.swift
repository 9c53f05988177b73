package import NeedletailBudgets
package import NeedletailCore

/// Where on the ladder each priority class stands.
///
/// One number, the pressure, is moved; a class stands as many rungs below `full` as the pressure exceeds its lead. So classes keep
/// their order, each has its own place, and rungs are walked one after the other. The step is chosen forwards, from the
/// demand and what rungs cost, and backwards, from the delay that stands in the queue.
///
/// What a tier allows, its rungs and its recall floor, is promised: it binds from the update on that brings the tier. Where that
/// moves a class, it is the change of that update, and the next step keeps its distance from it.
///
/// Updated about ten times a second; not made for several threads at once.
package struct LadderController: Sendable {
  package private(set) var settings: LadderSettings
  /// 0 is full quality for all.
  package private(set) var pressure = 0
  /// The rungs that each tier may use.
  private var allowed: [PerRung<Bool>]
  private var tiers: [LoadTier]
  private var tier = 0
  private var changed: Nanoseconds
  private var recent: [Recent] = []

  private struct Recent {
    var instant: Nanoseconds
    var sample: LoadSample
  }

  /// Begins at full quality, in the calmest tier.
  ///
  /// - Throws: `invalidConfiguration`.
  /// - Precondition: there is a tier.
  package init(
    _ settings: LadderSettings, tiers: [LoadTier], start: Nanoseconds
  ) throws(NeedletailError) {
    precondition(!tiers.isEmpty, "no tier of load is there")
    try settings.validate()
    self.settings = settings
    self.tiers = tiers
    allowed = Self.allowed(tiers, settings)
    changed = start - settings.spacing
  }

  private static func allowed(_ tiers: [LoadTier], _ settings: LadderSettings) -> [PerRung<Bool>] {
    tiers.map { tier in
      PerRung { rung in
        // Whoever is rejected has no answer that could be bad.
        rung == .full
          || settings.rungs.contains(rung) && tier.rungs.contains(rung)
            && (rung == .reject || settings.recall[rung] >= tier.recallFloor)
      }
    }
  }

  /// Takes another ladder and other tiers, in the `tier` that holds among them; the pressure stays, and with it where classes stand,
  /// as far as that is allowed.
  ///
  /// - Precondition: the settings were validated; `tier` is one of the tiers.
  mutating func adopt(_ settings: LadderSettings, tiers: [LoadTier], tier: Int) {
    self.settings = settings
    self.tiers = tiers
    self.tier = tier
    allowed = Self.allowed(tiers, settings)
    // Pressure without effect would lead several rungs down where more is allowed later.
    let any = LoadSample(demand: PerClass(repeating: 0))
    while pressure > 0, !movesTraffic(any, to: pressure - 1, tier) { pressure -= 1 }
  }

  /// Takes what rungs were found to cost and to find.
  ///
  /// - Precondition: costs are within 0...1 and do not rise from rung to rung.
  package mutating func learn(cost: PerRung<Double>, recall: PerRung<Double>) {
    settings.cost = cost
    settings.recall = recall
    allowed = Self.allowed(tiers, settings)
  }

  /// The rungs that search and that the tier allows.
  package var allowedSearches: [Rung] {
    Rung.allCases.filter { $0 <= .lighterCodes && allowed[tier][$0] }
  }

  /// The last rung that searches and that the tier allows.
  package var deepestSearch: Rung {
    Rung.allCases.last { $0 <= .lighterCodes && allowed[tier][$0] } ?? .full
  }

  /// The rung of a class; `extra` steps are those of a tenant that uses more than its share.
  package func rung(_ priority: PriorityClass, extra: Int = 0) -> Rung {
    rung(priority, extra: extra, pressure, tier)
  }

  /// Takes a sample of load and the tier that holds.
  ///
  /// - Returns: whether a class that has traffic moved: for the tier, or by a step.
  @discardableResult
  package mutating func update(_ sample: LoadSample, tier: Int, at now: Nanoseconds) -> Bool {
    precondition(allowed.indices.contains(tier), "there is no tier \(tier)")
    recent.removeAll { now - $0.instant > settings.spacing }
    recent.append(Recent(instant: now, sample: sample))
    if enter(tier, sample) {
      changed = now
      return true
    }
    let sinceChange = now - changed
    let used = utilisation(sample, pressure)
    let isFar =
      used > settings.limit * settings.fastMultiple
      || sample.standingDelay > 4 * settings.delayTarget
    let isOver = used > settings.limit || sample.standingDelay > settings.delayTarget
    if isOver, sinceChange >= (isFar ? settings.fastSpacing : settings.spacing) {
      return move(by: 1, sample, now)
    }
    if pressure > 0, !isOver, sinceChange >= settings.spacing, isCalm(with: next(-1, sample)) {
      return move(by: -1, sample, now)
    }
    return false
  }

  /// Changes the tier; whether a class that has traffic moved by it.
  ///
  /// Pressure without effect in the new tier is given up: or else a later tier that allows more would lead several rungs down.
  private mutating func enter(_ new: Int, _ sample: LoadSample) -> Bool {
    guard new != tier else { return false }
    let moved = movesTraffic(sample, to: pressure, new)
    tier = new
    while pressure > 0, !movesTraffic(sample, to: pressure - 1, tier) { pressure -= 1 }
    return moved
  }

  /// Whether all of the last spacing would have been far below the limit, and nothing stood in the queue.
  private func isCalm(with pressure: Int) -> Bool {
    recent.allSatisfy {
      $0.sample.standingDelay <= settings.delayTarget
        && utilisation($0.sample, pressure) <= settings.limit * settings.upShare
    }
  }

  private mutating func move(by step: Int, _ sample: LoadSample, _ now: Nanoseconds) -> Bool {
    let target = next(step, sample)
    guard target != pressure else { return false }
    let moved = movesTraffic(sample, to: target, tier)
    pressure = target
    if moved { changed = now }
    return moved
  }

  /// The nearest pressure at which a class that has traffic stands elsewhere; the present one where none does.
  private func next(_ step: Int, _ sample: LoadSample) -> Int {
    let deepest =
      Rung.reject.order + PriorityClass.allCases.reduce(0) { max($0, settings.lead[$1]) }
    var candidate = pressure + step
    while (0...deepest).contains(candidate) {
      if movesTraffic(sample, to: candidate, tier) { return candidate }
      candidate += step
    }
    // Nothing that has traffic would move: on the way back the rest may go all the way.
    return step < 0 ? 0 : pressure
  }

  /// Whether a class that has traffic stands elsewhere at a pressure in a tier; without any traffic, whether any class does.
  private func movesTraffic(_ sample: LoadSample, to candidate: Int, _ tier: Int) -> Bool {
    let least = 0.01 * sample.load
    return PriorityClass.allCases.contains {
      (sample.demand[$0] > least || least == 0) && rung($0, extra: 0, candidate, tier) != rung($0)
    }
  }

  /// What the workers would be used, at a pressure.
  private func utilisation(_ sample: LoadSample, _ pressure: Int) -> Double {
    PriorityClass.allCases.reduce(0) {
      $0 + sample.demand[$1] * settings.cost[rung($1, extra: 0, pressure, tier)]
    }
  }

  /// The rung at a pressure: where the tier does not allow it, the last one above it that is allowed.
  private func rung(_ priority: PriorityClass, extra: Int, _ pressure: Int, _ tier: Int) -> Rung {
    let place = max(0, pressure - settings.lead[priority]) + min(Rung.reject.order, max(0, extra))
    for order in stride(from: min(place, Rung.reject.order), to: 0, by: -1) {
      if let rung = Rung(order: order), allowed[tier][rung] { return rung }
    }
    return .full
  }
}
