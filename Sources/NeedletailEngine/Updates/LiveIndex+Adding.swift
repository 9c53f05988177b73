package import NeedletailCore
import NeedletailStorage

extension LiveIndex {
  /// Builds a segment of many checked rows at once and publishes it beside what is there.
  ///
  /// What is in memory is sealed first. Other writes are refused meanwhile.
  ///
  /// - Parameter order: rows and ids, none of which is there.
  /// - Throws: `invalidConfiguration` when all rows are too short for `Float`; `alreadyExists`, naming the id; as `seal`.
  package func add(_ order: SegmentOrder) throws(NeedletailError) {
    try order.findings.checkScale(order.options.metric)
    try beginPublishing(order.monitor)
    defer { endPublishing() }
    // What waited for the log to be sealed would come between.
    state.withLock { $0.isAdding = true }
    defer { state.withLock { $0.isAdding = false } }
    try sealInTurn(.none, threads: order.threads, monitor: order.monitor)
    let (view, _) = try setAside()
    defer { takeBack() }
    for id in order.ids where view.stack.contains(id) {
      throw NeedletailError(
        .alreadyExists, "The id \(id) was added meanwhile; leave the row out, or upsert it.")
    }
    let sealed = view.stack.sealed
    // An index that is empty so far has a segment without rows to say what it is.
    let kept = sealed.indices.filter { sealed[$0].segment.count > 0 }
    let made = try order.seal(
      in: directory, sharing: kept.compactMap { sealed[$0].segment.quantizer })
    var next = try view.generation.successor(in: directory)
    next.segments = kept.map { view.generation.manifest.segments[$0] } + [made.segment]
    next.setTombstones(kept.map { sealed[$0].deadOrdinals } + [[]])
    next.sealedLSN = view.lsn
    next.sourceOffsets = view.sourceOffsets
    if let quantizer = made.quantizer,
      !next.quantizers.contains(where: { $0.hash == quantizer.hash })
    {
      next.quantizers.append(quantizer)
    }
    let generation = try publish(next, present: view.generation, order.monitor)
    try adopt(generation, sealing: view) { (_) throws(NeedletailError) in
      kept.map { sealed[$0].dead } + [nil]
    }
  }

  /// Measures which settings reach which recall and publishes that, over the same files.
  ///
  /// - Returns: whether there was anything to choose.
  /// - Throws: as `Tuner`; `io`.
  @discardableResult
  package func tune(
    _ request: TuningRequest, threads: Int, monitor: WorkMonitor?
  ) throws(NeedletailError) -> Bool {
    try beginPublishing(monitor)
    defer { endPublishing() }
    try state.withLock { (state) throws(NeedletailError) in try state.requireUsable() }
    let generation = view.generation
    let tuner = try Tuner(generation.largest, request, threads: threads, monitor: monitor)
    guard let table = try tuner.run() else { return false }
    try publish(table, monitor)
    return true
  }

  /// Publishes what a tuner found, over the same files.
  ///
  /// - Precondition: the caller is the one who publishes.
  func publish(_ tuning: Tuning, _ monitor: WorkMonitor?) throws(NeedletailError) {
    let generation = view.generation
    var next = try generation.successor(in: directory)
    next.tuning = tuning
    let published = try publish(next, present: generation, monitor)
    try state.withLock { (state) throws(NeedletailError) in
      let dead = state.contents.dead
      try state.contents.adopt(published, dead: dead, sealedLive: 0)
      show(state)
    }
  }
}

extension SegmentPart {
  /// The rows that the view does not have, ascending.
  var deadOrdinals: [UInt32] { dead.map { Array($0.ordinals) } ?? [] }
}
