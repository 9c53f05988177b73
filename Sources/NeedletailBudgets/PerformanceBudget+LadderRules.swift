/// What holds of the ladder, and of the cache that its last rungs need.
extension PerformanceBudget {
  /// The rungs that there are, and the window of the second one.
  func checkLadder(_ path: DocumentPath, _ faults: inout FaultList) {
    checkRungs(ladder.rungs, path.appending("rungs"), &faults)
    checkCachedRungs(ladder.rungs, path.appending("rungs"), &faults)
    let width = path.appending("window").appending("efSearch")
    if case .efSearch(let efSearch) = ladder.window, efSearch > envelope.efSearch {
      faults.add(
        rule: width, involving: [DocumentPath([.key("envelope"), .key("efSearch")])],
        "\(efSearch) is above envelope.efSearch, \(envelope.efSearch)",
        "The smaller window lies inside the envelope: write less.")
    }
  }

  /// Rungs in the order of the ladder, each once, the first of them `full`.
  func checkRungs(_ rungs: [Rung], _ path: DocumentPath, _ faults: inout FaultList) {
    if rungs.isEmpty {
      faults.add(rule: path, "There is no rung", "Write at least [\"full\"].")
    }
    for (index, pair) in zip(rungs, rungs.dropFirst()).enumerated() where pair.1 <= pair.0 {
      let order = Rung.allCases.filter { rungs.contains($0) }.map { "\"\($0.rawValue)\"" }
      faults.add(
        rule: path.appending(index + 1),
        pair.1 == pair.0
          ? "“\(pair.1.rawValue)” stands here twice"
          : "“\(pair.1.rawValue)” comes before “\(pair.0.rawValue)” in the ladder",
        "Write [\(order.joined(separator: ", "))].")
      return
    }
    guard let first = rungs.first, first != .full else { return }
    faults.add(
      rule: path, "“full” is missing: without stress an answer is made as it was asked for",
      "Write it before \"\(first.rawValue)\".")
  }

  /// No rung of the cache where there is none; a list of all rungs means those that there are.
  func checkCachedRungs(_ rungs: [Rung], _ path: DocumentPath, _ faults: inout FaultList) {
    guard !cache.isEnabled, rungs != Rung.allCases,
      let index = rungs.firstIndex(where: \.isCached)
    else { return }
    faults.add(
      rule: path.appending(index),
      involving: [path, DocumentPath([.key("cache"), .key("enabled")])],
      "“\(rungs[index].rawValue)” needs a cache, and cache.enabled is false",
      "Leave it out, or enable the cache.")
  }

  /// The times of the cache, and its room.
  func checkCache(
    _ path: DocumentPath, _ ceiling: DocumentPath, _ faults: inout FaultList
  ) {
    if cache.staleFor < cache.freshFor {
      faults.add(
        rule: path.appending("staleFor"), involving: [path.appending("freshFor")],
        "\(Units.text(cache.staleFor)) is shorter than freshFor, \(Units.text(cache.freshFor))",
        "Write at least as much.")
    }
    guard cache.isEnabled, let bytes = memory.cache, bytes < CacheSettings.leastBytes else {
      return
    }
    faults.add(
      rule: ceiling, involving: [path.appending("enabled")],
      "\(Units.text(bytes: bytes)) are no room for answers",
      "Write at least \"\(Units.text(bytes: CacheSettings.leastBytes))\", or cache.enabled: false.")
  }
}
