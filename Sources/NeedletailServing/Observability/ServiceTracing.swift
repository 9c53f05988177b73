#if Tracing
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import Tracing

  /// Tells a tracer of an answer after it was given: a span for the query, and one inside it for each stage that took time.
  ///
  /// The stages are those of the certificate, so that a search pays nothing while it runs.
  struct ServiceTracing {
    /// Stages in the order in which a query passes through them: the cache is asked before the queue.
    private static let order: [Stage] = [.cache, .admission, .filter, .traversal, .rerank, .merge]

    private let tracer: any Tracer
    private let context: ServiceContext
    private let start: UInt64

    /// Begins at the present instant, within the span that the caller is in; `nil` without a tracer.
    init?(_ tracer: (any Tracer)?) {
      guard let tracer else { return nil }
      self.init(
        tracer, context: ServiceContext.current ?? .topLevel,
        start: DefaultTracerClock.now.nanosecondsSinceEpoch)
    }

    /// Begins at an instant in nanoseconds since 1970.
    init(_ tracer: any Tracer, context: ServiceContext, start: UInt64) {
      self.tracer = tracer
      self.context = context
      self.start = start
    }

    /// Makes the spans of a result that is there now.
    func finish(_ request: ServiceRequest, _ result: ServiceResult) {
      let span = begin("needletail.search", within: context, at: start)
      span.updateAttributes {
        $0["needletail.k"] = request.k
        $0["needletail.class"] = request.priority.rawValue
        if let tenant = request.tenant { $0["needletail.tenant"] = tenant }
      }
      switch result {
      case .success(let answer): finish(span, answer.certificate)
      case .failure(.rejected(let rejection)):
        span.attributes["needletail.rejection"] = rejection.reason.rawValue
        fail(span, "rejected: \(rejection.reason.rawValue)")
      case .failure(.failed(let error)):
        span.recordError(error)
        fail(span, error.description)
      }
    }

    private func finish(_ span: any Span, _ certificate: Certificate) {
      span.updateAttributes {
        $0["needletail.rung"] = certificate.rung.rawValue
        $0["needletail.searchedAt"] = certificate.searchedAt.rawValue
        $0["needletail.reasons"] = certificate.reasons.map(\.description).sorted()
        $0["needletail.evaluations"] = certificate.evaluations
        $0["needletail.generation"] = certificate.generation
        $0["needletail.tier"] = certificate.tier
        $0["needletail.batch"] = certificate.batch
      }
      var instant = start
      for stage in Self.order {
        let time = certificate.stages[stage]
        guard time > 0 else { continue }
        let part = begin("needletail.\(stage.rawValue)", within: span.context, at: instant)
        instant &+= UInt64(time)
        end(part, at: instant)
      }
      end(span, at: instant)
    }

    private func fail(_ span: any Span, _ message: String) {
      span.setStatus(SpanStatus(code: .error, message: message))
      end(span, at: max(start, DefaultTracerClock.now.nanosecondsSinceEpoch))
    }

    private func begin(
      _ name: String, within context: ServiceContext, at instant: UInt64
    ) -> any Span {
      tracer.startSpan(
        name, context: context, ofKind: .internal,
        at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: instant))
    }

    private func end(_ span: any Span, at instant: UInt64) {
      span.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: instant))
    }
  }
#endif
