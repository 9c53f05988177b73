import NeedletailBudgets
import NeedletailCore

/// Which feature flags are on.
struct FlagStates: Sendable {
  private let flags: [FeatureFlag]
  /// The names of the tiers, the calmest first.
  private var tiers: [String]
  /// The flags that are on.
  private(set) var names: Set<String> = []
  private var firing: [String: Int] = [:]

  init(_ flags: [FeatureFlag], _ tiers: [String]) {
    self.flags = flags
    self.tiers = tiers
  }

  /// Takes the tiers of another budget, one of which holds; gives those of the flags that it turns.
  mutating func adopt(_ tiers: [String], present: String) -> [ServiceEvent] {
    self.tiers = tiers
    return follow(.tier(from: present, to: present, load: 0))
  }

  /// Refuses flags that nothing could turn on: those of tiers and objectives that a budget does not have.
  ///
  /// - Throws: `invalidConfiguration`, naming the flag.
  static func check(
    _ flags: [FeatureFlag], against budget: PerformanceBudget
  ) throws(NeedletailError) {
    for flag in flags {
      let followed: (kind: String, name: String, known: [String])
      switch flag.threshold {
      case .tier(let name): followed = ("tier", name, budget.tiers.map(\.name))
      case .alert(let name): followed = ("objective", name, budget.objectives.map(\.name))
      case .rung: continue
      }
      guard followed.known.contains(followed.name) else {
        let known = followed.known.isEmpty ? "none" : followed.known.joined(separator: ", ")
        throw NeedletailError(
          .invalidConfiguration,
          "The flag “\(flag.name)” follows the \(followed.kind) “\(followed.name)”, which the budget does"
            + " not have; it has \(known).")
      }
    }
  }

  /// Takes an event; gives those of the flags that it turns.
  mutating func follow(_ event: ServiceEvent) -> [ServiceEvent] {
    if case .alert(let alert) = event {
      firing[alert.objective, default: 0] += alert.isFiring ? 1 : -1
    }
    var turned: [ServiceEvent] = []
    for flag in flags {
      guard let isOn = state(of: flag, after: event), isOn != names.contains(flag.name) else {
        continue
      }
      if isOn { names.insert(flag.name) } else { names.remove(flag.name) }
      turned.append(.flag(flag.name, isOn: isOn))
    }
    return turned
  }

  /// Whether a flag is on after an event; `nil`: the event says nothing of it.
  private func state(of flag: FeatureFlag, after event: ServiceEvent) -> Bool? {
    switch (flag.threshold, event) {
    case (.tier(let name), .tier(_, let present, _)):
      (tiers.firstIndex(of: present) ?? 0) >= (tiers.firstIndex(of: name) ?? .max)
    case (.rung(let rung, let priority), .rungs(let rungs, _)): rungs[priority] >= rung
    case (.alert(let name), .alert(let alert)):
      name == alert.objective ? (firing[name] ?? 0) > 0 : nil
    default: nil
    }
  }
}
