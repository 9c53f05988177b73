public import NeedletailBudgets
public import NeedletailCore
public import Needletail

/// An index that answers within a budget.
///
/// ```swift
/// let budget = try PerformanceBudget(contentsOf: "shop.json")
/// let service = try SearchService(index, budget: budget)
/// let answer = try await service.search(ServiceRequest(query: query, k: 10))
/// for neighbor in answer.neighbors { print(neighbor.id, neighbor.distance) }
/// if !answer.certificate.reasons.isEmpty { print(answer.certificate.rung) }
/// ```
///
/// Queries wait in bounded queues, by importance and fairly among tenants, for threads of the service; those that could not be
/// answered in time are refused at once. What each answer costs follows the load. For any number of threads; dropping the
/// service ends it, and refuses what still waits.
public final class SearchService: Sendable {
  let runtime: ServiceRuntime
  /// The index; `nil` for what a test made.
  let index: Guarded<VectorIndex?>
  /// One index, or one budget, takes over at a time.
  let swapping = Guarded<Void>(())

  /// Begins to serve.
  ///
  /// - Throws: `invalidConfiguration` for what no machine can run, and for flags of tiers or objectives that the budget does not have;
  ///   `notFound` for an index without rows; `overBudget` when the index takes more memory than the budget allows;
  ///   `capacityExceeded` when it, or its full search, is beyond the budget's envelope.
  public init(
    _ index: VectorIndex, budget: PerformanceBudget, options: ServiceOptions = ServiceOptions()
  ) throws(NeedletailError) {
    try budget.memory.check(
      predicted: MemoryUse(try index.snapshot().memoryUse, budget, options))
    let backend = try IndexBackend(
      index, lighter: options.lighter, full: options.full, smaller: budget.ladder.window)
    try backend.check(budget.envelope)
    var cache: AnswerCache?
    if let settings = ResultCacheSettings(budget) {
      cache = try AnswerCache(settings, index, budget, options)
    }
    self.index = Guarded(index)
    runtime = try ServiceRuntime(backend, budget, options, cache: cache)
  }

  /// Begins to serve what a test made.
  package init(
    backend: any SearchBackend, budget: PerformanceBudget, options: ServiceOptions
  ) throws(NeedletailError) {
    index = Guarded(nil)
    runtime = try ServiceRuntime(backend, budget, options)
  }

  deinit { runtime.stop() }

  /// The budget that is kept now.
  public var budget: PerformanceBudget { runtime.budget }

  /// Answers a query; the caller's thread sleeps meanwhile.
  ///
  /// - Throws: `rejected`, with the time after which to ask again; `failed`, as `Snapshot.search` throws.
  /// - Precondition: not called from a callback of this service.
  public func search(_ request: ServiceRequest) throws(ServiceError) -> ServedAnswer {
    let note = Note(request, runtime)
    let slot = Monitor<ServiceResult?>(nil)
    runtime.submit(request) { result in
      slot.withLock { $0 = result }
      slot.wakeOne()
    }
    let result: ServiceResult = slot.waiting { result in
      if let result { .done(result) } else { .sleep(nil) }
    }
    note?.finish(result)
    return try result.get()
  }

  /// Answers a query; no thread sleeps meanwhile.
  ///
  /// Where its task is cancelled, the call returns at once. A query that waits for its turn is not searched for then, and its tenant gets
  /// back what it was charged; one that is being searched for is charged.
  ///
  /// - Throws: as the blocking form; `failed` with `cancelled`.
  public func search(_ request: ServiceRequest) async throws(ServiceError) -> ServedAnswer {
    let note = Note(request, runtime)
    let reply = Reply()
    let result: ServiceResult = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        runtime.submit(request, reply) { continuation.resume(returning: $0) }
      }
    } onCancel: {
      runtime.cancel(reply)
    }
    note?.finish(result)
    return try result.get()
  }

  /// Answers a query through a callback, on a thread of the service or, where it can be told at once, on the caller's.
  ///
  /// The callback must not wait for anything.
  public func submit(
    _ request: ServiceRequest, done: @escaping @Sendable (ServiceResult) -> Void
  ) {
    guard let note = Note(request, runtime) else { return runtime.submit(request, nil, done) }
    runtime.submit(request) { result in
      done(result)
      note.finish(result)
    }
  }

  /// Lets nothing in any more, and answers what waits.
  ///
  /// - Parameter time: how long to wait for that; what still waits then is refused.
  /// - Returns: whether everything was answered.
  @discardableResult
  public func drain(within time: Duration) -> Bool { runtime.drain(within: time) }

  /// Lets nothing in any more, and answers what waits; no thread sleeps meanwhile.
  ///
  /// As `drain`. Where its task is cancelled, what still waits is refused at once.
  ///
  /// - Parameter time: how long to wait for that; what still waits then is refused.
  /// - Returns: whether everything was answered.
  @discardableResult
  public func shutDown(within time: Duration) async -> Bool {
    let end = ContinuousClock.now + min(max(.zero, time), .seconds(86_400))
    runtime.beginDraining()
    while !runtime.isAnswered, ContinuousClock.now < end, !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(1))
    }
    return runtime.endDraining()
  }

  /// What the service does now.
  public var status: ServiceStatus { runtime.status }

  /// Writes the status into a file, in the place of what it held: whoever reads it finds the old one or the new one, whole.
  ///
  /// - Throws: `io` and `alreadyExists` as the file system says.
  public func writeStatus(to path: String) throws(NeedletailError) {
    try StatusFile(status).write(to: path, in: runtime.options.fileSystem)
  }

  /// The most queries that waited at a time since this was called last.
  public func takeLongestQueue() -> Int {
    runtime.state.withLock { state in
      defer { state.longestQueue = state.core.waitingCount }
      return state.longestQueue
    }
  }
}
