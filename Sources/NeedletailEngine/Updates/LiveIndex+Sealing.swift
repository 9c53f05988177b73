package import NeedletailCore
import NeedletailStorage

extension LiveIndex {
  /// Moves the rows in memory into a sealed segment, merges others with them, and publishes the result as a new
  /// generation.
  ///
  /// Searches and writes go on meanwhile; writers wait twice for a moment, while what is in memory is set aside and
  /// while the new segment takes its place. When it throws, everything is as before, but for a generation that was
  /// published and whose durability alone is in doubt: opening the index anew shows which.
  ///
  /// - Parameters:
  ///   - policy: what is merged.
  ///   - limits: what it may take; checked before anything is done.
  ///   - threads: how many threads build.
  ///   - monitor: sees the progress, and may cancel.
  /// - Returns: the plan that was carried out, or `nil` when there was nothing to do.
  /// - Throws: `overBudget`; `cancelled`, also while it waits for another one who seals; `io`.
  @discardableResult
  package func seal(
    _ policy: MergePolicy, limits: SealLimits = SealLimits(), threads: Int = 1,
    monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> SealPlan? {
    try beginPublishing(monitor)
    defer { endPublishing() }
    return try sealInTurn(policy, limits: limits, threads: threads, monitor: monitor)
  }

  /// As `seal`, for the one who has the turn to publish.
  @discardableResult
  func sealInTurn(
    _ policy: MergePolicy, limits: SealLimits = SealLimits(), threads: Int,
    monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> SealPlan? {
    let foreseen = sealPlan(policy)
    if foreseen.isIdle(view) { return nil }
    try foreseen.check(limits)
    let (view, build) = try setAside()
    defer { takeBack() }
    let plan = SealPlan(view, policy, build)
    let order = try SealOrder(view, plan, build, threads: threads, monitor)
    let next = try publish(order, view)
    try replace(view, by: next, order)
    return plan
  }

  /// What sealing would do now.
  package func sealPlan(_ policy: MergePolicy) -> SealPlan {
    let build = state.withLock { $0.contents.build }
    return SealPlan(view, policy, build)
  }

  /// Writes the new files and makes the generation the one in use.
  private func publish(
    _ order: SealOrder, _ view: IndexView
  ) throws(NeedletailError) -> OpenGeneration {
    let manifest = view.generation.manifest
    try directory.removePartialFiles()
    var next = try view.generation.successor(in: directory)
    let present = view.generation.segments.compactMap(\.quantizer)
    var segments: [(reference: FileReference, dead: RowSet?)] = []
    for (place, part) in view.stack.sealed.enumerated() where !order.plan.merged.contains(place) {
      segments.append((manifest.segments[place], part.dead))
    }
    if order.input.ids.count > 0 || segments.isEmpty {
      // Codes compare across segments as long as one of them is kept.
      let isAnew = segments.isEmpty && !view.stack.sealed.allSatisfy { $0.segment.count == 0 }
      let sealed = try order.segment.seal(in: directory, sharing: isAnew ? [] : present)
      segments.append((sealed.segment, nil))
      if let quantizer = sealed.quantizer,
        !next.quantizers.contains(where: { $0.hash == quantizer.hash })
      {
        next.quantizers.append(quantizer)
      }
    }
    next.segments = segments.map(\.reference)
    next.setTombstones(segments.map { $0.dead.map { Array($0.ordinals) } ?? [] })
    next.sealedLSN = view.lsn
    next.sourceOffsets = view.sourceOffsets
    return try publish(next, present: view.generation, order.monitor)
  }

  /// Opens a new generation, so that it is known to be sound, and makes it the one in use.
  ///
  /// - Throws: what opening throws; `cancelled`; `io`.
  func publish(
    _ manifest: Manifest, present: OpenGeneration, _ monitor: WorkMonitor?
  ) throws(NeedletailError) -> OpenGeneration {
    monitor?.begin("publishing", total: 1)
    try monitor?.advance(by: 0)
    let opened = try OpenGeneration.open(
      manifest, directory, placements: options.placements, verification: .structure,
      present: present)
    // A quantizer that no segment has is named no more.
    var next = manifest
    let used = Set(opened.segments.compactMap(\.parameters.quantizer))
    next.quantizers.removeAll { !used.contains($0.hash) }
    try state.withLock { (state) throws(NeedletailError) in try state.requireUsable() }
    do throws(NeedletailError) { try directory.publish(next) } catch {
      state.withLock { doubt(error, &$0) }
      throw error
    }
    try? monitor?.advance(by: 1)
    return try OpenGeneration(manifest: next, segments: opened.segments)
  }

  /// Takes note that publishing has failed.
  ///
  /// Where the new generation is in use and only the durability of that in doubt, nothing is written any more: which
  /// one a power cut would leave is known when the index is opened anew.
  func doubt(_ error: NeedletailError, _ state: inout State) {
    if (try? directory.currentGeneration()) != state.contents.generation.manifest.generation {
      state.failure = error.reopening
    }
  }

  /// Lets the new generation take the place of what it was made of.
  private func replace(
    _ view: IndexView, by next: OpenGeneration, _ order: SealOrder
  ) throws(NeedletailError) {
    try adopt(next, sealing: view) { (contents) throws(NeedletailError) in
      try order.dead(of: next, view, now: contents)
    }
  }

  /// Lets a new generation take the place of the present one and of what a view has in memory.
  ///
  /// - Parameters:
  ///   - next: the new generation.
  ///   - view: what is in its sealed segments by now.
  ///   - dead: gives the rows of its segments that are there no more by now.
  /// - Throws: `io` when there is no memory for it; nothing is written any more then.
  func adopt(
    _ next: OpenGeneration, sealing view: IndexView,
    _ dead: (IndexContents) throws(NeedletailError) -> [RowSet?]
  ) throws(NeedletailError) {
    try state.withLock { (state) throws(NeedletailError) in
      do throws(NeedletailError) {
        try state.contents.adopt(
          next, dead: dead(state.contents), sealedLive: view.stack.live.count)
      } catch {
        // The disk has the new generation, and memory has the old one.
        state.failure = error.reopening
        throw error
      }
      show(state)
      // What stays is removed by the next one who seals or opens the index.
      try? state.log.removeFiles(sealedThrough: view.lsn)
    }
    _ = try? directory.removeUnneeded(keeping: options.keptGenerations)
  }
}

/// A segment that is to be made.
struct SealOrder {
  let plan: SealPlan
  let input: SealInput
  let segment: SegmentOrder
  let monitor: WorkMonitor?

  init(
    _ view: IndexView, _ plan: SealPlan, _ build: BuildOptions, threads: Int,
    _ monitor: WorkMonitor?
  ) throws(NeedletailError) {
    self.plan = plan
    self.monitor = monitor
    input = try SealInput(
      view, merging: plan.merged, dimensions: build.dimensions, monitor)
    var findings = RowFindings()
    try findings.add(input.rows, dimensions: build.dimensions, metric: build.metric)
    var order = SegmentOrder(
      options: build, rows: [input.rows], ids: input.ids, findings: findings, threads: threads,
      monitor: monitor)
    order.attributes = input.attributes
    segment = order
  }

  /// The rows of each segment of the new generation that are there no more by now.
  func dead(
    of next: OpenGeneration, _ view: IndexView, now contents: IndexContents
  ) throws(NeedletailError) -> [RowSet?] {
    var dead: [RowSet?] = []
    for (place, old) in contents.dead.enumerated() where !plan.merged.contains(place) {
      dead.append(old)
    }
    guard dead.count < next.segments.count, let made = next.segments.last else { return dead }
    var gone: [UInt32] = []
    for (id, origin) in zip(input.ids, input.origins) {
      let part = Int(origin.part)
      let isGone =
        if part < contents.dead.count {
          contents.dead[part]?.contains(origin.ordinal) ?? false
        } else {
          view.stack.live[part - contents.dead.count].segment.hasEnded(origin.ordinal)
        }
      if isGone, let ordinal = made.findOrdinal(of: id) { gone.append(ordinal) }
    }
    dead.append(gone.isEmpty ? nil : try RowSet(rows: made.count, ordinals: gone))
    return dead
  }
}

extension Manifest {
  /// Names the rows of each segment that are gone; nothing where none is.
  mutating func setTombstones(_ lists: [[UInt32]]) {
    tombstones = lists.allSatisfy(\.isEmpty) ? [] : lists
  }
}
