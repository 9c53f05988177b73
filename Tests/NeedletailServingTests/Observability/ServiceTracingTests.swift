#if Tracing
  import InMemoryTracing
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import Testing
  import Tracing

  @testable import NeedletailServing

  /// Answers as spans.
  @Suite("Service tracing")
  struct ServiceTracingTests {
    private let tracer = InMemoryTracer()

    private func answer() -> ServedAnswer {
      var stages = StageLedger()
      (stages.cache, stages.admission, stages.traversal, stages.merge) = (10, 200, 3_000, 40)
      return ServedAnswer(
        neighbors: [],
        certificate: Certificate(
          rung: .smallerWindow, searchedAt: .smallerWindow, reasons: [.shed, .deadline],
          stages: stages, evaluations: 321, rerankedRows: 0, generation: 7, estimatedRecall: nil,
          tier: "peak", batch: 2))
    }

    @Test("Stages are spans without a gap inside the query's, which says how the answer was made")
    func stages() throws {
      let tracing = ServiceTracing(tracer, context: .topLevel, start: 1_000_000)
      tracing.finish(ServiceRequest(query: [1], k: 5, tenant: "acme"), .success(answer()))
      let spans = tracer.finishedSpans.sorted {
        $0.startInstant.nanosecondsSinceEpoch < $1.startInstant.nanosecondsSinceEpoch
      }
      let whole = try #require(spans.first { $0.operationName == "needletail.search" })
      let parts = spans.filter { $0.operationName != "needletail.search" }
      #expect(
        parts.map(\.operationName) == [
          "needletail.cache", "needletail.admission", "needletail.traversal", "needletail.merge",
        ])
      #expect(parts.allSatisfy { $0.parentSpanID == whole.spanID && $0.traceID == whole.traceID })
      var instant: UInt64 = 1_000_000
      #expect(whole.startInstant.nanosecondsSinceEpoch == instant)
      for (part, time) in zip(parts, [10, 200, 3_000, 40] as [UInt64]) {
        #expect(part.startInstant.nanosecondsSinceEpoch == instant)
        instant += time
        #expect(part.endInstant.nanosecondsSinceEpoch == instant)
      }
      #expect(whole.endInstant.nanosecondsSinceEpoch == instant)
      let attributes = whole.attributes
      #expect(attributes.get("needletail.rung") == .string("smallerWindow"))
      #expect(attributes.get("needletail.reasons") == .stringArray(["deadline", "shed"]))
      #expect(attributes.get("needletail.tier") == .string("peak"))
      #expect(attributes.get("needletail.tenant") == .string("acme"))
      #expect(attributes.get("needletail.evaluations") == SpanAttribute.int64(321))
      #expect(attributes.get("needletail.generation") == SpanAttribute.int64(7))
      #expect(whole.status == nil && tracer.activeSpans.isEmpty)
    }

    @Test("A refusal and a failure end the span with an error")
    func refused() throws {
      let request = ServiceRequest(query: [1])
      ServiceTracing(tracer, context: .topLevel, start: 5).finish(
        request, .failure(.rejected(Rejection(reason: .quota, retryAfter: .seconds(1)))))
      ServiceTracing(tracer, context: .topLevel, start: 5).finish(
        request, .failure(.failed(NeedletailError(.dimensionMismatch, "1 and 2."))))
      let spans = tracer.finishedSpans
      try #require(spans.count == 2)
      #expect(spans.allSatisfy { $0.status?.code == .error })
      #expect(spans[0].attributes.get("needletail.rejection") == .string("quota"))
      #expect(spans[1].errors.count == 1)
      #expect(spans.allSatisfy { $0.endInstant.nanosecondsSinceEpoch >= 5 })
    }

    @Test("Each form of the call is a span within the caller's; without a tracer there is none")
    func calls() async throws {
      let world = try SearchServiceTests.world()
      var options = ServiceOptions()
      #expect(options.tracer == nil)
      options.workers = 1
      options.tracer = tracer
      let service = try SearchService(
        world.index, budget: SearchServiceTests.budget(), options: options)
      let request = ServiceRequest(query: world.queries[0], k: 3)
      let outer = tracer.startSpan("outer")
      try await ServiceContext.withValue(outer.context) {
        let answer = try await service.search(request)
        let span = try #require(
          tracer.finishedSpans.last { $0.operationName == "needletail.search" })
        #expect(
          span.endInstant.nanosecondsSinceEpoch - span.startInstant.nanosecondsSinceEpoch
            == UInt64(answer.certificate.stages.total))
        _ = try blocking(service, request)
        await withCheckedContinuation { continuation in
          service.submit(request) { _ in continuation.resume() }
        }
      }
      service.drain(within: .seconds(10))
      outer.end()
      // The callback is called before its span is made.
      while tracer.finishedSpans.count(where: { $0.operationName == "needletail.search" }) < 3 {
        await Task.yield()
      }
      let spans = tracer.finishedSpans.filter { $0.operationName == "needletail.search" }
      #expect(
        spans.count == 3
          && spans.allSatisfy { $0.parentSpanID == outer.context.inMemorySpanContext?.spanID })
    }

    /// The form that sleeps, for a function that need not.
    private func blocking(
      _ service: SearchService, _ request: ServiceRequest
    ) throws(ServiceError) -> ServedAnswer { try service.search(request) }
  }
#endif
