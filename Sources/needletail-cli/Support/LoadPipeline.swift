#if Tools
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation

  /// A load run, from an index and its promises to what was measured: for `load`, and for the end of the demo.
  struct LoadPipeline {
    var index: VectorIndex
    /// What is promised; nil: a worker behind a queue answers.
    var budget: PerformanceBudget?
    var queries: VectorMatrix
    var settings: LoadSettings
    var mix = LoadMix()

    /// What one worker does in a second; see `LoadTargets.capacity`.
    func capacity() throws -> Double {
      try LoadTargets.capacity(index, budget, queries: queries, settings: settings)
    }

    /// Puts the index under load, with the progress shown; what answers has ended when this returns.
    ///
    /// - Parameters:
    ///   - schedule: when.
    ///   - options: how; its budget and its `k` are the pipeline's.
    ///   - writes: what is written beside, and how often.
    /// - Returns: what was measured, and the answers that were kept.
    /// - Throws: as `LoadTargets.make` and `LoadGenerator.run`.
    func run(
      _ schedule: LoadSchedule, _ options: LoadOptions,
      writes: (rows: WrittenRows, perSecond: Double)? = nil
    ) throws(NeedletailError) -> LoadRun {
      var options = options
      options.k = settings.k
      options.budget = budget.map { LoadBudget($0) }
      let target = try LoadTargets.make(
        index, budget, queries: queries, settings: settings, tenants: mix.tenantNames(in: schedule))
      defer { target.stop() }
      let writes = try writes.map { (writes) throws(NeedletailError) in
        try LoadWrites(
          RowWriter(target: target, rows: writes.rows, seed: options.seed), rate: writes.perSecond,
          pinnedTo: LoadTargets.processors?.writer)
      }
      let monitor = WorkMonitor()
      var run = try Supervision.run(monitor, unit: "s") { () throws(NeedletailError) in
        try LoadGenerator.runOnThread(
          target, schedule: schedule, mix: mix, queries: queries.count, options: options,
          writes: writes, pinnedTo: LoadTargets.processors?.generator, monitor: monitor)
      }
      // Only what has ended is charged.
      target.stop()
      run.report.charges = charges(target.charges(), run.report)
      return run
    }

    /// What was charged beside what the answers took: 1 000 evaluations of 128 components are a unit.
    private func charges(
      _ charged: [String: Double], _ report: LoadReport
    ) -> [LoadReport.LoadCharge] {
      report.tenants.compactMap { tenant in
        charged[tenant.name].map { charge in
          let evaluations = tenant.evaluationsPerAnswer * Double(tenant.answered)
          return LoadReport.LoadCharge(
            name: tenant.name, charged: charge,
            used: evaluations * Double(queries.dimensions) / 128_000)
        }
      }
    }
  }
#endif
