import NeedletailCore

/// What the generator's thread knows of a run so far: groups, slices, lag.
///
/// No other thread touches it.
struct LoadTally {
  let vocabulary: LoadVocabulary
  let start: Int64
  let slice: Int64
  let length: Int64
  /// How much later than its deadline an answer may end, in nanoseconds: what a guard may overlook.
  private static let grace: Int64 = 200_000
  private let deadline: Int64?
  /// What holds where a target names no tiers: those of the first one.
  private let usual: (p95: Int64, p99: Int64)?
  /// The p95 and p99 of each tier of the vocabulary, in nanoseconds; nil where the budget has none.
  private let targets: [(p95: Int64, p99: Int64)?]

  var validity = LoadValidity()
  var slices: [LoadSlice] = []
  private(set) var tierChanges: [LoadTierChange] = []
  private(set) var overall = LoadGroup(name: "all")
  private(set) var tiers: [LoadGroup]
  private(set) var rungs: [LoadGroup]
  private(set) var priorities: [LoadGroup]
  private(set) var tenants: [LoadGroup]
  /// Times from sending to the refusal.
  private(set) var refusals = LoadGroup(name: "rejection")
  /// Times from sending to the answer, and those that the answers' stages account for; of all answers.
  private(set) var ledger = LedgerTally()
  private var reasons: [Int]
  var lag = LatencyRecorder()
  /// The work in progress of slices that are not closed; nil for those that are.
  var open: [OpenSlice?] = []
  var firstOpen = 0
  var spare: [LatencyRecorder] = [LatencyRecorder(), LatencyRecorder()]
  private var lastTier: (tier: Int, finished: Int64)?

  /// A slice whose requests have not all ended.
  struct OpenSlice {
    var latency: LatencyRecorder
    var waiting = 0
    var stages = SIMD8<Int64>()
  }

  init(
    _ vocabulary: LoadVocabulary, tenants: [String], options: LoadOptions, start: Int64,
    length: Int64
  ) {
    self.vocabulary = vocabulary
    self.start = start
    self.length = length
    let seconds: Int64 = 1_000_000_000
    slice = length / options.slice < 3600 ? options.slice : (length / 3600 / seconds + 1) * seconds
    deadline = options.deadline
    func target(_ tier: LoadBudget.Tier) -> (p95: Int64, p99: Int64) {
      (Self.nanoseconds(tier.p95Microseconds), Self.nanoseconds(tier.p99Microseconds))
    }
    usual = vocabulary.tiers.isEmpty ? options.budget?.tiers.first.map(target) : nil
    targets = vocabulary.tiers.map { options.budget?.tier($0).map(target) }
    tiers = vocabulary.tiers.map { LoadGroup(name: $0) }
    rungs = vocabulary.rungs.map { LoadGroup(name: $0) }
    priorities = LoadPriority.allCases.map { LoadGroup(name: $0.name) }
    self.tenants = tenants.map { LoadGroup(name: $0) }
    reasons = vocabulary.reasons.map { _ in 0 }
    overall.prepare()
    // Beyond these, room is made when a name is first met.
    for place in tiers.indices.prefix(8) { tiers[place].prepare() }
    for place in rungs.indices.prefix(8) { rungs[place].prepare() }
    for place in priorities.indices { priorities[place].prepare() }
    let count = Int(length / slice) + 1
    slices.reserveCapacity(count)
    open.reserveCapacity(count)
  }

  /// The nearest length of time to what somebody wrote into a budget.
  private static func nanoseconds(_ microseconds: Double) -> Int64 {
    microseconds.isNaN ? 0 : Int64(min(9e18, max(0, microseconds * 1000)))
  }

  /// How often each reason was given.
  var reasonCounts: [LoadCount] {
    zip(vocabulary.reasons, reasons).map { LoadCount(name: $0, count: $1) }
  }

  /// Counts a request when its time has come; `sent` is nil when it was not sent.
  mutating func offer(_ request: LoadRequest, sent: Int64?, patience: Int64) {
    let place = self.place(of: request.intended)
    slices[place].offered += 1
    slices[place].offeredByPriority[request.priority.rawValue] += 1
    overall.offer()
    priorities[request.priority.rawValue].offer()
    if tenants.indices.contains(request.tenant) { tenants[request.tenant].offer() }
    open[place]?.waiting += 1
    guard let sent else {
      validity.unsent += 1
      // It counts as if it had been waited for in vain.
      end(request, LoadEnd(outcome: nil, latency: patience), place)
      return
    }
    let behind = max(0, sent - request.intended)
    validity.sent += 1
    lag.record(nanoseconds: UInt64(behind))
    if behind > LoadValidity.late {
      validity.late += 1
      slices[place].late += 1
    }
  }

  /// Counts the end of a request.
  mutating func finish(_ record: LoadCollector.Record) {
    let (request, response) = (record.request, record.response)
    let place = self.place(of: request.intended)
    let tier = response.tier.flatMap { tiers.indices.contains($0) ? $0 : nil }
    let rung = response.rung.flatMap { rungs.indices.contains($0) ? $0 : nil }
    let target = tier.flatMap { targets[$0] } ?? usual
    let latency = record.finished - request.intended
    let deadline = deadline ?? target?.p99 ?? .max
    let end = LoadEnd(
      outcome: response.outcome, latency: latency,
      isInTime: latency <= min(deadline, target?.p99 ?? .max),
      isWithinP95: latency <= target?.p95 ?? deadline,
      isOverdue: latency - Self.grace > deadline, isFull: response.reasons == 0,
      evaluations: response.evaluations)
    for bit in reasons.indices where response.reasons & 1 << UInt32(bit) != 0 { reasons[bit] += 1 }
    if let tier {
      tiers[tier].offer()
      tiers[tier].end(end)
      slices[place].tiers[tier] += 1
      note(tier, at: record.finished)
    }
    if response.outcome == .answered {
      if let rung {
        rungs[rung].offer()
        rungs[rung].end(end)
        slices[place].rungs[rung] += 1
      }
      open[place]?.stages &+= response.stages
      if !vocabulary.stages.isEmpty {
        ledger.add(response.stages.wrappedSum(), of: record.finished - record.sent)
      }
    } else if response.outcome == .rejected {
      refusals.offer()
      refusals.record(record.finished - record.sent)
    }
    self.end(request, end, place)
  }

  /// Counts a request that nobody waits for any more.
  mutating func giveUp(_ request: LoadRequest, now: Int64) {
    end(
      request, LoadEnd(outcome: nil, latency: now - request.intended), place(of: request.intended))
  }

  private mutating func end(_ request: LoadRequest, _ end: LoadEnd, _ place: Int) {
    overall.end(end)
    priorities[request.priority.rawValue].end(end)
    if tenants.indices.contains(request.tenant) { tenants[request.tenant].end(end) }
    open[place]?.waiting -= 1
    switch end.outcome {
    case .answered:
      slices[place].answered += 1
      slices[place].answeredByPriority[request.priority.rawValue] += 1
      slices[place].inTime += end.isInTime ? 1 : 0
      slices[place].withinP95 += end.isWithinP95 ? 1 : 0
      slices[place].fullQuality += end.isFull ? 1 : 0
      slices[place].evaluations &+= end.evaluations
    case .rejected: slices[place].rejected += 1
    case .failed: slices[place].failed += 1
    case nil: slices[place].unanswered += 1
    }
    if end.outcome == .answered || end.outcome == nil {
      open[place]?.latency.record(nanoseconds: UInt64(max(0, end.latency)))
    }
  }

  /// Notes when responses begin to name another tier; an answer that overtook others changes nothing.
  private mutating func note(_ tier: Int, at finished: Int64) {
    if let last = lastTier, finished < last.finished || tier == last.tier {
      if finished > last.finished { lastTier?.finished = finished }
      return
    }
    lastTier = (tier, finished)
    guard tierChanges.count < 10_000 else { return }
    tierChanges.append(LoadTierChange(seconds: Double(finished - start) / 1e9, tier: tier))
  }
}
