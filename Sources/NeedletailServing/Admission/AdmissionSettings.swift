package import NeedletailBudgets
package import NeedletailCore

/// How much may wait, and how long.
package struct AdmissionSettings: Sendable {
  /// Threads that serve.
  package var workers: Int
  /// The most queries of each class that wait.
  package var bounds: PerClass<Int>
  /// The longest that a query of each class waits, whatever its deadline.
  package var waits = PerClass<Nanoseconds>(repeating: .max)
  /// The most that one tenant may have waiting beside others, as a share of the bound of its class.
  package var tenantShare = 0.5
  /// How long a tenant that asked counts as one that others must leave room for; a tenant alone has the whole queue.
  package var tenantMemory: Nanoseconds = .second
  /// The share of the time to its deadline that a query may be expected to wait: the rest is for its work.
  package var waitShare = 0.5
  /// How long the first of a class waits, beside more important ones, before it may go before them.
  package var starvation: Nanoseconds = 100 * .millisecond
  /// Of how many queries one may go before more important ones.
  package var guardEvery = 16
  /// The least and the most of the times after which refused callers are told to ask again.
  package var retry: ClosedRange<Nanoseconds> = (5 * .millisecond)...(10 * .second)

  package init(workers: Int, bound: Int = 1_000) {
    self.workers = workers
    bounds = PerClass(repeating: bound)
  }

  /// Settings as a budget has them: the bounds of its queues, and its time to ask again as the least one.
  package init(_ budget: PerformanceBudget, workers: Int) {
    self.init(workers: workers)
    for priority in PriorityClass.allCases {
      let bound = budget.priorities[priority]
      bounds[priority] = bound.length
      if let wait = bound.wait { waits[priority] = Nanoseconds(wait) }
    }
    let least = Nanoseconds(budget.ladder.retryAfter)
    retry = least...max(retry.upperBound, least)
  }

  /// The longest queue.
  package static let largestBound = 1 << 20

  /// Checks all of it.
  ///
  /// - Throws: `invalidConfiguration` with the numbers.
  package func validate() throws(NeedletailError) {
    guard (1...Limits.threads).contains(workers) else {
      throw NeedletailError(
        .invalidConfiguration, "\(workers) workers are not within 1...\(Limits.threads).")
    }
    for priority in PriorityClass.allCases
    where !(1...Self.largestBound).contains(bounds[priority]) || waits[priority] <= 0 {
      throw NeedletailError(
        .invalidConfiguration,
        "A bound of \(bounds[priority]) queries for \(priority) is not within 1...\(Self.largestBound), or"
          + " none of them may wait (\(waits[priority]) ns).")
    }
    guard tenantShare > 0, tenantShare <= 1, waitShare > 0, waitShare <= 1 else {
      throw NeedletailError(
        .invalidConfiguration,
        "A tenant's share of \(tenantShare) or a wait's of \(waitShare) is not within 0...1, or 0.")
    }
    guard starvation > 0, guardEvery > 1, retry.lowerBound > 0, tenantMemory > 0 else {
      throw NeedletailError(
        .invalidConfiguration,
        "Starvation after \(starvation) ns, one of \(guardEvery), retries after \(retry) ns, tenants that"
          + " count for \(tenantMemory) ns: all must be"
          + " positive, and at least every second query goes by importance.")
    }
  }
}

/// What asks to be let in.
package struct AdmissionRequest: Sendable, Hashable {
  package var priority: PriorityClass
  package var tenant: TenantID
  /// The tenant's share among others, in thousandths.
  package var weight: Int
  /// The work that is expected on the rung that is planned, in nanoseconds of one worker.
  package var work: Nanoseconds
  /// The same on the cheapest rung that may be used.
  package var cheapest: Nanoseconds
  package var deadline: Nanoseconds

  /// Makes a request; times beyond an hour, negative ones and weights out of range are taken as the nearest that is possible.
  package init(
    _ priority: PriorityClass, tenant: TenantID = TenantID(rawValue: 0),
    weight: Int = TenantAllowance.usualWeight,
    work: Nanoseconds, cheapest: Nanoseconds, deadline: Nanoseconds
  ) {
    self.priority = priority
    self.tenant = tenant
    self.weight = min(TenantAllowance.largestWeight, max(1, weight))
    self.work = min(.longestWork, max(1, work))
    self.cheapest = min(.longestWork, max(1, cheapest))
    self.deadline = max(0, deadline)
  }
}

/// What became of a request.
package enum Admission: Sendable, Hashable {
  /// Why a query was not let in.
  package enum Reason: Sendable, Hashable {
    /// It could not be answered by its deadline.
    case deadline
    /// As many of its class wait as may.
    case queueFull
    /// As many of its tenant wait as may.
    case tenantFull
    /// The service is ending.
    case draining
  }

  /// It waits; how long is a prediction.
  case admitted(wait: Nanoseconds)
  /// It was refused at once, and may be asked again after a time.
  case rejected(Reason, retryAfter: Nanoseconds)
}
