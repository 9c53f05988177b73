extension LoadCriteria {
  /// Whether the most important class is served, and no class before a more important one.
  ///
  /// A slice is inverted where a class had a smaller share of its requests answered than a less important one, by more
  /// than a request.
  ///
  /// - Parameters:
  ///   - slices: The slices of a run with more than one class.
  ///   - served: The share of the most important class that must be answered.
  ///   - inverted: The share of the slices that may be inverted.
  /// - Returns: Nothing where no class was asked for anything.
  public static func priorities(
    _ slices: [LoadSlice], served: Double = 0.999, inverted: Double = 0.01
  ) -> [LoadVerdict] {
    let classes = LoadPriority.allCases.map { priority in
      (
        priority: priority,
        offered: slices.reduce(0) { $0 + $1.offeredByPriority[priority.rawValue] },
        answered: slices.reduce(0) { $0 + $1.answeredByPriority[priority.rawValue] }
      )
    }
    guard let top = classes.first(where: { $0.offered > 0 }) else { return [] }
    let share = Double(top.answered) / Double(top.offered)
    let count = slices.count { isInverted($0) }
    return [
      LoadVerdict(
        "\(top.priority.name) is served", isMet: share >= served,
        finding: "\(Numerals.fixed(share * 100, 3)) %; at least \(percent(served))"),
      LoadVerdict(
        "no class before a more important one",
        isMet: Double(count) <= inverted * Double(slices.count),
        finding: "inverted in \(count) of \(slices.count) slices; at most \(percent(inverted))"),
    ]
  }

  private static func isInverted(_ slice: LoadSlice) -> Bool {
    let classes = LoadPriority.allCases.map(\.rawValue).filter { slice.offeredByPriority[$0] > 0 }
    for (place, upper) in classes.enumerated() {
      for lower in classes[(place + 1)...] {
        let offered = Double(slice.offeredByPriority[upper])
        // One request more would have to be too few as well.
        let above = Double(slice.answeredByPriority[upper] + 1) / offered
        let below =
          Double(slice.answeredByPriority[lower]) / Double(slice.offeredByPriority[lower])
        if above < below { return true }
      }
    }
    return false
  }

  /// Whether a tenant that asks for too much is felt by another one that does not.
  ///
  /// - Parameters:
  ///   - quiet: The name of the quiet tenant.
  ///   - alone: A run in which the other one is quiet too.
  ///   - beside: A run in which it is not.
  ///   - growth: How much the quiet tenant's p99 may grow.
  /// - Returns: Not met where it has no answers in one of the runs.
  public static func neighbor(
    of quiet: String, alone: LoadReport, beside: LoadReport, growth: Double = 0.1
  ) -> LoadVerdict {
    let name = "\(quiet) beside a noisy neighbour"
    guard let before = alone.tenants.first(where: { $0.name == quiet }), before.answered > 0,
      let after = beside.tenants.first(where: { $0.name == quiet }), after.answered > 0
    else { return LoadVerdict(name, isMet: false, finding: "has no answers in one of the runs") }
    let found = after.p99Microseconds / max(before.p99Microseconds, 1e-3) - 1
    return LoadVerdict(
      name, isMet: found <= growth + 1e-9,
      finding: "p99 from \(Numerals.measured(before.p99Microseconds)) to "
        + "\(Numerals.measured(after.p99Microseconds)) µs, \(Numerals.fixed(found * 100, 1)) %; "
        + "at most \(percent(growth))")
  }

  /// Who asks for about as much as in a former run, and who asks for more than half as much again.
  ///
  /// - Parameters:
  ///   - alone: The former run.
  ///   - beside: The run.
  /// - Returns: The names of both; a tenant that only one run knows is in neither, or loud.
  static func neighbors(
    alone: LoadReport, beside: LoadReport
  ) -> (quiet: [String], loud: [String]) {
    func rate(_ tenant: LoadFigures, _ report: LoadReport) -> Double {
      report.seconds > 0 ? Double(tenant.offered) / report.seconds : 0
    }
    var names: (quiet: [String], loud: [String]) = ([], [])
    for tenant in beside.tenants where tenant.offered > 0 {
      let before = alone.tenants.first { $0.name == tenant.name }.map { rate($0, alone) } ?? 0
      if rate(tenant, beside) <= 1.5 * before {
        names.quiet.append(tenant.name)
      } else {
        names.loud.append(tenant.name)
      }
    }
    return names
  }

  /// Whether what was charged is what was used.
  ///
  /// - Parameters:
  ///   - tenant: The tenant.
  ///   - charged: Cost units that it was charged.
  ///   - used: Cost units of the work that was done for it.
  ///   - error: The share by which they may differ.
  /// - Returns: Met where nothing was used and nothing charged.
  public static func accounting(
    of tenant: String, charged: Double, used: Double, error: Double = 0.01
  ) -> LoadVerdict {
    let found = used > 0 ? abs(charged - used) / used : charged == 0 ? 0 : 1
    return LoadVerdict(
      "\(tenant) is charged what it used", isMet: found <= error,
      finding: "\(Numerals.fixed(found * 100, 2)) % off; at most \(percent(error))")
  }
}
