#if Tools
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation
  import NeedletailServing

  extension VirtualClock: PlannedTime {}

  /// A record of requests, and what is the same for all indexes that it is sent to.
  struct ReplayRun {
    /// How times come about.
    enum Timing {
      /// No requests are sent.
      case none
      /// By this machine's clock.
      case measured
      /// From what searches did.
      case reckoned
    }

    var schedule: LoadSchedule
    var mix: LoadMix
    var sample: ReplaySample
    /// The file of the queries.
    var queries: String
    var options: LoadOptions
    var timing: Timing
    /// What one worker does in a second with the first index at full quality; nil: as the prices say.
    var capacity: Double?
    /// The ground truth, where there is one, with what it needs.
    var truth: (path: String, base: String?, ids: String?)?
    /// What reckoned times are multiplied by; known after the first index.
    private var scale: Double?

    init(
      schedule: LoadSchedule, mix: LoadMix, sample: ReplaySample, queries: String,
      options: LoadOptions, timing: Timing
    ) {
      self.schedule = schedule
      self.mix = mix
      self.sample = sample
      self.queries = queries
      self.options = options
      self.timing = timing
    }

    /// What recall is judged on.
    private(set) var basis = RecallBasis.exactSearch

    /// One index, opened for its turn.
    private struct Subject {
      var index: VectorIndex
      var snapshot: Snapshot
      var matrix: VectorMatrix
      var budget: PerformanceBudget
      var searches: RungSearches
      var judge: any LoadJudge
      var price: WorkPrice
      var scale = 1.0
    }

    /// Measures one candidate.
    ///
    /// - Parameters:
    ///   - candidate: its names; its figures are filled in.
    ///   - specification: the index.
    ///   - full: how a query is searched at full quality.
    ///   - budget: what it is held to.
    /// - Throws: what opening and searching throw; what the budget does not allow is a finding, and thrown by nobody.
    mutating func measure(
      _ candidate: inout ReplayCandidate, _ specification: ReplaySpecification,
      full: SearchOptions, _ budget: PerformanceBudget
    ) throws {
      let path = specification.path
      let index = try Inputs.openedIndex(path)
      let snapshot = try index.snapshot()
      candidate.rows = snapshot.count
      candidate.memory = Self.memory(
        predicted: try VectorIndex.memoryUse(at: path), found: snapshot.memoryUse, budget)
      let matrix = try Inputs.queries(
        queries, metric: snapshot.metric, dimensions: snapshot.dimensions)
      let information = snapshot.information
      candidate.refusal = refusal(of: candidate, information, full, budget)
      let monitor = WorkMonitor()
      var subject = Subject(
        index: index, snapshot: snapshot, matrix: matrix, budget: budget,
        searches: try RungSearches(index, budget, full: full),
        judge: try judge(snapshot, matrix, monitor),
        price: WorkPrice(
          DecisionTrial.design(information).layout, dimensions: snapshot.dimensions))
      basis = subject.judge.basis
      let counts = try Supervision.run(monitor, unit: "searches") { () throws(NeedletailError) in
        try searchSample(subject, monitor)
      }
      if scale == nil { scale = capacity.map { Self.scale($0, counts) } ?? 1 }
      subject.scale = scale ?? 1
      candidate.rungs = counts.map { $0.figures(subject.scale) }
      var promised = LoadBudget(budget)
      if timing != .none, candidate.refusal == nil {
        // What the process holds besides is not the index's, and another one every time: the index is held to the ceiling
        // by what it takes itself.
        promised.memoryCeiling = nil
        do {
          candidate.report = try send(
            subject, counts, promised, full, bytes: candidate.totalBytes ?? 0)
        } catch let error as NeedletailError where error.code == .overBudget {
          candidate.refusal = error.message
        }
      }
      candidate.verdicts = ReplayGate.verdicts(candidate, promised)
    }

    /// What the budget does not let into service; nil: nothing.
    private func refusal(
      of candidate: ReplayCandidate, _ information: IndexInformation, _ full: SearchOptions,
      _ budget: PerformanceBudget
    ) -> String? {
      do throws(NeedletailError) {
        try budget.envelope.check(
          ComplexityRequest(
            dimensions: information.dimensions, m: information.m,
            efConstruction: information.efConstruction,
            efSearch: full.recall == nil ? full.efSearch : nil, k: options.k))
      } catch {
        return error.message
      }
      guard candidate.memory.allSatisfy(\.isWithin) else {
        return "Its memory is over a ceiling, and a service refuses it."
      }
      return nil
    }

    private static func memory(
      predicted: MemoryByComponent, found: MemoryByComponent, _ budget: PerformanceBudget
    ) -> [ReplayMemory] {
      let before = MemoryUse(of: predicted, under: budget, workers: 1)
      let after = MemoryUse(of: found, under: budget, workers: 1)
      return MemoryComponent.allCases.map {
        ReplayMemory(
          component: $0.rawValue, predicted: before[$0], found: after[$0],
          ceiling: budget.memory[$0])
      } + [
        ReplayMemory(
          component: "total", predicted: before.total, found: after.total,
          ceiling: budget.memory.total)
      ]
    }

    private func judge(
      _ snapshot: Snapshot, _ matrix: VectorMatrix, _ monitor: WorkMonitor
    ) throws -> any LoadJudge {
      if let truth {
        return try LoadJudging(
          groundTruth: truth.path, base: truth.base, ids: truth.ids, snapshot: snapshot,
          queries: matrix, k: options.k
        ).makeJudge()
      }
      return try Supervision.run(monitor, unit: "rows") { () throws(NeedletailError) in
        try ExactAnswers(
          snapshot, matrix, rows: sample.distinct, k: options.k, monitor: monitor)
      }
    }
  }

  /// The sample, searched for on every rung.
  extension ReplayRun {
    /// What one rung did, request by request.
    private struct Counts {
      var rung: Rung
      var right: [Int] = []
      var possible: [Int] = []
      var evaluations: [Int] = []
      var microseconds: [Double] = []

      func figures(_ scale: Double) -> ReplayRung {
        ReplayRung(
          name: rung.rawValue, right: right.reduce(0, +), of: possible.reduce(0, +),
          evaluations: evaluations, microseconds: microseconds.map { $0 * scale })
      }
    }

    private func searchSample(
      _ subject: Subject, _ monitor: WorkMonitor
    ) throws(NeedletailError) -> [Counts] {
      let distinct = sample.distinct
      monitor.begin("rungs", total: max(1, distinct.count * subject.searches.rungs.count))
      var all: [Counts] = []
      for rung in subject.searches.rungs {
        var known: [Int: (right: Int, possible: Int, evaluations: Int, time: Double)] = [:]
        for query in distinct {
          let found = try subject.searches.search(subject.matrix[query], k: options.k, on: rung)
          known[query] = (
            subject.judge.rightAnswers(found.neighbors[...], query: query),
            subject.judge.neighbors(of: query) ?? 0, found.statistics.evaluations,
            subject.price.microseconds(found.statistics)
          )
          try monitor.advance(by: 1)
        }
        var counts = Counts(rung: rung)
        for query in sample.queries {
          guard let one = known[query] else { continue }
          counts.right.append(one.right)
          counts.possible.append(one.possible)
          counts.evaluations.append(one.evaluations)
          counts.microseconds.append(one.time)
        }
        all.append(counts)
      }
      return all
    }

    /// What prices are multiplied by, so that one worker does so many full searches in a second.
    private static func scale(_ capacity: Double, _ counts: [Counts]) -> Double {
      guard let full = counts.first, !full.microseconds.isEmpty else { return 1 }
      let mean = full.microseconds.reduce(0, +) / Double(full.microseconds.count)
      return mean > 0 ? 1e6 / capacity / mean : 1
    }

    /// Sends the requests, and judges what comes back.
    private func send(
      _ subject: Subject, _ counts: [Counts], _ promised: LoadBudget, _ full: SearchOptions,
      bytes: Int
    ) throws -> LoadReport {
      var options = options
      options.budget = promised
      options.keptAnswers = 2000
      options.keptQueries = Set(sample.queries)
      let settings = options
      let monitor = WorkMonitor()
      let tenants = mix.tenantNames(in: schedule)
      let clock = VirtualClock()
      let isReckoned = timing == .reckoned
      let target =
        isReckoned
        ? try reckoned(subject, counts, full, clock, tenants, bytes)
        : try measured(subject, full, tenants)
      defer { target.stop() }
      var run = try Supervision.run(monitor, unit: "s") { () throws(NeedletailError) in
        if isReckoned {
          return try LoadGenerator.run(
            target, schedule: schedule, mix: mix, queries: subject.matrix.count,
            options: settings, clock: clock, monitor: monitor)
        }
        return try LoadGenerator.runOnThread(
          target, schedule: schedule, mix: mix, queries: subject.matrix.count, options: settings,
          pinnedTo: LoadTargets.processors?.generator, monitor: monitor)
      }
      target.stop()
      run.judge(subject.judge)
      return run.report
    }

    private func measured(
      _ subject: Subject, _ full: SearchOptions, _ tenants: [String]
    ) throws -> BudgetedService {
      let service = try BudgetedService.service(
        subject.index, subject.budget, settings: LoadSettings(options: full, k: options.k),
        pinnedTo: LoadTargets.processors?.worker)
      // Today's service has served for long; a candidate gets as good a start.
      let rows = sample.distinct.flatMap { subject.matrix[$0] }
      try service.warmUp(
        queries: try VectorMatrix(rows, dimensions: subject.snapshot.dimensions),
        k: options.k)
      return BudgetedService(service, subject.budget, queries: subject.matrix, tenants: tenants)
    }

    private func reckoned(
      _ subject: Subject, _ counts: [Counts], _ full: SearchOptions, _ clock: VirtualClock,
      _ tenants: [String], _ bytes: Int
    ) throws -> BudgetedService {
      let (price, scale) = (subject.price, subject.scale)
      let service = try ReckonedService(
        subject.searches, subject.budget, time: clock, rerank: full.rerank
      ) { Nanoseconds(min(price.microseconds($0) * scale * 1000, 3.6e12)) }
      try service.learn(sample.distinct.prefix(100).map { subject.matrix[$0] }, k: options.k)
      for rung in counts {
        for (right, possible) in zip(rung.right, rung.possible) {
          service.learn(rung.rung, found: right, of: possible)
        }
      }
      return BudgetedService(
        service, subject.budget, queries: subject.matrix, tenants: tenants, memoryBytes: bytes,
        clock: clock)
    }
  }
#endif
