package import Needletail
package import NeedletailBudgets
package import NeedletailCore

/// A clock that is moved by hand, and does on its way what was planned.
package protocol PlannedTime: ServingClock {
  /// Plans something for an instant; done when the clock comes there.
  func at(_ instant: Nanoseconds, _ body: @escaping @Sendable () -> Void)
}

/// A service in a time of its own.
///
/// Its decisions are a service's and its answers are searched for; what a search takes is reckoned from what it did. The same
/// requests end the same way on every machine and every day.
///
/// One worker, and one thread: the one that moves the clock. A search that its time does not suffice for is made again with the
/// evaluations that it does suffice for. Queries are searched for one by one, where a service may take several together.
package final class ReckonedService: @unchecked Sendable {
  // SAFETY: one thread submits and moves the clock, and everything is called from there.

  /// A query that waits, and who wants its answer.
  private struct Job: Sendable {
    let request: ServiceRequest
    var lead: CacheLead?
    var cacheTime: Nanoseconds = 0
    let done: @Sendable (ServiceResult) -> Void
  }

  private typealias Core = ServiceCore<Job>

  private let searches: RungSearches
  private let budget: PerformanceBudget
  private let time: any PlannedTime
  private let price: @Sendable (SearchStatistics) -> Nanoseconds
  private let generation: Int
  private let cache: ResultCache<IndexJudge>?
  private var core: Core
  private var isBusy = false
  private var isEnded = false
  private var longestQueue = 0

  /// What looking into the cache takes.
  private static var lookup: Nanoseconds { 2 * .microsecond }

  /// - Parameters:
  ///   - searches: what answers.
  ///   - budget: what is kept.
  ///   - time: the clock.
  ///   - rerank: what is ranked anew: answers without distances of rows are not kept.
  ///   - price: the nanoseconds that a search takes, by what it did.
  /// - Throws: `invalidConfiguration`; as `VectorIndex.snapshot`.
  package init(
    _ searches: RungSearches, _ budget: PerformanceBudget, time: some PlannedTime,
    rerank: SearchOptions.Rerank = .automatic,
    price: @escaping @Sendable (SearchStatistics) -> Nanoseconds
  ) throws(NeedletailError) {
    let snapshot = try searches.snapshot()
    self.searches = searches
    self.budget = budget
    self.time = time
    self.price = { max(1, price($0)) }
    generation = snapshot.generation
    if var settings = ResultCacheSettings(budget) {
      // What is pushed out must not depend on chance.
      settings.seed = 1
      cache = try ResultCache(settings, judge: IndexJudge(snapshot, rerank: rerank))
    } else {
      cache = nil
    }
    core = try Core(budget, searches.settings(workers: 1), start: time.now)
    tick()
  }

  /// Learns what searches take on each rung, as a service does that is warmed up.
  ///
  /// - Throws: as `Snapshot.search`.
  package func learn(_ queries: [[Float]], k: Int) throws(NeedletailError) {
    for rung in searches.rungs {
      for query in queries {
        let found = try searches.search(query, k: k, on: rung)
        core.learn(cost(found), rung, .plain)
      }
    }
  }

  /// Takes that answers of a rung were compared with exact ones.
  package func learn(_ rung: Rung, found: Int, of all: Int) {
    _ = core.compared(rung, found: found, of: all)
  }

  /// What was counted.
  package var counts: ServiceCounts { core.counts }
  /// Bytes that the cache holds; 0 without one.
  package var cacheBytes: Int { cache?.byteCount ?? 0 }

  /// The most queries that waited at a time since this was called last.
  package func takeLongestQueue() -> Int {
    defer { longestQueue = core.waitingCount }
    return longestQueue
  }

  /// Lets nothing in any more, and plans no more looks at the load.
  package func end() {
    isEnded = true
    core.isDraining = true
  }

  /// Takes a query; `done` is called once, in this call or when the clock has come to its end.
  package func submit(
    _ request: ServiceRequest, done: @escaping @Sendable (ServiceResult) -> Void
  ) {
    if let error = refusal(of: request) {
      core.counts.failed += 1
      return done(.failure(.failed(error)))
    }
    let standing = core.arrive(
      .init(
        priority: request.priority, tenant: request.tenant,
        deadline: request.deadline.map { Nanoseconds($0) }), at: time.now)
    ask(Job(request: request, done: done), standing, attempt: 0)
  }

  private func refusal(of request: ServiceRequest) -> NeedletailError? {
    do throws(NeedletailError) {
      try budget.envelope.check(
        ComplexityRequest(dimensions: request.query.count, k: request.k))
      return nil
    } catch {
      return error
    }
  }

  /// Looks at the load, ten times a second.
  private func tick() {
    guard !isEnded else { return }
    _ = core.tick(at: time.now)
    cache?.expireWaiters(at: time.now)
    time.at(time.now + Core.interval) { [weak self] in self?.tick() }
  }
}

/// The cache, as a service asks it.
extension ReckonedService {
  private func ask(_ job: Job, _ standing: Core.Standing, attempt: Int) {
    guard let cache, job.request.usesCache, !core.isDraining else { return enqueue(job, standing) }
    var job = job
    job.cacheTime += Self.lookup
    let key = cache.key(
      query: IndexJudge.bytes(job.request.query), k: job.request.k, rung: standing.rung)
    guard standing.rung <= .smallerWindow else {
      let allowsStale = standing.rung >= .cachedStale && job.request.acceptsStale
      if let found = cache.peek(key, allowStale: allowsStale, at: time.now) {
        return give(found, job, standing)
      }
      return enqueue(job, standing)
    }
    let waiting = job
    let found = cache.lookup(
      key, rank: standing.call.priority.order, deadline: standing.deadline, at: time.now
    ) { [self] outcome in landed(outcome, waiting, standing, attempt) }
    switch found {
    case .waiting: return
    case .alone: enqueue(job, standing)
    case .hit(let answer): give(answer, job, standing)
    case .lead(let lead):
      job.lead = lead
      enqueue(job, standing)
    }
  }

  private func landed(
    _ outcome: FlightOutcome, _ job: Job, _ standing: Core.Standing, _ attempt: Int
  ) {
    switch outcome {
    case .answer(let answer): give(answer, job, standing)
    case .expired: job.done(.failure(.rejected(core.expired(standing))))
    case .failed, .overtaken:
      if attempt < 2 {
        ask(job, standing, attempt: attempt + 1)
      } else {
        enqueue(job, standing)
      }
    }
  }

  private func give(_ answer: CachedAnswer, _ job: Job, _ standing: Core.Standing) {
    let now = time.now
    var reasons: Set<Completion.Reason> = []
    if answer.isStale { reasons.insert(.stale) }
    if answer.rung > .full { reasons.insert(.shed) }
    var stages = StageLedger()
    stages.cache = now + Self.lookup - standing.arrival
    let rung: Rung = answer.isStale ? .cachedStale : .cachedFresh
    core.answered(rung, isWhole: reasons.isEmpty, standing, after: stages.cache)
    let served = ServedAnswer(
      neighbors: answer.neighbors,
      certificate: Certificate(
        rung: rung, searchedAt: answer.rung, reasons: reasons, stages: stages, evaluations: 0,
        rerankedRows: 0, generation: generation, estimatedRecall: nil,
        tier: budget.tiers[standing.tier].name, batch: 0))
    time.at(now + Self.lookup) { job.done(.success(served)) }
  }
}

/// The queue, and the one worker.
extension ReckonedService {
  private func enqueue(_ job: Job, _ standing: Core.Standing) {
    let rejection = core.offer(job, standing, at: time.now)
    longestQueue = max(longestQueue, core.waitingCount)
    guard let rejection else { return work() }
    job.lead?.fail(NeedletailError(.cancelled, "The search that others waited for was refused."))
    job.done(.failure(.rejected(rejection)))
  }

  /// Begins with the next query, where the worker is free.
  private func work() {
    guard !isBusy else { return }
    isBusy = true
    var expired: [Job] = []
    let assignment = core.take(at: time.now) { job, _ in expired.append(job) }
    for job in expired {
      job.lead?.fail(
        NeedletailError(.cancelled, "The time of the search was over before its turn."))
      job.done(
        .failure(
          .rejected(Rejection(reason: .deadline, retryAfter: budget.ladder.retryAfter))))
    }
    guard let assignment else {
      isBusy = false
      // Whoever was told may have asked again meanwhile.
      if !expired.isEmpty, core.waitingCount > 0 { work() }
      return
    }
    do throws(NeedletailError) {
      try begin(assignment)
    } catch {
      fail(assignment, error)
    }
  }

  private func begin(_ assignment: Core.Assignment) throws(NeedletailError) {
    let request = assignment.payload.request
    let plan = assignment.plan
    let begin = time.now
    var found = try searches.search(
      request.query, k: request.k, on: plan.rung, window: plan.window)
    var took = price(found.statistics)
    let left = plan.end - begin
    if took > left, found.statistics.evaluations > 1 {
      let share = Double(max(0, left)) / Double(took)
      found = try searches.search(
        request.query, k: request.k, on: plan.rung, window: plan.window,
        evaluations: Int(Double(found.statistics.evaluations) * share))
      took = price(found.statistics)
      if found.completion.reasons.remove(.evaluations) != nil {
        found.completion.reasons.insert(.deadline)
      }
    }
    let (result, nanoseconds) = (found, took)
    time.at(begin + took) { [self] in
      finish(assignment, result, from: begin, took: nanoseconds)
    }
  }

  private func finish(
    _ assignment: Core.Assignment, _ found: SearchResult, from begin: Nanoseconds,
    took: Nanoseconds
  ) {
    let now = time.now
    let (job, standing, plan) = (assignment.payload, assignment.standing, assignment.plan)
    var reasons = found.completion.reasons
    core.finished(
      assignment, cost: cost(found), isWhole: reasons.isSubset(of: [.shed]), at: now)
    if plan.rung > .full { reasons.insert(.shed) }
    core.answered(plan.rung, isWhole: reasons.isEmpty, standing, after: now - standing.arrival)
    var stages = StageLedger()
    stages.cache = min(job.cacheTime, begin - standing.arrival)
    stages.admission = begin - standing.arrival - stages.cache
    stages.traversal = now - begin
    let answer = ServedAnswer(
      neighbors: found.neighbors,
      certificate: Certificate(
        rung: plan.rung, searchedAt: plan.rung, reasons: reasons, stages: stages,
        evaluations: found.statistics.evaluations, rerankedRows: found.statistics.rerankedRows,
        generation: generation, estimatedRecall: nil, tier: budget.tiers[standing.tier].name,
        batch: 1))
    if let lead = job.lead {
      lead.finish(
        answer.neighbors,
        isWhole: plan.rung == lead.key.rung && reasons.subtracting([.shed]).isEmpty
          && plan.rung <= .smallerWindow && plan.isOfItsRung)
    }
    job.done(.success(answer))
    isBusy = false
    work()
  }

  private func fail(_ assignment: Core.Assignment, _ error: NeedletailError) {
    core.finished(assignment, cost: SearchCost(nanoseconds: 1), isWhole: false, at: time.now)
    core.failed(assignment.standing)
    assignment.payload.lead?.fail(error)
    assignment.payload.done(.failure(.failed(error)))
    isBusy = false
    // By the clock, so that many failures do not stand on one stack.
    time.at(time.now) { [self] in work() }
  }

  private func cost(_ found: SearchResult) -> SearchCost {
    SearchCost(
      nanoseconds: price(found.statistics), evaluations: found.statistics.evaluations,
      rerankedRows: found.statistics.rerankedRows)
  }
}
