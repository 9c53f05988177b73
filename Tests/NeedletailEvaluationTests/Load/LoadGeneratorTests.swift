import Foundation
import NeedletailCore
import NeedletailEvaluation
import Synchronization
import Testing

@Suite struct LoadGeneratorTests {
  private func run(
    _ service: VirtualService, _ schedule: String, mix: LoadMix = LoadMix(), queries: Int = 100,
    _ change: (inout LoadOptions) -> Void = { _ in }
  ) throws -> LoadRun {
    var options = LoadOptions()
    change(&options)
    return try LoadGenerator.run(
      service, schedule: try LoadSchedule(parsing: schedule), mix: mix, queries: queries,
      options: options, clock: service.clock)
  }

  @Test func everyRequestIsSentAtItsTime() throws {
    let clock = VirtualClock()
    let service = VirtualService(clock) { _, _ in .init(nanoseconds: 200_000) }
    let report = try run(service, "constant:1000qps,10s").report
    #expect(report.validity.isValid && report.validity.late == 0)
    #expect(report.validity.greatestLagMicroseconds < 1)
    #expect(report.overall.offered == 10_000 && report.overall.answered == 10_000)
    #expect(report.slices.count == 10)
    #expect(report.slices.allSatisfy { $0.offered == 1000 && $0.answered == 1000 })
    #expect(abs(report.overall.p99Microseconds - 200) < 1)
    let first = try #require(service.requests.first?.intended)
    for (number, request) in service.requests.enumerated() {
      #expect(request.number == number)
      #expect(abs(request.intended - first - Int64(number) * milliseconds) <= 1)
    }
  }

  /// The worker stands still for a second every ten; whoever comes meanwhile waits.
  @Test func aStallShowsInTheTail() throws {
    let clock = VirtualClock()
    let stalled = Guarded(Int64(-1))
    let service = VirtualService(clock) { _, _ in
      let isNew = stalled.withLock { last in
        guard clock.now / (10 * seconds) > last else { return false }
        last = clock.now / (10 * seconds)
        return true
      }
      return .init(nanoseconds: isNew ? seconds : 50_000)
    }
    let report = try run(service, "poisson:1000qps,60s").report
    #expect(report.validity.isValid)
    #expect(report.overall.p99Microseconds >= 0.9e6)
    #expect(report.overall.p50Microseconds < 1000)
    #expect(report.slices.count { $0.p99Microseconds > 0.9e6 } >= 5)
  }

  /// The same where the target holds the generator's own thread: it is measured, and the run is invalid.
  @Test func aTargetThatBlocksIsMeasuredAndSpoilsTheRun() throws {
    let clock = VirtualClock()
    let service = VirtualService(clock) { request, _ in
      if request.number % 10_000 == 0 { clock.block(for: seconds) }
      return .init(nanoseconds: 50_000)
    }
    let report = try run(service, "constant:1000qps,60s").report
    #expect(report.overall.p99Microseconds >= 0.9e6)
    #expect(!report.validity.isValid)
    #expect(report.validity.late >= 6 * 990)
    #expect(report.validity.faults.contains { $0.contains("more than 1 ms late") })
    #expect(report.slices.contains { $0.late > 900 })
  }

  @Test func aTargetThatBlocksForLongEndsTheRun() throws {
    let clock = VirtualClock()
    let service = VirtualService(clock) { request, _ in
      if request.number == 5 { clock.block(for: 60 * seconds) }
      return .init(nanoseconds: 1000)
    }
    let report = try run(service, "constant:100qps,30s").report
    #expect(report.validity.faults.contains { $0.contains("stopped after 6 requests") })
  }

  @Test func whatIsNeverAnsweredIsCountedAsSuch() throws {
    let clock = VirtualClock()
    let service = VirtualService(clock) { request, _ in
      .init(nanoseconds: request.number % 10 == 0 ? nil : 1000)
    }
    let report = try run(service, "constant:100qps,40s") { $0.patience = 5 * seconds }.report
    #expect(report.overall.unanswered == 400 && report.overall.answered == 3600)
    #expect(report.overall.p99Microseconds >= 5e6)
    #expect(report.slices.allSatisfy { $0.unanswered == 10 && $0.p99Microseconds >= 4.9e6 })
    #expect(report.validity.isValid)
  }

  @Test func lateAndSecondResponsesAreStrays() throws {
    let clock = VirtualClock()
    let service = TwiceService(clock: clock)
    let report = try LoadGenerator.run(
      service, schedule: try LoadSchedule(parsing: "constant:100qps,2s"), queries: 1, clock: clock
    ).report
    #expect(report.overall.answered == 200)
    #expect(report.validity.strays == 200)
  }

  @Test func tooManyOpenRequestsAreNotSent() throws {
    let clock = VirtualClock()
    let service = VirtualService(clock) { _, _ in .init(nanoseconds: seconds) }
    let report = try run(service, "constant:100qps,5s") { $0.openRequests = 64 }.report
    #expect(report.validity.unsent > 300 && !report.validity.isValid)
    #expect(report.overall.offered == 500)
    #expect(report.overall.answered + report.overall.unanswered == 500)
    // What was not sent is no fast answer.
    #expect(report.overall.p99Microseconds >= 1e7 * 0.999)
  }

  @Test func outcomesTiersAndRungsAreToldApart() throws {
    let clock = VirtualClock()
    let vocabulary = LoadVocabulary(
      tiers: ["normal", "peak"], rungs: ["full", "smaller"], stages: ["queue", "walk"],
      reasons: ["shed", "coarse"])
    let service = VirtualService(clock, vocabulary: vocabulary) { request, _ in
      let isPeak = request.number >= 500
      var response = LoadResponse(
        isPeak && request.number % 5 == 0 ? .rejected : .answered, tier: isPeak ? 1 : 0,
        rung: isPeak ? 1 : 0)
      response.reasons = isPeak ? (response.outcome == .rejected ? 1 : 2) : 0
      response.stages[1] = 300_000
      response.evaluations = 40
      return .init(
        response: response, nanoseconds: isPeak ? 4 * milliseconds : milliseconds,
        isImmediate: response.outcome == .rejected)
    }
    let budget = LoadBudget(
      tiers: [
        .init(name: "normal", p95Microseconds: 2000, p99Microseconds: 3000),
        .init(name: "peak", entry: 0.9, p95Microseconds: 3000, p99Microseconds: 5000),
      ],
      objectives: [
        .init(name: "fast", indicator: .withinP95, target: 0.9),
        .init(name: "whole", indicator: .fullQuality, target: 0.5),
        .init(name: "peaks", indicator: .withinP99, tier: "peak", target: 0.9),
      ])
    let report = try run(service, "constant:100qps,10s") { $0.budget = budget }.report
    #expect(report.overall.answered == 900 && report.overall.rejected == 100)
    #expect(report.tiers.map(\.name) == ["normal", "peak"])
    #expect(report.tiers.map(\.offered) == [500, 500])
    #expect(report.rungs.map(\.answered) == [500, 400])
    #expect(report.tiers[0].withinP95 == 500 && report.tiers[1].withinP95 == 0)
    #expect(report.tiers[1].inTime == 400)
    #expect(report.reasons == [.init(name: "shed", count: 100), .init(name: "coarse", count: 400)])
    #expect(report.rejections.offered == 100 && report.rejections.p99Microseconds < 1)
    #expect(report.tierChanges.map(\.tier) == [0, 1])
    #expect(abs((report.tierChanges.last?.seconds ?? 0) - 5) < 0.01)
    #expect(report.slices[2].stageMicroseconds == [0, 300])
    #expect(report.slices[7].tier == 1 && report.slices[7].rung == 1)
    #expect(report.slices[7].answered == 80 && report.slices[7].evaluations == 3200)
    // 500 of 1 000 within p95, where 100 may be beyond it.
    #expect(report.objectives.map(\.name) == ["fast", "whole", "peaks"])
    #expect(abs(report.objectives[0].spent - 5) < 1e-9 && !report.objectives[0].isMet)
    #expect(report.objectives[0].burnDown.first == 0)
    #expect(report.objectives[0].burnDown.last == report.objectives[0].spent)
    #expect(abs(report.objectives[1].share - 500.0 / 900) < 1e-9 && report.objectives[1].isMet)
    #expect(abs(report.objectives[2].spent - 2) < 1e-9)
  }

  @Test func budgetsWithoutSenseStopNothing() throws {
    let clock = VirtualClock()
    let service = VirtualService(clock) { _, _ in .init(nanoseconds: 1000) }
    for limit in [Double.nan, .infinity, -.infinity, -1, 1e300] {
      let report = try run(service, "constant:10qps,1s") {
        $0.budget = LoadBudget(
          tiers: [.init(name: "odd", p95Microseconds: limit, p99Microseconds: limit)])
      }.report
      #expect(report.overall.inTime == (limit > 0 ? 10 : 0))
      #expect(LoadPage.page(report).hasSuffix("</html>\n"))
    }
  }

  @Test func gaugesAreReadEachSlice() throws {
    let clock = VirtualClock()
    let reads = Atomic<Int>(0)
    let service = VirtualService(
      clock,
      gauges: {
        let number = reads.add(1, ordering: .relaxed).oldValue
        return LoadGauges(longestQueue: number, queueBound: 64, memoryBytes: number * 1000)
      }
    ) { _, _ in .init() }
    let report = try run(service, "constant:10qps,4s").report
    #expect(report.slices.map(\.longestQueue) == [1, 2, 3, 4])
    #expect(report.slices.map(\.memoryBytes) == [1000, 2000, 3000, 4000])
  }

  @Test func theMixIsKept() throws {
    let clock = VirtualClock()
    let service = VirtualService(clock) { _, _ in .init() }
    let mix = try LoadMix(
      priorities: "criticalPlus=5,critical=60,sheddable=35", tenants: "a=10,b=1",
      popularity: "zipf:1")
    let report = try run(service, "constant:10000qps,4s", mix: mix, queries: 50).report
    #expect(report.priorities.map(\.name) == ["criticalPlus", "critical", "sheddable"])
    for (figures, share) in zip(report.priorities, [0.05, 0.6, 0.35]) {
      #expect(abs(Double(figures.offered) / 40_000 - share) < 0.015)
    }
    #expect(abs(Double(report.tenants[1].offered) / 40_000 - 1.0 / 11) < 0.01)
    var counts = [Int: Int]()
    for request in service.requests { counts[request.query, default: 0] += 1 }
    let ordered = counts.values.sorted(by: >)
    let harmonic = (1...50).reduce(0.0) { $0 + 1 / Double($1) }
    for rank in [1, 2, 5, 10] {
      let expected = 40_000 / harmonic / Double(rank)
      #expect(abs(Double(ordered[rank - 1]) - expected) < 6 * expected.squareRoot())
    }
    let again = VirtualService(clock) { _, _ in .init() }
    _ = try run(again, "constant:10000qps,4s", mix: mix, queries: 50)
    #expect(again.requests.map(\.query) == service.requests.map(\.query))
  }

  @Test func recordsDecideOverTheMix() throws {
    let log = try ArrivalLog(
      parsing: Array("seconds,query,priority,tenant,k\n0,7,sheddable,new,3\n1,,,shop,\n".utf8),
      path: "x")
    let clock = VirtualClock()
    let service = VirtualService(clock) { _, _ in .init() }
    let schedule = try LoadSchedule(parsing: "log:x") { _ in log }
    let report = try LoadGenerator.run(
      service, schedule: schedule, mix: try LoadMix(tenants: "shop=1"), queries: 8, clock: clock
    ).report
    #expect(service.requests.map(\.tenant) == [1, 0])
    #expect(service.requests[0].query == 7 && service.requests[0].k == 3)
    #expect(service.requests[0].priority == .sheddable && service.requests[1].priority == .critical)
    #expect(report.tenants.map(\.name) == ["shop", "new"])
    let error = #expect(throws: NeedletailError.self) {
      try LoadGenerator.run(service, schedule: schedule, queries: 7, clock: clock)
    }
    #expect(error?.message.contains("query 7") == true)
  }

  @Test func runsCanBeCancelledAndOptionsAreChecked() throws {
    let clock = VirtualClock()
    let monitor = WorkMonitor()
    let service = VirtualService(clock) { request, _ in
      if request.number == 250 { monitor.cancel() }
      return .init()
    }
    let error = #expect(throws: NeedletailError.self) {
      try LoadGenerator.run(
        service, schedule: try LoadSchedule(parsing: "constant:100qps,60s"), queries: 1,
        clock: clock, monitor: monitor)
    }
    #expect(error?.code == .cancelled)
    #expect(service.requests.count <= 300)
    for change: @Sendable (inout LoadOptions) -> Void in [
      { $0.k = 0 }, { $0.slice = 0 }, { $0.patience = -1 }, { $0.openRequests = 0 },
      { $0.deadline = 0 }, { $0.keptAnswers = -1 },
    ] {
      #expect(throws: NeedletailError.self) { try run(service, "constant:1qps,1s", change) }
    }
    #expect(throws: NeedletailError.self) { try run(service, "constant:1qps,1s", queries: 0) }
  }

  @Test func deadlinesCountFromTheIntendedStart() throws {
    let clock = VirtualClock()
    let service = VirtualService(clock) { request, _ in
      .init(nanoseconds: request.number % 4 == 0 ? 3 * milliseconds : 10_000)
    }
    let report = try run(service, "constant:100qps,4s") { $0.deadline = 2 * milliseconds }.report
    #expect(service.requests.allSatisfy { $0.deadline == $0.intended + 2 * milliseconds })
    #expect(report.overall.inTime == 300 && report.overall.answered == 400)
    #expect(report.goodput == 75)
  }

  @Test(arguments: [
    ("x=1", "known are"), ("critical", "write it like"), ("critical=-1", "from 0 on"),
    ("critical=0", "every class 0"), ("critical=nan", "from 0 on"), ("", "write it like"),
  ])
  func prioritiesAreReadStrictly(_ text: String, _ advice: String) {
    let error = #expect(throws: NeedletailError.self) { try LoadMix(priorities: text) }
    #expect(error?.code == .invalidConfiguration && error?.message.contains(advice) == true)
  }

  @Test(arguments: [("a=1,a=2", "twice"), ("a=0", "everybody 0"), ("", "write it"), ("a=", "part")])
  func tenantsAreReadStrictly(_ text: String, _ advice: String) {
    let error = #expect(throws: NeedletailError.self) { try LoadMix(tenants: text) }
    #expect(error?.code == .invalidConfiguration && error?.message.contains(advice) == true)
  }

  @Test(arguments: ["pareto", "zipf", "zipf:9", "zipf:-1", ""])
  func popularitiesAreReadStrictly(_ text: String) {
    let error = #expect(throws: NeedletailError.self) { try LoadMix(popularity: text) }
    #expect(error?.message.contains("zipf:0.9") == true)
  }

  /// Real threads and the machine's clock: nothing is lost, and nothing counted twice.
  @Test func realThreadsLoseNothing() throws {
    let service = ThreadedService()
    let workers = try (0..<2).map { _ in try Worker(service) }
    let writer = CountingWriter()
    let report = try LoadGenerator.run(
      service, schedule: try LoadSchedule(parsing: "poisson:20000qps,300ms"), queries: 10,
      writes: try LoadWrites(writer, rate: 1000)
    ).report
    service.end()
    for worker in workers { worker.join() }
    #expect(report.overall.answered == report.overall.offered)
    #expect(report.overall.offered > 4000)
    #expect(report.validity.strays == 0 && report.validity.sent == report.overall.offered)
    #expect(report.slices.reduce(0) { $0 + $1.answered } == report.overall.answered)
    let writes = try #require(report.writes)
    #expect(writes.written + writes.failed == writer.count)
    #expect(writes.failed > 0 && writes.firstFailure?.contains("second write") == true)
  }

  @Test func runsHaveAThreadOfTheirOwn() throws {
    let service = ThreadedService()
    let worker = try Worker(service)
    defer {
      service.end()
      worker.join()
    }
    let run = try LoadGenerator.runOnThread(
      service, schedule: try LoadSchedule(parsing: "constant:500qps,100ms"), mix: LoadMix(),
      queries: 1, options: LoadOptions(), pinnedTo: ProcessorPin.allowed.last)
    #expect(run.report.overall.answered == 50)
    #expect(throws: NeedletailError.self) {
      try LoadGenerator.runOnThread(
        service, schedule: try LoadSchedule(parsing: "constant:500qps,100ms"), mix: LoadMix(),
        queries: 0, options: LoadOptions(), pinnedTo: nil)
    }
  }

  @Test func aThreadCanBePinned() throws {
    let allowed = Guarded<[Int]>([])
    let first = ProcessorPin.allowed.first ?? 0
    let thread = try LoadThread(pinnedTo: first) {
      let found = ProcessorPin.allowed
      allowed.withLock { $0 = found }
    }
    thread.join()
    #if os(Linux)
      #expect(allowed.withLock { $0 } == [first])
    #endif
    #expect(!ProcessorPin.pin(to: -1))
    #expect(!ProcessorPin.pin(to: 1 << 40))
  }
}

/// Answers everything twice.
private struct TwiceService: LoadTarget {
  let clock: VirtualClock
  var vocabulary: LoadVocabulary { LoadVocabulary() }
  func submit(_ request: LoadRequest, to collector: LoadCollector) {
    collector.receive(LoadResponse(.answered), to: request)
    collector.receive(LoadResponse(.answered), to: request)
  }
}

/// A queue that real threads take from.
private final class ThreadedService: LoadTarget {
  let vocabulary = LoadVocabulary(rungs: ["full"])
  private let waiting = Guarded<[(LoadRequest, LoadCollector)]>([])
  private let ended = Atomic<Bool>(false)

  func submit(_ request: LoadRequest, to collector: LoadCollector) {
    waiting.withLock { $0.append((request, collector)) }
  }

  func end() { ended.store(true, ordering: .relaxed) }

  func work() {
    while !ended.load(ordering: .relaxed) {
      guard let (request, collector) = waiting.withLock({ $0.popLast() }) else {
        usleep(20)
        continue
      }
      collector.receive(LoadResponse(.answered, rung: 0), to: request)
    }
  }
}

/// A thread in a place where copies are allowed.
private final class Worker {
  private var thread: LoadThread?
  init(_ service: ThreadedService) throws { thread = try LoadThread { service.work() } }
  func join() { thread.take()?.join() }
}

private final class CountingWriter: LoadWriter {
  private let calls = Atomic<Int>(0)
  var count: Int { calls.load(ordering: .relaxed) }
  func write(_ number: Int) throws(NeedletailError) {
    calls.add(1, ordering: .relaxed)
    if number % 2 == 1 { throw NeedletailError(.io, "Every second write fails.") }
  }
}
