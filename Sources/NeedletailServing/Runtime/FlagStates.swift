import NeedletailBudgets

/// Which feature flags are on.
struct FlagStates: Sendable {
  private let flags: [FeatureFlag]
  /// The names of the tiers, the calmest first.
  private let tiers: [String]
  /// The flags that are on.
  private(set) var names: Set<String> = []
  private var firing: [String: Int] = [:]

  init(_ flags: [FeatureFlag], _ tiers: [String]) {
    self.flags = flags
    self.tiers = tiers
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
