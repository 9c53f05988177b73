package import NeedletailBudgets
package import NeedletailCore

/// The queue before the workers: bounded, by importance, fair among tenants, and honest at once to who would come too late.
///
/// A query waits only where it is expected to be answered in time: what is before it, at the rate at which work is really done, fits a
/// share of the time to its deadline, and then the cheapest plan does. What has become hopeless is dropped when
/// its turn comes. A tenant may fill the queue while it is alone; beside others, who wait or asked a moment ago, it has its share.
/// Not made for several threads at once.
///
/// - Complexity: O(log t) for t tenants that wait.
package struct AdmissionQueue: Sendable {
  package typealias Entry = FairQueue.Entry

  /// A query whose turn has come.
  package struct Turn: Sendable {
    package var entry: Entry
    package var priority: PriorityClass
  }

  package private(set) var settings: AdmissionSettings
  /// By the class's order: an array changes an element in its place, `PerClass` would copy it.
  private var queues = PriorityClass.allCases.map { _ in FairQueue() }
  /// Who asks, by the class's order.
  private var askers = PriorityClass.allCases.map { _ in RecentTenants() }
  private var admittedWork: PerClass<RecentRate>
  private var rate: ServiceRate
  private var inService: Nanoseconds = 0
  /// Queries that workers are at.
  package private(set) var busy = 0
  private var turns = 0
  /// Refuses everything from now on; what waits is still served.
  package var isDraining = false

  /// An empty queue.
  ///
  /// - Throws: `invalidConfiguration`.
  package init(_ settings: AdmissionSettings, start: Nanoseconds) throws(NeedletailError) {
    try settings.validate()
    self.settings = settings
    admittedWork = PerClass(repeating: RecentRate(width: 250 * .millisecond, start: start))
    rate = ServiceRate(horizon: Nanoseconds(settings.workers) * 250 * .millisecond)
  }

  /// Takes other bounds; what waits does so as long as it was let in for, also beyond a bound that is shorter now.
  ///
  /// - Precondition: the settings were validated; the number of workers is the same.
  mutating func adopt(_ settings: AdmissionSettings) { self.settings = settings }

  /// Lets everything go that waits; what workers are at goes on.
  package mutating func removeAll() {
    for place in queues.indices { queues[place] = FairQueue() }
  }

  /// Queries that wait.
  package var count: Int { PriorityClass.allCases.reduce(0) { $0 + queues[$1.order].count } }

  /// Queries of one class that wait.
  package func count(_ priority: PriorityClass) -> Int { queues[priority.order].count }

  /// The longest that the next query of any class has been waiting.
  package func nextWait(at now: Nanoseconds) -> Nanoseconds {
    PriorityClass.allCases.reduce(0) { max($0, queues[$1.order].nextWait(at: now)) }
  }

  /// The time that a request that came now would wait.
  package mutating func predictedWait(
    _ request: AdmissionRequest, at now: Nanoseconds
  ) -> Nanoseconds {
    // A free worker takes it at once.
    guard busy >= settings.workers || count > 0 else { return 0 }
    var ahead = queues[request.priority.order].workAhead(
      of: request.tenant, weight: request.weight, work: request.work)
    // More important work goes first: what waits, and what will come meanwhile.
    var taken = 0.0
    for other in PriorityClass.allCases where other < request.priority {
      ahead += queues[other.order].work
      taken += admittedWork[other].perSecond(at: now)
    }
    let all = Double(settings.workers)
    taken = taken * rate.ratio / Double(Nanoseconds.second)
    let left = max(all / Double(settings.guardEvery), all - taken)
    return Nanoseconds(nearest: (Double(ahead) + Double(inService) / 2) * rate.ratio / left)
  }

  /// Lets a query wait, or refuses it at once; `ticket` is the number by which its caller knows it.
  package mutating func offer(
    _ ticket: UInt64, _ request: AdmissionRequest, at now: Nanoseconds
  ) -> Admission {
    let wait = predictedWait(request, at: now)
    let priority = request.priority
    let bound = settings.bounds[priority]
    if isDraining { return refusal(.draining, settings.retry.upperBound) }
    askers[priority.order].note(request.tenant, at: now)
    if queues[priority.order].count >= bound { return refusal(.queueFull, wait) }
    if isTenantFull(request, bound, at: now) { return refusal(.tenantFull, wait) }
    let remaining = request.deadline - now
    let cheapest = Nanoseconds(nearest: Double(request.cheapest) * rate.ratio)
    let allowed = min(
      Nanoseconds(nearest: Double(remaining) * settings.waitShare), remaining - cheapest,
      settings.waits[priority])
    guard remaining >= cheapest, wait <= allowed else {
      return refusal(.deadline, wait - max(0, allowed))
    }
    admittedWork[priority].add(request.work, at: now)
    queues[priority.order].append(
      Entry(
        ticket: ticket, tenant: request.tenant, work: request.work, cheapest: request.cheapest,
        arrival: now, deadline: request.deadline, longestWait: settings.waits[priority]),
      weight: request.weight)
    return .admitted(wait: wait)
  }

  /// Takes the next query that can still be answered in time; `expired` gets those that cannot.
  ///
  /// Each query that was taken is told to `finished` later.
  package mutating func take(
    at now: Nanoseconds, expired: (Turn) -> Void
  ) -> Turn? {
    while let priority = nextClass(at: now), let entry = queues[priority.order].popFirst() {
      let turn = Turn(entry: entry, priority: priority)
      let end = now + Nanoseconds(nearest: Double(entry.cheapest) * rate.ratio)
      guard end <= entry.deadline, now - entry.arrival <= entry.longestWait else {
        expired(turn)
        continue
      }
      turns += 1
      busy += 1
      inService += entry.work
      return turn
    }
    return nil
  }

  /// Takes out a query whose caller has given up.
  ///
  /// - Returns: whether it waited.
  mutating func remove(_ ticket: UInt64, _ priority: PriorityClass, of tenant: TenantID) -> Bool {
    queues[priority.order].remove(ticket, of: tenant) != nil
  }

  /// Work on a query has ended: it was expected to take `planned` on the rung that served it, and took `actual`.
  package mutating func finished(_ turn: Turn, planned: Nanoseconds, actual: Nanoseconds) {
    busy -= 1
    inService -= turn.entry.work
    rate.record(expected: planned, actual: actual)
  }

  /// Whether a tenant has as many waiting as it may, beside others.
  private func isTenantFull(
    _ request: AdmissionRequest, _ bound: Int, at now: Nanoseconds
  ) -> Bool {
    let queue = queues[request.priority.order]
    let own = queue.count(of: request.tenant)
    guard own >= max(1, Int(Double(bound) * settings.tenantShare)) else { return false }
    if queue.count > own { return true }
    let other = askers[request.priority.order].lastOther(than: request.tenant)
    return other.map { now - $0 < settings.tenantMemory } ?? false
  }

  /// The most important class that has something; now and then one whose first has waited too long.
  private func nextClass(at now: Nanoseconds) -> PriorityClass? {
    let first = PriorityClass.allCases.first { queues[$0.order].count > 0 }
    guard let first, turns % settings.guardEvery == settings.guardEvery - 1 else { return first }
    return PriorityClass.allCases.first {
      $0 > first && queues[$0.order].nextWait(at: now) > settings.starvation
    } ?? first
  }

  private func refusal(_ reason: Admission.Reason, _ after: Nanoseconds) -> Admission {
    .rejected(
      reason, retryAfter: min(settings.retry.upperBound, max(settings.retry.lowerBound, after)))
  }
}
