import Needletail
import NeedletailBudgets
import NeedletailCore

extension ServiceRuntime {
  /// Looks for an answer in the cache; searches where there is none, for itself where others' searches ended without an answer for
  /// it, `attempt` times.
  func ask(_ cache: AnswerCache, _ job: Job, _ standing: Core.Standing, attempt: Int = 0) {
    if let reply = job.reply, reply.isOver { return }
    guard let key = cache.key(job.request, at: standing.rung) else {
      return enqueue(job, standing)
    }
    if attempt == 0, let session = job.request.session {
      cache.asked(key.at(.full), session: session)
    }
    let allowsStale = standing.rung >= .cachedStale && job.request.acceptsStale
    // What a lighter search finds is not kept: nobody waits for it.
    guard standing.rung <= .smallerWindow else {
      let found = cache.answers.peek(key, allowStale: allowsStale, at: clock.now)
      if let found, give(found, cache, job, standing) { return }
      return enqueue(timed(job, standing), standing)
    }
    // Who matters more does not wait for the search of somebody who matters less.
    let rank = standing.call.priority.order
    for _ in 0..<2 {
      let found = cache.answers.lookup(
        key, rank: rank, deadline: standing.deadline, at: clock.now
      ) {
        self.landed($0, cache, job, standing, attempt)
      }
      switch found {
      case .waiting: return
      case .alone: return enqueue(timed(job, standing), standing)
      case .hit(let answer): if give(answer, cache, job, standing) { return }
      case .lead(let lead):
        var job = timed(job, standing)
        job.lead = lead
        return enqueue(job, standing)
      }
    }
    enqueue(timed(job, standing), standing)
  }

  /// Somebody else's search has ended.
  private func landed(
    _ outcome: FlightOutcome, _ cache: AnswerCache, _ job: Job, _ standing: Core.Standing,
    _ attempt: Int
  ) {
    // Its caller has given up: it is nobody's answer, and nobody's refusal.
    if let reply = job.reply, reply.isOver { return }
    switch outcome {
    case .answer(let answer): if give(answer, cache, job, standing) { return }
    case .expired:
      let rejection = state.withLock { $0.core.expired(standing) }
      return job.done(.failure(.rejected(rejection)))
    case .failed, .overtaken: break
    }
    // One of those who waited searches, the others wait for that one: not all of them at once.
    if attempt < 2 {
      ask(cache, job, standing, attempt: attempt + 1)
    } else {
      enqueue(timed(job, standing), standing)
    }
  }

  private func timed(_ job: Job, _ standing: Core.Standing) -> Job {
    var job = job
    job.cacheTime = clock.now - standing.arrival
    return job
  }

  /// Answers out of the cache; `false`: something of it may not be shown any more.
  private func give(
    _ answer: CachedAnswer, _ cache: AnswerCache, _ job: Job, _ standing: Core.Standing
  ) -> Bool {
    guard let generation = cache.generation(showing: answer.neighbors, at: clock.now) else {
      return false
    }
    let rung: Rung = answer.isStale ? .cachedStale : .cachedFresh
    var reasons: Set<Completion.Reason> = []
    if answer.isStale { reasons.insert(.stale) }
    if answer.rung > .full { reasons.insert(.shed) }
    var stages = StageLedger()
    stages.cache = clock.now - standing.arrival
    let recall = state.withLock { state in
      state.core.answered(
        rung, isWhole: reasons.isEmpty, standing, after: stages.cache)
      return state.core.recall.estimate(answer.rung)
    }
    job.done(
      .success(
        ServedAnswer(
          neighbors: answer.neighbors,
          certificate: Certificate(
            rung: rung, searchedAt: answer.rung, reasons: reasons, stages: stages, evaluations: 0,
            rerankedRows: 0, generation: generation, estimatedRecall: recall,
            tier: standing.tierName, batch: 0))))
    return true
  }

  /// Tells the cache of an answer that others may wait for.
  func hand(_ answer: ServedAnswer, of assignment: Core.Assignment) {
    guard let lead = assignment.payload.lead else { return }
    let certificate = answer.certificate
    let isWhole =
      certificate.rung == lead.key.rung && certificate.reasons.subtracting([.shed]).isEmpty
      && certificate.rung <= .smallerWindow && assignment.plan.isOfItsRung
    lead.finish(answer.neighbors, isWhole: isWhole)
  }
}
