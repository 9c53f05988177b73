/// A query that somebody is told of when it has ended: a tracer, where there is one.
///
/// Without the trait `Tracing` there is never one, and what asks for it is compiled to nothing.
struct Note: Sendable {
  #if Tracing
    private let request: ServiceRequest
    private let tracing: ServiceTracing

    init?(_ request: ServiceRequest, _ runtime: ServiceRuntime) {
      guard let tracing = ServiceTracing(runtime.options.tracer) else { return nil }
      self.request = request
      self.tracing = tracing
    }

    func finish(_ result: ServiceResult) { tracing.finish(request, result) }
  #else
    @inline(__always)
    init?(_ request: ServiceRequest, _ runtime: ServiceRuntime) { return nil }

    func finish(_ result: ServiceResult) {}
  #endif
}
