#if Tools
  import NeedletailBudgets
  import NeedletailEvaluation
  import NeedletailServing

  /// A service's status as a person reads it.
  enum StatusTable {
    /// - Parameters:
    ///   - file: the status.
    ///   - age: how long ago it was written, in seconds.
    /// - Returns: lines without their ends.
    static func lines(_ file: StatusFile, age: Double) -> [String] {
      let status = file.status
      var lines = ["  written \(words(age: age))"]
      lines += state(status) + [""] + classes(status) + [""] + rungs(status)
      for part in [objectives(status), tenants(status), cache(status), memory(status)]
      where !part.isEmpty {
        lines += [""] + part
      }
      return lines
    }

    /// `2 s ago`, and what it means when that is long.
    static func words(age: Double) -> String {
      guard age.isFinite else { return "at a time that cannot be told" }
      let ago =
        (age < 100
          ? Numerals.fixed(age, 0) + " s" : Numerals.duration(.seconds(min(age.rounded(), 1e12))))
        + " ago"
      guard age > StatusFile.staleAge else { return age < 1 ? "just now" : ago }
      return ago + ": the service has ended, or stands still"
    }

    private static func state(_ status: ServiceStatus) -> [String] {
      var table = Table(leading: [0, 1])
      table.add([
        "state", status.isDraining ? "draining" : status.isReady ? "ready" : "not ready",
      ])
      table.add(["tier", PlainText.of(status.tier)])
      table.add([
        "load",
        "\(percent(status.load)) of what \(Numerals.counted(status.workers, "worker", "workers")) "
          + "can do at full quality; "
          + "\(percent(status.utilisation)) of their time is used",
      ])
      table.add(["queue", "\(Numerals.grouped(status.waiting)) wait, \(status.busy) are searched"])
      let latency = status.counts.latency
      let quantiles = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)].compactMap { name, share in
        latency.quantile(share).map { "\(name) \(Numerals.duration(.nanoseconds($0)))" }
      }
      table.add([
        "answers",
        ([Numerals.grouped(latency.count)] + quantiles).joined(separator: "  "),
      ])
      table.add(["rejected", rejections(status.counts)])
      table.add(["failed", Numerals.grouped(status.counts.failed)])
      table.add(["cancelled", Numerals.grouped(status.counts.cancelled)])
      if !status.flags.isEmpty {
        table.add(["flags", PlainText.of(status.flags.joined(separator: ", "))])
      }
      return table.lines()
    }

    private static func rejections(_ counts: ServiceCounts) -> String {
      let parts = Rejection.Reason.allCases.compactMap { reason -> String? in
        let count = counts.rejected[reason] ?? 0
        return count == 0 ? nil : "\(reason.rawValue) \(Numerals.grouped(count))"
      }
      return parts.isEmpty ? "none" : parts.joined(separator: ", ")
    }

    private static func classes(_ status: ServiceStatus) -> [String] {
      var table = Table(leading: [0, 1])
      table.add(["class", "rung", "searched for", "answered", "refused"])
      for priority in PriorityClass.allCases {
        table.add(
          [priority.rawValue, status.rungs[priority].rawValue]
            + [status.counts.offered, status.counts.served, status.counts.refused].map {
              Numerals.grouped($0[priority])
            })
      }
      return table.lines()
    }

    private static func rungs(_ status: ServiceStatus) -> [String] {
      var table = Table()
      table.add(["rung", "answers", "cost", "recall"])
      for rung in Rung.allCases where rung != .reject {
        table.add([
          rung.rawValue, Numerals.grouped(status.counts.answered[rung]),
          status.cost[rung].map { Numerals.duration(.nanoseconds($0)) } ?? "–",
          status.recall[rung].map { Numerals.fixed($0, 3) } ?? "–",
        ])
      }
      return table.lines()
    }

    private static func objectives(_ status: ServiceStatus) -> [String] {
      guard !status.errorBudgets.isEmpty else { return [] }
      var table = Table()
      table.add(["objective", "error budget left"])
      for (name, left) in status.errorBudgets.sorted(by: { $0.key < $1.key }) {
        table.add([PlainText.of(name), percent(Double(left) / 1e6)])
      }
      return table.lines()
    }

    private static func tenants(_ status: ServiceStatus) -> [String] {
      guard !status.tenants.isEmpty else { return [] }
      var table = Table()
      table.add(["tenant", "cost units"])
      for (name, used) in status.tenants.sorted(by: { $0.key < $1.key }) {
        table.add([PlainText.of(name), Numerals.measured(Double(used) / 1e6)])
      }
      return table.lines()
    }

    private static func cache(_ status: ServiceStatus) -> [String] {
      guard let cache = status.cache else { return [] }
      var table = Table(leading: [0, 1])
      table.add([
        "cache",
        "\(Numerals.grouped(cache.answers)) answers, \(Numerals.bytes(cache.bytes)) of "
          + Numerals.bytes(cache.capacity),
      ])
      let counts = cache.counts
      table.add([
        "hits",
        (cache.hitRatio.map(percent) ?? "–") + ": \(Numerals.grouped(counts.hits)) fresh, "
          + "\(Numerals.grouped(counts.staleHits)) stale, \(Numerals.grouped(counts.misses)) missed, "
          + "\(Numerals.grouped(counts.joined)) joined another's search",
      ])
      table.add([
        "ended",
        "\(Numerals.grouped(counts.invalidated)) by changes, "
          + "\(Numerals.grouped(counts.evictions)) for room",
      ])
      return table.lines()
    }

    private static func memory(_ status: ServiceStatus) -> [String] {
      guard let memory = status.memory else { return [] }
      var table = Table()
      table.add(["memory", "bytes", "limit", ""])
      for (name, use) in memory.sorted(by: { $0.key < $1.key }) where use.used > 0 {
        table.add([
          PlainText.of(name), Numerals.bytes(use.used),
          use.limit.map { Numerals.bytes($0) } ?? "–", use.isAtLimit ? "at its limit" : "",
        ])
      }
      return table.lines()
    }

    private static func percent(_ share: Double) -> String { Numerals.fixed(share * 100, 1) + " %" }
  }
#endif
