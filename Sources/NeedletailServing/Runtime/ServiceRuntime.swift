import Needletail
import NeedletailBudgets
import NeedletailCore

/// The threads of a service, and what they share.
final class ServiceRuntime: Sendable {
  /// A query that waits, and who wants its answer.
  struct Job: Sendable {
    let request: ServiceRequest
    /// The duty to tell the cache of the answer, where others may wait for it.
    var lead: CacheLead?
    /// Time that was spent on the cache.
    var cacheTime: Nanoseconds = 0
    let done: @Sendable (ServiceResult) -> Void
  }

  typealias Core = ServiceCore<Job>

  struct State: Sendable {
    var core: Core
    var isStopping = false
    var isReady = false
    /// Workers that sleep.
    var idle = 0
    /// The most queries that waited since somebody asked.
    var longestQueue = 0
  }

  let budget: PerformanceBudget
  let options: ServiceOptions
  let clock: any ServingClock
  let state: Monitor<State>
  let backend: Guarded<any SearchBackend>
  let cache: AnswerCache?
  let flags: Guarded<FlagStates>
  let threads: Guarded<[ServiceThread]>
  let idling: Guarded<Idling>
  /// Where threads sleep that wait for time to pass: whether the service ends.
  let bell = Monitor(false)

  init(
    _ backend: any SearchBackend, _ budget: PerformanceBudget, _ options: ServiceOptions,
    cache: AnswerCache? = nil
  ) throws(NeedletailError) {
    self.budget = budget
    self.options = options
    clock = options.clock
    let settings = ServiceSettings(
      workers: options.workers, dimensions: backend.dimensions, rungs: backend.rungs,
      leastWindow: backend.leastWindow, batch: options.batch)
    state = Monitor(State(core: try Core(budget, settings, start: clock.now)))
    self.backend = Guarded(backend)
    self.cache = cache
    flags = Guarded(FlagStates(options.flags, budget.tiers.map(\.name)))
    threads = Guarded([])
    let now = clock.now
    idling = Guarded(
      Idling(
        sampler: RecallSampler(share: options.recallSampling, seed: UInt64(bitPattern: now)),
        nextScrub: now + min(.longestWork * 24, Nanoseconds(options.scrubInterval))))
    try start()
  }

  private func start() throws(NeedletailError) {
    var started: [ServiceThread] = []
    for number in 0..<options.workers {
      guard let thread = ServiceThread({ self.work(number) }) else { break }
      started.append(thread)
    }
    let count = started.count
    if count == options.workers, let steward = ServiceThread({ self.attend() }) {
      started.append(steward)
    }
    threads.withLock { $0 = started }
    guard started.count == options.workers + 1 else {
      stop()
      throw NeedletailError(
        .capacityExceeded,
        "The system has room for \(count) of the \(options.workers) threads that are to search.")
    }
  }

  /// Ends the threads, and refuses what waits.
  ///
  /// Called from one of the threads itself, it does not wait for that one.
  func stop() {
    state.withLock { state in
      state.isStopping = true
      state.core.isDraining = true
    }
    state.wakeAll()
    bell.withLock { $0 = true }
    bell.wakeAll()
    let threads = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in threads { thread.join() }
    refuseAll()
  }

  /// Lets nothing in any more, and answers what waits.
  func drain(within time: Duration) -> Bool {
    let end = clock.now + max(0, min(.longestWork, Nanoseconds(time)))
    state.withLock { $0.core.isDraining = true }
    let isDone: Bool = bell.waiting { _ in
      let isIdle = state.withLock { $0.core.waitingCount == 0 && $0.core.busyCount == 0 }
      let left = end - clock.now
      return isIdle || left <= 0 ? .done(isIdle) : .sleep(min(left, .millisecond))
    }
    if !isDone { refuseAll() }
    return isDone
  }

  private func refuseAll() {
    let jobs = state.withLock { $0.core.refuseWaiting() }
    for (job, rejection) in jobs {
      job.lead?.fail(NeedletailError(.cancelled, "The service has ended."))
      job.done(.failure(.rejected(rejection)))
    }
  }

  /// Takes a query.
  func submit(_ request: ServiceRequest, _ done: @escaping @Sendable (ServiceResult) -> Void) {
    let now = clock.now
    if let error = refusal(of: request) {
      state.withLock { $0.core.counts.failed += 1 }
      return done(.failure(.failed(error)))
    }
    let call = Core.Call(
      priority: request.priority, tenant: request.tenant,
      kind: request.filter == nil ? .plain : .filtered,
      deadline: request.deadline.map { Nanoseconds($0) })
    let standing = state.withLock { $0.core.arrive(call, at: now) }
    let job = Job(request: request, done: done)
    if let cache, request.usesCache {
      ask(cache, job, standing)
    } else {
      enqueue(job, standing)
    }
  }

  /// Lets a query wait for a worker, or refuses it.
  func enqueue(_ job: Job, _ standing: Core.Standing) {
    let (rejection, wakes) = state.withLock { state in
      let rejection = state.core.offer(job, standing, at: clock.now)
      state.longestQueue = max(state.longestQueue, state.core.waitingCount)
      return (rejection, state.idle > 0)
    }
    if let rejection {
      // Whoever waits for this search asks for itself.
      job.lead?.fail(NeedletailError(.cancelled, "The search that others waited for was refused."))
      return job.done(.failure(.rejected(rejection)))
    }
    if wakes { state.wakeOne() }
  }

  /// What is wrong with a request, before anything is done for it.
  private func refusal(of request: ServiceRequest) -> NeedletailError? {
    let dimensions = backend.withLock { $0.dimensions }
    guard request.query.count == dimensions else {
      return NeedletailError(
        .dimensionMismatch,
        "The query has \(request.query.count) components; the index has \(dimensions) dimensions.")
    }
    if let deadline = request.deadline, deadline <= .zero {
      return NeedletailError(
        .invalidConfiguration, "The deadline is \(deadline) after the call; it must be above zero.")
    }
    do throws(NeedletailError) {
      try budget.envelope.check(
        ComplexityRequest(
          dimensions: request.query.count,
          efSearch: options.full.recall == nil ? options.full.efSearch : nil, k: request.k))
    } catch {
      return error
    }
    return nil
  }
}
