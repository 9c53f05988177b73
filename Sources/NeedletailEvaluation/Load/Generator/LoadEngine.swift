import NeedletailCore

/// The generator at work.
struct LoadEngine<Target: LoadTarget, Clock: LoadClock> {
  let start: Int64
  private let target: Target
  private let clock: Clock
  private let options: LoadOptions
  private let length: Int64
  private let collector: LoadCollector
  private var asking: LoadAsking
  private var tally: LoadTally
  private var answers: LoadAnswers
  private var number = 0
  private var pending = -1
  /// When the present slice ends, and its number.
  private var boundary: Int64
  private var sliceNumber = 0
  private var faults: [String] = []

  init(
    _ target: Target, schedule: LoadSchedule, mix: LoadMix, queries: Int, options: LoadOptions,
    clock: Clock
  ) {
    self.target = target
    self.clock = clock
    self.options = options
    length = schedule.nanoseconds
    asking = LoadAsking(schedule, mix, queries: queries, k: options.k, seed: options.seed)
    collector = LoadCollector(
      capacity: options.openRequests, width: options.keptAnswers > 0 ? options.k : 0, clock: clock)
    answers = LoadAnswers(
      rungs: target.vocabulary.rungs.count, width: options.k, limit: options.keptAnswers,
      queries: options.keptQueries)
    // Making the collector took time; the schedule begins after it.
    start = clock.now + 1_000_000
    tally = LoadTally(
      target.vocabulary, tenants: asking.tenants.names, options: options, start: start,
      length: length)
    boundary = start + tally.slice
  }

  /// Sends every request of the schedule.
  mutating func send(
    _ schedule: LoadSchedule, monitor: WorkMonitor?
  ) throws(NeedletailError) {
    _ = target.gauges()
    for arrival in schedule.arrivals(seed: options.seed) {
      let intended = start + arrival.offset
      try idle(until: intended, monitor)
      let now = clock.now
      guard now - intended <= options.patience + tally.slice else {
        faults.append(
          "The generator fell \(Numerals.duration(.nanoseconds(now - intended))) behind and stopped "
            + "after \(Numerals.counted(number, "request", "requests")): the target held its thread."
        )
        break
      }
      send(arrival, intended: intended, now: now)
    }
    try idle(until: start + length, monitor)
    tally.begin(at: start + length - 1)
  }

  private mutating func send(_ arrival: LoadArrival, intended: Int64, now: Int64) {
    let asked = asking.ask(arrival)
    let slot = collector.reserve()
    let request = LoadRequest(
      number: number, query: asked.query, k: asked.k, priority: asked.priority,
      tenant: asked.tenant, intended: intended, deadline: options.deadline.map { intended + $0 },
      slot: slot ?? 0)
    number += 1
    tally.offer(request, sent: slot == nil ? nil : now, patience: options.patience)
    guard slot != nil else { return }
    collector.begin(request, sent: now)
    target.submit(request, to: collector)
  }

  /// Looks after responses and slices until an instant.
  private mutating func idle(
    until instant: Int64, _ monitor: WorkMonitor? = nil
  ) throws(NeedletailError) {
    while true {
      let isMore = collect()
      let now = clock.now
      while now >= boundary, boundary <= start + length {
        turn()
        try monitor?.advance(by: Int(tally.slice / 1_000_000_000))
      }
      if now >= instant { return }
      if !isMore { clock.wait(until: min(instant, now + 5_000_000)) }
    }
  }

  /// Takes some responses; returns whether there may be more.
  private mutating func collect() -> Bool {
    if pending < 0 { pending = collector.takeFinished() }
    // A few at a time: the next request may be due.
    var left = 64
    while pending >= 0, left > 0 {
      let slot = pending
      let record = collector[slot]
      pending = record.next
      tally.finish(record)
      if record.response.outcome == .answered {
        answers.keep(record, slot: slot, from: collector)
      }
      collector.release(slot)
      left -= 1
    }
    return pending >= 0
  }

  /// Ends a slice.
  private mutating func turn() {
    tally.begin(at: boundary - 1)
    tally.sample(
      target.gauges(), memory: ResidentMemory.anonymousBytesNow(), slice: sliceNumber)
    let now = boundary
    boundary += tally.slice
    sliceNumber += 1
    giveUp(now: now)
  }

  private mutating func giveUp(now: Int64) {
    let overdue = now - options.patience
    guard tally.close(before: now, overdue: overdue) else { return }
    // Those of slices that ended so long ago.
    let limit = start + (overdue - start) / tally.slice * tally.slice
    let instant = clock.now
    collector.giveUp(before: limit) { tally.giveUp($0.request, now: instant) }
    _ = tally.close(before: now)
  }

  /// Waits for what is open, but not for ever.
  mutating func drain() {
    let end = clock.now + options.patience
    while collector.openCount > 0, clock.now < end {
      if !collect() { clock.wait(until: min(end, clock.now + 1_000_000)) }
    }
    while collect() {}
    let now = clock.now
    collector.giveUp(before: .max) { tally.giveUp($0.request, now: now) }
    tally.closeAll()
    tally.judge(strays: collector.strayCount, isPinned: options.isPinned, faults: faults)
  }

  /// What was measured.
  func run(_ schedule: LoadSchedule, writes: LoadWrites.Outcome?) -> LoadRun {
    var report = LoadReport(tally, schedule: schedule, options: options)
    report.writes = writes
    return LoadRun(report: report, answers: answers)
  }
}
