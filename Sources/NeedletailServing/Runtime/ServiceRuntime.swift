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
    /// Where its caller may give up.
    var reply: Reply?
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

  /// A budget, in one piece for all who read it.
  final class BudgetInForce: Sendable {
    let budget: PerformanceBudget
    init(_ budget: PerformanceBudget) { self.budget = budget }
  }

  let inForce: Guarded<BudgetInForce>
  let options: ServiceOptions
  let clock: any ServingClock
  let state: Monitor<State>
  let backend: Guarded<any SearchBackend>
  let caching: Guarded<AnswerCache?>
  let flags: Guarded<FlagStates>
  let threads: Guarded<[ServiceThread]>
  /// What the service takes of memory, against the ceilings of its budget.
  let memory: MemoryAccountant
  /// The ceilings that were come to, as far as it was told; `nil`: that of all components together.
  let atLimit = Guarded<Set<MemoryComponent?>>([])
  /// Held while the cache's room is fitted to what else is in use.
  let fitting = Guarded<Void>(())
  /// What is done in idle moments, by the thread for it alone.
  let idling: Guarded<Idling>
  /// Searches that failed for a segment.
  let failures = Guarded(SegmentFailures())
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
    try options.check(against: budget)
    inForce = Guarded(BudgetInForce(budget))
    self.options = options
    clock = options.clock
    let settings = ServiceSettings(
      workers: options.workers, dimensions: backend.dimensions, rungs: backend.rungs,
      leastWindow: backend.leastWindow, batch: options.batch)
    state = Monitor(State(core: try Core(budget, settings, start: clock.now)))
    self.backend = Guarded(backend)
    caching = Guarded(cache)
    memory = MemoryAccountant(budget.memory)
    flags = Guarded(FlagStates(options.flags, budget.tiers.map(\.name)))
    threads = Guarded([])
    let now = clock.now
    // The first look at the files comes soon: what is damaged was so before.
    idling = Guarded(Idling(nextScrub: now))
    // Answers that share a seller are not those that an exact search finds.
    let share = options.full.cap == nil ? options.recallSampling : 0
    samples = Guarded(RecallInbox(share: share, seed: UInt64(bitPattern: now)))
    // Before the first write, which must find it counted.
    lookAtMemory()
    try start()
  }

  /// The budget that is kept now.
  var budget: PerformanceBudget { inForce.withLock { $0 }.budget }
  /// The result cache; one that is not in use holds nothing.
  var cache: AnswerCache? { caching.withLock { $0 } }

  private func start() throws(NeedletailError) {
    var started: [ServiceThread] = []
    for number in 0..<options.workers {
      guard let thread = ServiceThread({ self.work(number) }) else { break }
      started.append(thread)
    }
    let count = started.count
    if count == options.workers {
      for life in [{ self.attend() }, { self.follow() }, { self.idle() }] as [@Sendable () -> Void]
      {
        if let thread = ServiceThread(life) { started.append(thread) }
      }
    }
    threads.withLock { $0 = started }
    guard started.count == options.workers + 3 else {
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
    beginDraining()
    bell.waiting { _ in
      let left = end - clock.now
      return isAnswered || left <= 0 ? .done(()) : .sleep(min(left, .millisecond))
    }
    return endDraining()
  }

  /// Lets nothing in any more.
  func beginDraining() { state.withLock { $0.core.isDraining = true } }

  /// Whether everybody who was let in was answered, or refused.
  var isAnswered: Bool { open.load(ordering: .acquiring) == 0 }

  /// Refuses what still waits; whether nothing did.
  func endDraining() -> Bool {
    let isDone = isAnswered
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

  /// Takes a query; `reply` is where its caller may give up, and then nobody is called twice.
  func submit(
    _ request: ServiceRequest, _ reply: Reply? = nil,
    _ done: @escaping @Sendable (ServiceResult) -> Void
  ) {
    let now = clock.now
    let size: Double?
    do throws(NeedletailError) {
      size = try check(request)
    } catch {
      state.withLock { $0.core.counts.failed += 1 }
      return done(.failure(.failed(error)))
    }
    options.recorder?.record(request)
    let call = Core.Call(
      priority: request.priority, tenant: request.tenant,
      kind: request.filter == nil ? .plain : .filtered,
      deadline: request.deadline.map { Nanoseconds($0) }, size: size)
    let (standing, isDraining) = state.withLock {
      ($0.core.arrive(call, at: now), $0.core.isDraining)
    }
    open.add(1, ordering: .relaxed)
    let finish: @Sendable (ServiceResult) -> Void = { [self] result in
      done(result)
      open.subtract(1, ordering: .releasing)
    }
    guard reply?.begin(finish) ?? true else { return finish(Reply.givenUp) }
    let job = Job(request: request, reply: reply) { result in
      if let reply { reply.send(result) } else { finish(result) }
    }
    if request.usesCache, request.search == nil, !isDraining, let cache, cache.isInUse {
      ask(cache, job, standing)
    } else {
      enqueue(job, standing)
    }
  }

  /// Lets a query wait for a worker, or refuses it.
  func enqueue(_ job: Job, _ standing: Core.Standing) {
    let (result, wakes): (ServiceResult?, Bool) = state.withLock { state in
      // Under this lock, so that who gives up finds it here, or is seen here.
      if let reply = job.reply, reply.isOver { return (Reply.givenUp, false) }
      if let rejection = state.core.offer(job, standing, at: clock.now) {
        return (.failure(.rejected(rejection)), false)
      }
      job.reply?.ticket = state.core.ticket
      state.longestQueue = max(state.longestQueue, state.core.waitingCount)
      return (nil, state.idle > 0)
    }
    if let result {
      // Whoever waits for this search asks for itself.
      job.lead?.fail(NeedletailError(.cancelled, "The search that others waited for was refused."))
      return job.done(result)
    }
    if wakes { state.wakeOne() }
  }

  /// A caller gives up: it is told so at once, and its query leaves the queue.
  ///
  /// A search that has begun goes on, for nobody.
  func cancel(_ reply: Reply) {
    reply.send(Reply.givenUp)
    let job = state.withLock { state in
      reply.ticket.flatMap { state.core.cancel($0, at: clock.now) }
    }
    job?.lead?.fail(NeedletailError(.cancelled, "The search that others waited for was given up."))
  }

  /// Refuses a request that something is wrong with, before anything is done for it.
  ///
  /// - Returns: its work beside that of the usual one, where it says itself how it is searched for.
  private func check(_ request: ServiceRequest) throws(NeedletailError) -> Double? {
    let backend = backend.withLock { $0 }
    let (dimensions, metric) = (backend.dimensions, backend.metric)
    guard request.query.count == dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        "The query has \(request.query.count) components; the index has \(dimensions) dimensions.")
    }
    if let place = request.query.firstIndex(where: { !$0.isFinite }) {
      throw NeedletailError(
        .nonFiniteComponent, "Component \(place) of the query is \(request.query[place]).")
    }
    if metric == .cosine, !request.query.contains(where: { $0 != 0 }) {
      throw NeedletailError(.zeroVector, "The query is all zeros: it has no direction.")
    }
    if let deadline = request.deadline, deadline <= .zero {
      throw NeedletailError(
        .invalidConfiguration, "The deadline is \(deadline) after the call; it must be above zero.")
    }
    let width = try request.search.map { (own) throws(NeedletailError) -> Int in
      try own.cap?.validate()
      let width = try backend.width(own, k: request.k)
      // Candidates that are ranked anew are no less work than those of the walk.
      if case .precise(let candidates) = own.rerank { return max(width, candidates) }
      return width
    }
    try inForce.withLock { $0 }.budget.envelope.check(
      ComplexityRequest(
        dimensions: request.query.count, efSearch: width, k: request.k,
        filterSize: request.filter?.listedCount))
    return width.map { Double($0) / Double(max(1, backend.fullWidth)) }
  }
}
