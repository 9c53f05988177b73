import Needletail
import NeedletailBudgets
import NeedletailCore

extension ServiceRuntime {
  /// Queries that are searched for in one call.
  private struct Group {
    var assignments: [Core.Assignment]
  }

  private struct Turn {
    var groups: [Group] = []
    var expired: [(Job, Rejection)] = []
  }

  /// A worker's life.
  func work(_ number: Int) {
    options.onWorkerStart?(number)
    while let turn = next() {
      for (job, rejection) in turn.expired { expire(job, rejection) }
      for group in turn.groups { serve(group) }
    }
  }

  /// Sleeps until there is something to do; `nil`: the service ends.
  private func next() -> Turn? {
    var isCounted = false
    return state.waiting { state in
      if isCounted { state.idle -= 1 }
      isCounted = false
      if state.isStopping { return .done(nil) }
      let turn = self.take(&state.core)
      if !turn.groups.isEmpty || !turn.expired.isEmpty { return .done(turn) }
      state.idle += 1
      isCounted = true
      return .sleep(nil)
    }
  }

  /// What a worker does next: one query, or several where many wait and none is in a hurry.
  private func take(_ core: inout Core) -> Turn {
    var turn = Turn()
    let now = clock.now
    let share = core.waitingCount / max(1, options.workers)
    var room = max(1, min(options.batch, share))
    while room > 0, let assignment = core.take(at: now, expired: { turn.expired.append(($0, $1)) })
    {
      room -= 1
      if let first = turn.groups.first, belongs(assignment, to: first) {
        turn.groups[0].assignments.append(assignment)
        continue
      }
      // Whoever is of another kind ends the turn; whoever is in a hurry goes first.
      let group = Group(assignments: [assignment])
      if !turn.groups.isEmpty || !assignment.plan.isAtEase { room = 0 }
      turn.groups.insert(group, at: assignment.plan.isAtEase ? turn.groups.count : 0)
    }
    return turn
  }

  private func belongs(_ assignment: Core.Assignment, to group: Group) -> Bool {
    guard let first = group.assignments.first else { return false }
    let one = first.payload.request
    let other = assignment.payload.request
    return first.plan.isAtEase && assignment.plan.isAtEase
      && first.plan.rung == assignment.plan.rung && first.plan.window == assignment.plan.window
      && one.k == other.k && one.search == other.search && one.filter == nil && other.filter == nil
  }

  /// Searches, answers, and tells the core what it took.
  private func serve(_ group: Group) {
    guard let first = group.assignments.first else { return }
    let begin = clock.now
    let requests = group.assignments.map(\.payload.request)
    // Many neighbours take longer than what was measured of few.
    let isAtEase =
      first.plan.isAtEase && first.standing.call.kind == .plain && requests[0].k <= 128
      && requests[0].search == nil
    let latency = isAtEase ? nil : Duration.nanoseconds(max(1, first.plan.end - begin))
    let request = BackendRequest(
      queries: requests.map(\.query), k: requests[0].k, filter: requests[0].filter,
      rung: first.plan.rung, window: first.plan.window, latency: latency,
      search: requests[0].search)
    let backend = backend.withLock { $0 }
    do throws(NeedletailError) {
      let answer = try backend.search(request)
      guard answer.results.count == requests.count else {
        throw NeedletailError(
          .corrupted, "\(answer.results.count) answers came back for \(requests.count) queries.")
      }
      finish(group, answer, from: begin)
    } catch {
      // One bad query must not spoil the others' answers.
      if group.assignments.count > 1 {
        for assignment in group.assignments { serve(Group(assignments: [assignment])) }
      } else {
        fail(first, error, backend, from: begin)
      }
    }
  }

  /// A search failed: for what was wrong with the query, or with the index.
  private func fail(
    _ assignment: Core.Assignment, _ error: NeedletailError, _ backend: any SearchBackend,
    from begin: Nanoseconds
  ) {
    let now = clock.now
    state.withLock { state in
      state.core.finished(
        assignment, cost: SearchCost(nanoseconds: now - begin), isWhole: false, at: now)
      if Self.isOfQuery(error) {
        state.core.counts.failed += 1
      } else {
        state.core.failed(assignment.standing)
      }
    }
    if error.code == .corrupted { lookAtFiles() }
    if let segment = failures.withLock({ $0.note(error, at: now) }) {
      quarantine(segment, error, backend)
    }
    assignment.payload.lead?.fail(error)
    assignment.payload.done(.failure(.failed(error)))
  }

  private static func isOfQuery(_ error: NeedletailError) -> Bool {
    [
      NeedletailError.Code.dimensionMismatch, .nonFiniteComponent, .zeroVector,
      .invalidConfiguration, .capacityExceeded,
    ].contains(error.code)
  }

  private func finish(_ group: Group, _ answer: BackendAnswer, from begin: Nanoseconds) {
    let now = clock.now
    let count = group.assignments.count
    let each = (now - begin) / Nanoseconds(max(1, count))
    var answers: [ServedAnswer] = []
    answers.reserveCapacity(count)
    for (assignment, result) in zip(group.assignments, answer.results) {
      answers.append(
        answered(assignment, result, answer, begin: begin, now: now, batch: count))
    }
    state.withLock { state in
      for (place, assignment) in group.assignments.enumerated() {
        let certificate = answers[place].certificate
        state.core.finished(
          assignment,
          cost: SearchCost(
            nanoseconds: each, evaluations: certificate.evaluations,
            rerankedRows: certificate.rerankedRows),
          isWhole: certificate.reasons.isSubset(of: [.shed]), at: now)
        state.core.answered(
          certificate.rung, isWhole: certificate.reasons.isEmpty, assignment.standing,
          after: now - assignment.standing.arrival)
        // How good its own settings are was never measured.
        guard assignment.payload.request.search == nil else { continue }
        answers[place].certificate.estimatedRecall = state.core.recall.estimate(certificate.rung)
      }
    }
    for (place, assignment) in group.assignments.enumerated() {
      hand(answers[place], of: assignment)
      // It waited for the others of its group, and for what the cache had to look at.
      answers[place].certificate.stages.merge += clock.now - now
      assignment.payload.done(.success(answers[place]))
    }
    sample(group, answers, answer.searched)
  }

  /// The answer with its certificate: every nanosecond from the arrival until now is in one of its stages.
  private func answered(
    _ assignment: Core.Assignment, _ result: SearchResult, _ answer: BackendAnswer,
    begin: Nanoseconds, now: Nanoseconds, batch: Int
  ) -> ServedAnswer {
    let statistics = result.statistics
    var stages = StageLedger()
    stages.cache = assignment.payload.cacheTime
    stages.admission = begin - assignment.standing.arrival - stages.cache
    stages.filter = answer.filterNanoseconds
    stages.rerank = Nanoseconds(statistics.rerankNanoseconds)
    let measured = Nanoseconds(statistics.prepareNanoseconds + statistics.walkNanoseconds)
    // Of several that went together, nobody measured the parts.
    stages.traversal = measured > 0 ? measured : now - begin - stages.filter - stages.rerank
    stages.merge = now - begin - stages.filter - stages.traversal - stages.rerank
    var reasons = result.completion.reasons
    if assignment.plan.rung > .full { reasons.insert(.shed) }
    return ServedAnswer(
      neighbors: result.neighbors,
      certificate: Certificate(
        rung: assignment.plan.rung, searchedAt: assignment.plan.rung, reasons: reasons,
        stages: stages, evaluations: statistics.evaluations, rerankedRows: statistics.rerankedRows,
        generation: answer.generation, estimatedRecall: nil,
        tier: assignment.standing.tierName, batch: batch))
  }

  /// Keeps an answer now and then, to be compared with the exact one.
  private func sample(
    _ group: Group, _ answers: [ServedAnswer],
    _ searched: (snapshot: Snapshot, filter: CompiledFilter?)?
  ) {
    guard let searched else { return }
    for (assignment, answer) in zip(group.assignments, answers) {
      // What a deadline cut short says nothing of its rung.
      guard assignment.plan.isOfItsRung, assignment.payload.request.search == nil,
        answer.certificate.reasons.isSubset(of: [.shed])
      else { continue }
      let request = assignment.payload.request
      samples.withLock { samples in
        guard samples.draws() else { return }
        samples.add(
          RecallInbox.Sample(
            rung: answer.certificate.rung, k: request.k, query: request.query,
            neighbors: answer.neighbors, snapshot: searched.snapshot, filter: searched.filter,
            taken: clock.now))
      }
    }
  }

  /// A query whose time is over before its turn.
  private func expire(_ job: Job, _ rejection: Rejection) {
    job.lead?.fail(NeedletailError(.cancelled, "The time of the search was over before its turn."))
    job.done(.failure(.rejected(rejection)))
  }
}
