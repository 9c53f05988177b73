#if Metrics
  import Metrics
  import MetricsTestKit
  import NeedletailBudgets
  import NeedletailCore
  import Testing

  @testable import NeedletailServing

  /// A status as metrics.
  @Suite("Service metrics")
  struct ServiceMetricsTests {
    private let factory = TestMetrics()
    private let metrics: ServiceMetrics

    init() { metrics = ServiceMetrics(factory: factory) }

    private func gauge(_ name: String, _ dimensions: [(String, String)] = []) throws -> Double? {
      try factory.expectRecorder("needletail_" + name, dimensions).lastValue
    }

    private func total(_ name: String, _ dimensions: [(String, String)] = []) throws -> Int64 {
      try factory.expectCounter("needletail_" + name, dimensions).totalValue
    }

    @Test("Gauges show the status, counters what was counted")
    func whole() throws {
      let status = exampleStatus()
      metrics.report(status)
      #expect(try gauge("ready") == 1 && gauge("draining") == 0)
      #expect(try gauge("load_ratio") == 1.25 && gauge("utilisation_ratio") == 0.75)
      #expect(try gauge("waiting_queries") == 7 && gauge("busy_queries") == 2)
      #expect(try gauge("workers") == 3 && gauge("tier", [("tier", "peak")]) == 1)
      #expect(try gauge("rung", [("class", "sheddable")]) == 6)
      #expect(try gauge("search_cost_seconds", [("rung", "full")]) == 0.00021)
      #expect(try gauge("recall_ratio", [("rung", "full")]) == 0.984)
      #expect(throws: (any Error).self) { try gauge("recall_ratio", [("rung", "lighterCodes")]) }
      let p99 = try #require(status.counts.latency.quantile(0.99))
      #expect(try gauge("latency_seconds", [("quantile", "0.99")]) == Double(p99) / 1e9)
      #expect(try gauge("error_budget_remaining_ratio", [("objective", "fast answers")]) == 0.871)
      #expect(try gauge("flag", [("flag", "noPreview")]) == 1)
      #expect(try gauge("cache_bytes") == 1_000)
      #expect(try total("offered_queries_total", [("class", "critical")]) == 900)
      #expect(try total("answers_total", [("rung", "smallerWindow")]) == 103)
      #expect(try total("rejections_total", [("reason", "quota")]) == 30)
      #expect(try total("rejections_total", [("reason", "draining")]) == 0)
      #expect(try total("failed_queries_total") == 2)
      #expect(try total("tenant_cost_millionths_total", [("tenant", "acme")]) == 12_500_000)
      #expect(try total("cache_hits_total", [("kind", "stale")]) == 10)
    }

    @Test(
      "Counters are raised by what is new; a count that falls for a moment is not counted twice")
    func differences() throws {
      var status = exampleStatus()
      metrics.report(status)
      metrics.report(status)
      #expect(try total("served_queries_total", [("class", "critical")]) == 890)
      status.counts.served[.critical] = 900
      for failed in [5, 3, 6] {
        status.counts.failed = failed
        metrics.report(status)
      }
      #expect(try total("served_queries_total", [("class", "critical")]) == 900)
      #expect(try total("failed_queries_total") == 6)
    }

    @Test("Latencies are those since the last report; without answers they stay")
    func latencies() throws {
      var status = exampleStatus()
      metrics.report(status)
      for _ in 0..<50 { status.counts.latency.record(.second) }
      metrics.report(status)
      let median = try #require(try gauge("latency_seconds", [("quantile", "0.5")]))
      #expect(median >= 1 && median <= 1.19)
      let recorder = try factory.expectRecorder(
        "needletail_latency_seconds", [("quantile", "0.5")])
      let before = recorder.values.count
      metrics.report(status)
      #expect(recorder.values.count == before)
    }

    @Test("What no longer holds is set to 0")
    func marks() throws {
      var status = exampleStatus()
      metrics.report(status)
      status.tier = "normal"
      status.flags = []
      metrics.report(status)
      #expect(
        try gauge("tier", [("tier", "peak")]) == 0 && gauge("tier", [("tier", "normal")]) == 1)
      #expect(try gauge("flag", [("flag", "noPreview")]) == 0)
      status.tier = "peak"
      metrics.report(status)
      #expect(
        try gauge("tier", [("tier", "peak")]) == 1 && gauge("tier", [("tier", "normal")]) == 0)
    }

    @Test("A query makes no call into the metrics system: only reports do")
    func hotPath() async throws {
      let world = try SearchServiceTests.world()
      let status = Guarded<ServiceStatus?>(nil)
      var options = ServiceOptions()
      options.workers = 1
      options.onStatus = { [metrics] present in
        metrics.report(present)
        status.withLock { $0 = present }
      }
      var service: SearchService? = try SearchService(
        world.index, budget: SearchServiceTests.budget(), options: options)
      for query in world.queries {
        _ = try await service?.search(ServiceRequest(query: query, k: 3))
      }
      service = nil
      #expect(status.withLock { $0?.counts.latency.count } == 50)
      #expect(try total("answers_total", [("rung", "full")]) == 50)
      // Raised by differences: a few times, not once for each answer.
      let counter = try factory.expectCounter("needletail_answers_total", [("rung", "full")])
      #expect(counter.values.count < 50 && counter.values.reduce(0, +) == 50)
    }
  }
#endif
