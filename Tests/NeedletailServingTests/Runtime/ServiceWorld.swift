import NeedletailBudgets
import NeedletailCore

@testable import NeedletailServing

/// A service in virtual time: queries arrive at random, workers take as long as they are said to, and every decision is the real core's.
struct ServiceWorld {
  /// Queries of one kind.
  struct Stream {
    var priority = PriorityClass.critical
    var tenant: String?
    /// Queries a second, as a function of time.
    var rate: (Nanoseconds) -> Double
    var deadline: Nanoseconds?
    /// Their work beside that of the usual query.
    var size = 1.0
  }

  /// A query, and how it ended.
  struct Query: Sendable {
    var stream: Int
    var arrival: Nanoseconds
    var deadline: Nanoseconds
    var tier: Int
    var rung = Rung.full
    /// When it was answered; nil where it was not.
    var end: Nanoseconds?
    var rejection: Rejection.Reason?

    var latency: Nanoseconds? { end.map { $0 - arrival } }
    var isInTime: Bool { end.map { $0 <= deadline } ?? false }
  }

  var core: ServiceCore<Int>
  let streams: [Stream]
  let workers: Int
  /// What a search takes on a rung, of the usual size.
  var work = ServiceWorld.usualWork
  /// What is done to the service at an instant.
  var changes: [(at: Nanoseconds, make: (inout ServiceCore<Int>) -> Void)] = []
  /// A time in which the machine stands still.
  var stall: Range<Nanoseconds>?
  private(set) var queries: [Query] = []
  private(set) var events: [(at: Nanoseconds, event: ServiceEvent)] = []
  /// The most that ever waited.
  private(set) var mostWaiting = 0
  /// Tier and rungs, at each tick.
  private(set) var course: [(at: Nanoseconds, tier: Int, rungs: PerClass<Rung>)] = []
  private var random: SplitMix64
  private var arrivals: [Nanoseconds]
  private var running: [(end: Nanoseconds, took: Nanoseconds, ServiceCore<Int>.Assignment)] = []
  private var tick: Nanoseconds = 0

  init(
    _ budget: PerformanceBudget, workers: Int = 4, _ streams: [Stream], seed: UInt64 = 1
  ) throws {
    self.streams = streams
    self.workers = workers
    core = try ServiceCore(
      budget, ServiceSettings(workers: workers, firstCost: .millisecond), start: 0)
    random = SplitMix64(seed: seed)
    arrivals = []
    arrivals = streams.map { gap($0.rate(0)) }
    for rung in [Rung.full, .smallerWindow, .withoutRerank] {
      core.learn(SearchCost(nanoseconds: work[rung], evaluations: 1_000), rung, .plain)
    }
  }

  static var usualWork: PerRung<Nanoseconds> {
    PerRung { rung in
      switch rung {
      case .full: .millisecond
      case .smallerWindow: 600 * .microsecond
      default: 400 * .microsecond
      }
    }
  }

  /// Runs until an instant, and until what began before it has ended.
  mutating func run(until end: Nanoseconds) {
    while true {
      let stream = arrivals.indices.min { arrivals[$0] < arrivals[$1] } ?? 0
      let next = running.indices.min { running[$0].end < running[$1].end }
      let now = min(arrivals[stream], next.map { running[$0].end } ?? .max)
      while tick <= min(now, end) {
        for told in core.tick(at: tick) { events.append((tick, told)) }
        course.append((tick, core.tierNumber, core.rungs))
        tick += ServiceCore<Int>.interval
      }
      while let change = changes.first, change.at <= now {
        change.make(&core)
        changes.removeFirst()
      }
      if now >= end, running.isEmpty { return }
      if let next, running[next].end == now {
        let (_, took, assignment) = running.remove(at: next)
        finish(assignment, took, at: now)
      } else {
        arrive(stream, at: now)
        arrivals[stream] = now + gap(streams[stream].rate(now))
        if arrivals[stream] >= end { arrivals[stream] = .max }
      }
      while running.count < workers, start(at: now) {}
      mostWaiting = max(mostWaiting, core.waitingCount)
    }
  }

  private mutating func gap(_ rate: Double) -> Nanoseconds {
    random.exponential(mean: Nanoseconds(1e9 / max(0.001, rate)))
  }

  private mutating func arrive(_ stream: Int, at now: Nanoseconds) {
    let kind = streams[stream]
    let standing = core.arrive(
      .init(priority: kind.priority, tenant: kind.tenant, deadline: kind.deadline), at: now)
    queries.append(
      Query(stream: stream, arrival: now, deadline: standing.deadline, tier: standing.tier))
    if let rejection = core.offer(queries.count - 1, standing, at: now) {
      queries[queries.count - 1].rejection = rejection.reason
    }
  }

  private mutating func start(at now: Nanoseconds) -> Bool {
    var expired: [Int] = []
    let assignment = core.take(at: now) { payload, _ in expired.append(payload) }
    for place in expired { queries[place].rejection = .deadline }
    guard let assignment else { return false }
    let query = assignment.payload
    let usual = Double(work[assignment.plan.rung]) * streams[queries[query].stream].size
    var took = random.uniform(mean: Nanoseconds(usual))
    if let stall, stall.contains(now) { took += stall.upperBound - now }
    queries[query].rung = assignment.plan.rung
    running.append((now + took, took, assignment))
    return true
  }

  private mutating func finish(
    _ assignment: ServiceCore<Int>.Assignment, _ took: Nanoseconds, at now: Nanoseconds
  ) {
    queries[assignment.payload].end = now
    let size = streams[queries[assignment.payload].stream].size
    core.finished(
      assignment, cost: SearchCost(nanoseconds: took, evaluations: Int(1_000 * size)), at: now)
    core.answered(
      assignment.plan.rung, isWhole: assignment.plan.rung == .full, assignment.standing,
      after: now - assignment.standing.arrival)
  }

  /// Queries that arrived within a range, of one stream or of all.
  func arrived(_ range: Range<Nanoseconds>, stream: Int? = nil) -> [Query] {
    // They are in the order of their arrival.
    func first(at instant: Nanoseconds) -> Int {
      var (low, high) = (0, queries.count)
      while low < high {
        let middle = (low + high) / 2
        if queries[middle].arrival < instant { low = middle + 1 } else { high = middle }
      }
      return low
    }
    return queries[first(at: range.lowerBound)..<first(at: range.upperBound)].filter {
      stream == nil || $0.stream == stream
    }
  }
}
