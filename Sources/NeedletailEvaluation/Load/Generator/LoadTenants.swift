/// The tenants of a run: those of the mix, and those that its records name.
struct LoadTenants {
  /// Their names, each once; none where nobody is told apart.
  let names: [String]
  /// For each part of the schedule, the place of each tenant of its record.
  private let places: [[Int]]

  init(_ mix: LoadMix, _ schedule: LoadSchedule) {
    var names = mix.tenants.map(\.name)
    var known: [String: Int] = [:]
    for (place, name) in names.enumerated() where known[name] == nil { known[name] = place }
    places = schedule.parts.map { part in
      guard case .recorded(let log, _) = part.shape else { return [] }
      return log.tenants.map { name in
        if let place = known[name] { return place }
        known[name] = names.count
        names.append(name)
        return names.count - 1
      }
    }
    self.names = names
  }

  /// Where a recorded tenant is among the names; nil where none was recorded.
  func place(_ tenant: Int32?, part: Int) -> Int? {
    guard let tenant, places.indices.contains(part), places[part].indices.contains(Int(tenant))
    else { return nil }
    return places[part][Int(tenant)]
  }
}

extension LoadMix {
  /// The names of all tenants of a run, by the places that requests give: those of the mix, then those that records name.
  public func tenantNames(in schedule: LoadSchedule) -> [String] {
    LoadTenants(self, schedule).names
  }
}
