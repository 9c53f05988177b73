extension PerformanceBudget {
  /// Adds every fault of the whole: of single fields, and of fields that contradict each other.
  func check(_ faults: inout FaultList) {
    let top = DocumentPath()
    checkFields(top, &faults)
    checkTiers(top.appending("tiers"), &faults)
    checkStages(top.appending("stages"), &faults)
    checkMemory(top.appending("memory"), &faults)
    checkEnvelope(top.appending("envelope"), &faults)
    checkLadder(top.appending("ladder"), &faults)
    checkObjectives(top.appending("objectives"), &faults)
    checkTenants(top.appending("tenants"), &faults)
    checkCache(top.appending("cache"), top.appending("memory").appending("cache"), &faults)
  }

  private func checkTiers(_ path: DocumentPath, _ faults: inout FaultList) {
    if tiers.isEmpty {
      faults.add(
        rule: path, "There is no tier",
        "Write one: {\"name\": \"normal\", \"p95\": \"150ms\", \"p99\": \"250ms\"}.")
    }
    Self.refuseRepeats(tiers.map(\.name), path, &faults)
    var entered = -Double.infinity
    for (index, tier) in tiers.enumerated() {
      let place = path.appending(index)
      let p95 = place.appending("p95")
      if tier.p99 < tier.p95 {
        faults.add(
          rule: place.appending("p99"), involving: [p95],
          "\(Units.text(tier.p99)) is below p95, \(Units.text(tier.p95))",
          "Write at least \"\(Units.text(tier.p95))\".")
      }
      checkConditions(of: tier, isFirst: index == 0, place, &faults)
      if index > 0, let enter = tier.enter {
        if enter.load <= entered {
          faults.add(
            rule: place.appending("enter").appending("load"),
            involving: [path.appending(index - 1)],
            "\(Units.text(share: enter.load)) is not above the tier before, which is entered at "
              + "\(Units.text(share: entered))", "Order tiers from the lowest load to the highest.")
        }
        entered = max(entered, enter.load)
      }
      checkRungs(tier.rungs, place.appending("rungs"), &faults)
      checkCachedRungs(tier.rungs, place.appending("rungs"), &faults)
      for rung in tier.rungs where !ladder.rungs.contains(rung) && tier.rungs != Rung.allCases {
        faults.add(
          rule: place.appending("rungs"),
          involving: [DocumentPath([.key("ladder"), .key("rungs")])],
          "The ladder has no rung “\(rung.rawValue)”",
          "Leave it out here, or write it into ladder.rungs.")
      }
      if case .recall(let recall) = ladder.window, recall < tier.recallFloor,
        tier.rungs.contains(.smallerWindow), ladder.rungs.contains(.smallerWindow)
      {
        faults.add(
          rule: place.appending("recallFloor"),
          involving: [DocumentPath([.key("ladder"), .key("window")])],
          "\(Units.text(share: tier.recallFloor)) is above the recall of the smaller window, "
            + Units.text(share: recall),
          "Raise ladder.window.recall, or leave “smallerWindow” out of the tier's rungs.")
      }
    }
  }

  private func checkConditions(
    of tier: LoadTier, isFirst: Bool, _ place: DocumentPath, _ faults: inout FaultList
  ) {
    let enter = place.appending("enter")
    let exit = place.appending("exit")
    if isFirst {
      for (path, condition) in [(enter, tier.enter), (exit, tier.exit)] where condition != nil {
        faults.add(
          rule: path, involving: path == exit ? [enter] : [],
          "The first tier holds when no other does, so nothing leads into it or out of it",
          "Leave it out, or put the tier of low load before this one.")
      }
      return
    }
    guard let entry = tier.enter else {
      faults.add(
        rule: enter, "Nothing says when the tier is entered",
        "Write \"enter\": \"90%\", the load above which it is.")
      return
    }
    if entry.load <= 0 {
      faults.add(
        rule: enter.appending("load"), "A load of 0 % always holds", "Write one above it.")
    }
    guard let leave = tier.exit else { return }
    if leave.load <= 0 {
      faults.add(
        rule: exit.appending("load"), involving: [enter.appending("load")],
        "A load below 0 % never comes, so the tier would not be left again",
        "Write one above it, like \"\(Units.text(share: entry.exitByDefault.load))\".")
    }
    guard leave.load >= entry.load else { return }
    faults.add(
      rule: exit.appending("load"), involving: [enter.appending("load")],
      "\(Units.text(share: leave.load)) is not below the load at which the tier is entered, "
        + Units.text(share: entry.load),
      "Write less, so that the tier is not entered and left in turn.")
  }

  private func checkStages(_ path: DocumentPath, _ faults: inout FaultList) {
    // What decimals add up to, may be above 1 by their rounding.
    if stages.total > 1 + 1e-9 {
      let total = (stages.total * 10_000).rounded() / 10_000
      faults.add(
        rule: path, "The shares are \(Units.text(share: total)) together",
        "They may be at most 100%: what is missing is there for every stage.")
    }
    if stages.traversal <= 0 {
      faults.add(
        rule: path.appending("traversal"), "The walk has no share of the time",
        "Write one, like \"50%\": without it nothing is found.")
    }
  }

  private func checkMemory(_ path: DocumentPath, _ faults: inout FaultList) {
    guard let total = memory.total else { return }
    var sum = MemoryUse()
    for component in MemoryComponent.allCases { sum[component] = memory[component] ?? 0 }
    guard sum.total > total else { return }
    faults.add(
      rule: path.appending("total"),
      involving: MemoryComponent.allCases.map { path.appending($0.rawValue) },
      "\(Units.text(bytes: total)) is below the sum of the other ceilings, "
        + Units.text(bytes: sum.total),
      "Write at least \"\(Units.text(bytes: sum.total))\", or lower the others.")
  }

  private func checkEnvelope(_ path: DocumentPath, _ faults: inout FaultList) {
    guard envelope.k > envelope.efSearch else { return }
    faults.add(
      rule: path.appending("k"), involving: [path.appending("efSearch")],
      "\(envelope.k) neighbours do not fit into the widest search, \(envelope.efSearch)",
      "Lower k, or raise efSearch to at least \(envelope.k).")
  }

  private func checkObjectives(_ path: DocumentPath, _ faults: inout FaultList) {
    Self.refuseRepeats(objectives.map(\.name), path, &faults)
    let names = tiers.map(\.name)
    for (index, objective) in objectives.enumerated() {
      let place = path.appending(index)
      if case .latency(_, .some(let tier)) = objective.indicator, !names.contains(tier) {
        let near = nearest(to: tier, among: names).map { "Did you mean “\($0)”?" }
        faults.add(
          rule: place.appending("tier"), involving: [DocumentPath([.key("tiers")])],
          "There is no tier \(quoted(tier))",
          near ?? "Write one of \(names.map(quoted).joined(separator: ", ")).")
      }
      for (number, alert) in objective.alerts.enumerated() {
        let alertPath = place.appending("alerts").appending(number)
        if alert.short > alert.long {
          faults.add(
            rule: alertPath.appending("short"), involving: [alertPath.appending("long")],
            "\(Units.text(alert.short)) is longer than the long window, \(Units.text(alert.long))",
            "A twelfth of the long one is usual.")
        } else if alert.long / 100 > alert.short {
          faults.add(
            rule: alertPath.appending("long"), involving: [alertPath.appending("short")],
            "\(Units.text(alert.long)) is more than 100 times the short window, "
              + Units.text(alert.short), "Twelve times the short one is usual.")
        }
        // The standard alerts go with windows of weeks; nobody should have to repeat them for a shorter one.
        if alert.long > objective.window, !BurnRateAlert.standard.contains(alert) {
          faults.add(
            rule: alertPath.appending("long"), involving: [place.appending("window")],
            "\(Units.text(alert.long)) is longer than the objective's window, "
              + Units.text(objective.window), "Write at most that.")
        }
      }
    }
  }

  private func checkTenants(_ path: DocumentPath, _ faults: inout FaultList) {
    Self.refuseRepeats(tenants.map(\.name), path, &faults)
    var firstDefault: String?
    for (index, tenant) in tenants.enumerated() {
      let place = path.appending(index)
      if tenant.isDefault, let firstDefault {
        faults.add(
          rule: place.appending("default"), "\(quoted(firstDefault)) is the default already",
          "Keep one of them.")
      }
      if tenant.isDefault { firstDefault = firstDefault ?? tenant.name }
      if tenant.burst != nil, tenant.rate == nil {
        faults.add(
          rule: place.appending("burst"), involving: [place.appending("rate")],
          "A burst without a rate limits nothing", "Write the rate too, or leave the burst out.")
      }
    }
  }

  /// Names a second thing of the same name.
  private static func refuseRepeats(
    _ names: [String], _ path: DocumentPath, _ faults: inout FaultList
  ) {
    var first: [String: Int] = [:]
    for (index, name) in names.enumerated() {
      guard let earlier = first.updateValue(first[name] ?? index, forKey: name) else { continue }
      faults.add(
        rule: path.appending(index).appending("name"),
        "\(path)[\(earlier)] is called \(quoted(name)) too", "Give it a name of its own.")
    }
  }
}
