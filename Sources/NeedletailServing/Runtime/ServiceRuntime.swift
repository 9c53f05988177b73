import Needletail
import NeedletailBudgets
import NeedletailCore
import Synchronization

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
  /// What is done in idle moments, by the thread for it alone.
  let idling: Guarded<Idling>
  /// Answers that wait to be compared.
  let samples: Guarded<RecallInbox>
  /// What is to be told to the service's owner.
  let events = Guarded<[ServiceEvent]>([])
  /// Queries that were taken in and whose callback has not returned.
  let open = Atomic<Int>(0)
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
    // The first look at the files comes soon: what is damaged was so before.
    idling = Guarded(Idling(nextScrub: now))
    // Answers that share a seller are not those that an exact search finds.
    let share = options.full.cap == nil ? options.recallSampling : 0
    samples = Guarded(RecallInbox(share: share, seed: UInt64(bitPattern: now)))
    try start()
  }

  private func start() throws(NeedletailError) {
    var started: [ServiceThread] = []
    for number in 0..<options.workers {
      guard let thread = ServiceThread({ self.work(number) }) else { break }
      started.append(thread)
    }
    let count = started.count
    if count == options.workers {
      for life in [{ self.attend() }, { self.idle() }] as [@Sendable () -> Void] {
        if let thread = ServiceThread(life) { started.append(thread) }
      }
    }
    threads.withLock { $0 = started }
    guard started.count == options.workers + 2 else {
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
      let isIdle = open.load(ordering: .acquiring) == 0
      let left = end - clock.now
      return isIdle || left <= 0 ? .done(isIdle) : .sleep(min(left, .millisecond))
    }
    if !isDone { refuseAll() }
    return isDone
  }

  private func refuseAll() {
    let jobs = state.withLock { $0.core.refuseWaiting(at: clock.now) }
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
    let (standing, isDraining) = state.withLock {
      ($0.core.arrive(call, at: now), $0.core.isDraining)
    }
    open.add(1, ordering: .relaxed)
    let job = Job(request: request) { [self] result in
      done(result)
      open.subtract(1, ordering: .releasing)
    }
    if let cache, request.usesCache, !isDraining {
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
    let (dimensions, metric) = backend.withLock { ($0.dimensions, $0.metric) }
    guard request.query.count == dimensions else {
      return NeedletailError(
        .dimensionMismatch,
        "The query has \(request.query.count) components; the index has \(dimensions) dimensions.")
    }
    var squaredNorm: Float = 0
    for (place, component) in request.query.enumerated() {
      guard component.isFinite else {
        return NeedletailError(
          .nonFiniteComponent, "Component \(place) of the query is \(component).")
      }
      squaredNorm += component * component
    }
    if squaredNorm == 0, metric == .cosine, !request.query.contains(where: { $0 != 0 }) {
      return NeedletailError(.zeroVector, "The query is all zeros: it has no direction.")
    }
    if let deadline = request.deadline, deadline <= .zero {
      return NeedletailError(
        .invalidConfiguration, "The deadline is \(deadline) after the call; it must be above zero.")
    }
    do throws(NeedletailError) {
      try budget.envelope.check(
        ComplexityRequest(
          dimensions: request.query.count,
          efSearch: options.full.recall == nil ? options.full.efSearch : nil, k: request.k,
          filterSize: request.filter?.listedCount))
    } catch {
      return error
    }
    return nil
  }
}
