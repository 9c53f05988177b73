public import Needletail
public import NeedletailBudgets

extension SearchService {
  /// Opens an index and begins to serve from it.
  ///
  /// What it will take is told from the headers of its files: one that is over the budget is refused before anything of it is
  /// read.
  ///
  /// - Throws: `overBudget`, naming each component, what it needs and what it may take; as `VectorIndex.open`.
  public convenience init(
    openingAt path: String, openOptions: OpenOptions = OpenOptions(), budget: PerformanceBudget,
    options: ServiceOptions = ServiceOptions()
  ) throws(NeedletailError) {
    try budget.memory.check(
      predicted: MemoryUse(
        try VectorIndex.memoryUse(at: path, options: openOptions), budget, options))
    try self.init(
      try VectorIndex.open(at: path, options: openOptions), budget: budget, options: options)
  }

  /// Brings the index into memory, learns what searches take on each rung, and says how far this came; the service is ready
  /// then.
  ///
  /// Queries are answered meanwhile, slower than later.
  ///
  /// - Parameters:
  ///   - queries: `[q, dimensions]` queries like those to come, some hundreds.
  ///   - k: neighbours of each.
  ///   - locking: whether memory is locked; see `Snapshot.warmUp`.
  ///   - time: what it may take. Default 30 s.
  /// - Returns: what is in memory, and how long searches took.
  /// - Throws: as `Snapshot.warmUp`; `notFound` where there is no index.
  @discardableResult
  public func warmUp(
    queries: VectorMatrix, k: Int = 10, locking: Bool = false, within time: Duration = .seconds(30)
  ) throws(NeedletailError) -> WarmUpReport {
    let backend = runtime.backend.withLock { $0 }
    guard let snapshot = backend.snapshot() else {
      throw NeedletailError(.notFound, "The service has no index that could be warmed up.")
    }
    let end = runtime.clock.now + max(0, min(.longestWork, Nanoseconds(time)))
    var options = runtime.options.full
    options.budget = nil
    let report = try snapshot.warmUp(
      queries: queries, k: k, options: options, locking: locking, within: time / 2)
    let isMeasured = try runtime.calibrate(backend, queries, k: k, until: end)
    runtime.state.withLock { $0.isReady = isMeasured && !report.isCutShort }
    return report
  }

  /// Serves from another index from now on; queries that are under way end on the one before.
  ///
  /// Both are in memory for a moment, so that together they must be within the budget. Warm the new one up before, with
  /// `Snapshot.warmUp`; the service says that it is ready once it was warmed up itself.
  ///
  /// - Parameters:
  ///   - new: the index.
  ///   - lighter: its lighter form; `nil`: it has none, and the rung is passed over.
  /// - Throws: `overBudget`; `capacityExceeded` beyond the budget's envelope; `dimensionMismatch`; `invalidConfiguration` for another
  ///   metric, or rows in another form.
  public func swap(
    to new: VectorIndex, lighter: LighterIndex? = nil
  ) throws(NeedletailError) {
    try swapping.withLock { (_) throws(NeedletailError) in try exchange(new, lighter) }
  }

  private func exchange(
    _ new: VectorIndex, _ lighter: LighterIndex?
  ) throws(NeedletailError) {
    let backend = try IndexBackend(
      new, lighter: lighter, full: runtime.options.full,
      smaller: budget.ladder.window)
    try backend.check(budget.envelope)
    let old = runtime.backend.withLock { $0 }
    guard backend.metric == old.metric else {
      throw NeedletailError(
        .invalidConfiguration, "The new index has another metric than the one that is served.")
    }
    guard backend.dimensions == old.dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        "The new index has \(backend.dimensions) dimensions, the one that is served \(old.dimensions)."
      )
    }
    var use = MemoryUse(try new.snapshot().memoryUse, budget, runtime.options)
    if let present = old.snapshot() {
      let other = MemoryUse(present.memoryUse, budget, nil)
      for component in MemoryComponent.allCases { use[component] += other[component] }
    }
    try budget.memory.check(predicted: use)
    try runtime.cache?.follow(new, at: runtime.clock.now)
    index.withLock { $0 = new }
    runtime.backend.withLock { $0 = backend }
    runtime.lookAtMemory()
    runtime.forgetIdleWork()
    runtime.state.withLock { $0.isReady = false }
    // What was found in the old one after the cache was told.
    runtime.cache?.answers.apply([.everything], at: runtime.clock.now)
  }
}

extension MemoryUse {
  /// What an index takes under a service, by the budget's components; without options, beside another one.
  init(_ memory: MemoryByComponent, _ budget: PerformanceBudget, _ options: ServiceOptions?) {
    self.init([
      .codes: memory.codes + memory.quantizer, .graph: memory.graph,
      .precise: memory.preciseRows, .ids: memory.ids,
      .filters: memory.attributes + memory.removedRows, .log: memory.liveRows,
    ])
    guard let options else { return }
    self[.scratch] = memory.perThread * (min(Limits.threads, max(1, options.workers)) + 1)
    self[.cache] = ResultCacheSettings(budget)?.capacity ?? 0
    guard let lighter = try? options.lighter?.index.snapshot() else { return }
    let other = MemoryUse(lighter.memoryUse, budget, nil)
    for component in MemoryComponent.allCases { self[component] += other[component] }
  }
}
