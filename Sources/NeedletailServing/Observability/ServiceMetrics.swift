#if Metrics
  public import Metrics
  import NeedletailBudgets
  import NeedletailCore

  /// Hands a service's status to a metrics system, so that a query pays nothing for it.
  ///
  /// ```swift
  /// let metrics = ServiceMetrics()
  /// var options = ServiceOptions()
  /// options.onStatus = { metrics.report($0) }        // every second; or, when a scraper asks:
  /// metrics.report(service.status)
  /// ```
  ///
  /// The service counts for itself; `report` sets gauges and raises counters by what was added since the last report. For reports of
  /// one service, by one or several threads.
  ///
  /// | Name | Kind | Dimensions |
  /// |---|---|---|
  /// | `needletail_ready`, `needletail_draining` | gauge, 0 or 1 | |
  /// | `needletail_load_ratio`, `needletail_utilisation_ratio` | gauge | |
  /// | `needletail_waiting_queries`, `needletail_busy_queries`, `needletail_workers` | gauge | |
  /// | `needletail_tier` | gauge, 1 for the one that holds | `tier` |
  /// | `needletail_rung` | gauge, 0 `full` … 6 `reject` | `class` |
  /// | `needletail_search_cost_seconds`, `needletail_recall_ratio` | gauge | `rung` |
  /// | `needletail_latency_seconds` | gauge | `quantile`: 0.5, 0.95, 0.99 |
  /// | `needletail_offered_queries_total`, `…_served_…`, `…_refused_…` | counter | `class` |
  /// | `needletail_answers_total` | counter | `rung` |
  /// | `needletail_rejections_total` | counter | `reason` |
  /// | `needletail_failed_queries_total` | counter | |
  /// | `needletail_error_budget_remaining_ratio` | gauge | `objective` |
  /// | `needletail_tenant_cost_millionths_total` | counter, millionths of a cost unit | `tenant` |
  /// | `needletail_flag` | gauge, 0 or 1 | `flag` |
  /// | `needletail_cache_bytes`, `needletail_cache_answers` | gauge | |
  /// | `needletail_cache_hits_total` | counter | `kind`: `fresh`, `stale` |
  /// | `needletail_cache_misses_total`, `…_joined_…`, `…_evictions_…`, `…_invalidated_…` | counter | |
  ///
  /// Quantiles are those of the answers since the last report, at most 19 % too high; without answers they stay. They are gauges because
  /// the interface of swift-metrics takes single values, not counts in buckets; quantiles of several processes cannot be joined.
  public final class ServiceMetrics: Sendable {
    private let recorded: Guarded<RecordedMetrics>

    /// Makes what reports to a metrics system.
    ///
    /// - Parameter factory: the system; `nil`: the one that the process was set up with.
    public init(factory: (any MetricsFactory)? = nil) {
      recorded = Guarded(RecordedMetrics(factory ?? MetricsSystem.factory))
    }

    /// Sets the gauges, and raises the counters by what is new.
    public func report(_ status: ServiceStatus) {
      recorded.withLock { recorded in
        recorded.record(state: status)
        recorded.record(counts: status.counts)
        recorded.record(parts: status)
        if let cache = status.cache { recorded.record(cache: cache) }
      }
    }
  }

  extension RecordedMetrics {
    fileprivate mutating func record(state status: ServiceStatus) {
      gauge("ready", status.isReady ? 1 : 0)
      gauge("draining", status.isDraining ? 1 : 0)
      gauge("load_ratio", status.load)
      gauge("utilisation_ratio", status.utilisation)
      gauge("waiting_queries", Double(status.waiting))
      gauge("busy_queries", Double(status.busy))
      gauge("workers", Double(status.workers))
      mark("tier", "tier", [status.tier])
      mark("flag", "flag", status.flags)
    }

    fileprivate mutating func record(counts: ServiceCounts) {
      for priority in PriorityClass.allCases {
        let name = priority.rawValue
        counter("offered_queries_total", ("class", name), Int64(counts.offered[priority]))
        counter("served_queries_total", ("class", name), Int64(counts.served[priority]))
        counter("refused_queries_total", ("class", name), Int64(counts.refused[priority]))
      }
      for rung in Rung.allCases where rung != .reject {
        counter("answers_total", ("rung", rung.rawValue), Int64(counts.answered[rung]))
      }
      for reason in Rejection.Reason.allCases {
        counter(
          "rejections_total", ("reason", reason.rawValue), Int64(counts.rejected[reason] ?? 0))
      }
      counter("failed_queries_total", nil, Int64(counts.failed))
      counter("cancelled_queries_total", nil, Int64(counts.cancelled))
      let recent = counts.latency.since(latency)
      latency = counts.latency
      for (name, share) in [("0.5", 0.5), ("0.95", 0.95), ("0.99", 0.99)] {
        guard let time = recent.quantile(share) else { continue }
        gauge("latency_seconds", Double(time) / 1e9, ("quantile", name))
      }
    }

    fileprivate mutating func record(parts status: ServiceStatus) {
      for priority in PriorityClass.allCases {
        gauge("rung", Double(status.rungs[priority].order), ("class", priority.rawValue))
      }
      for rung in Rung.allCases {
        if let cost = status.cost[rung] {
          gauge("search_cost_seconds", Double(cost) / 1e9, ("rung", rung.rawValue))
        }
        if let recall = status.recall[rung] {
          gauge("recall_ratio", recall, ("rung", rung.rawValue))
        }
      }
      for (objective, left) in status.errorBudgets {
        gauge("error_budget_remaining_ratio", Double(left) / 1e6, ("objective", objective))
      }
      for (tenant, used) in status.tenants {
        counter("tenant_cost_millionths_total", ("tenant", tenant), used)
      }
    }

    fileprivate mutating func record(cache: CacheStatus) {
      gauge("cache_bytes", Double(cache.bytes))
      gauge("cache_answers", Double(cache.answers))
      counter("cache_hits_total", ("kind", "fresh"), Int64(cache.counts.hits))
      counter("cache_hits_total", ("kind", "stale"), Int64(cache.counts.staleHits))
      counter("cache_misses_total", nil, Int64(cache.counts.misses))
      counter("cache_joined_total", nil, Int64(cache.counts.joined))
      counter("cache_evictions_total", nil, Int64(cache.counts.evictions))
      counter("cache_invalidated_total", nil, Int64(cache.counts.invalidated))
    }
  }
#endif
