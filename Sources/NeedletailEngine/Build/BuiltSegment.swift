import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// A segment in memory, complete but not written.
struct BuiltSegment {
  var options: BuildOptions
  var quantizer: Quantizer
  var count: Int
  /// `order[ordinal]` is the row's number in the source.
  var order: [UInt32]
  var levelCounts: [Int]
  var tables: [LinkTable]
  /// `[count, codeByteCount]` codes, or half as many bytes of upper nibbles when they are parted.
  var codes: MemoryBlock
  /// The lower nibbles of parted codes.
  var lowerCodes: MemoryBlock?
  /// Rows with the bits of their neighbours, in the turbo layout.
  ///
  /// The links of level 0 are then written as parts of them; `codes` and `terms`, which are parts of them
  /// too, are empty.
  var turboRows: MemoryBlock?
  /// `[count]` search terms, as the quantizer's finish has them.
  var terms: MemoryBlock
  var repairedNodes: Int
  var unreachableNodes: Int
  /// See `SegmentParameters.growth`.
  var growth: Float = 0
}

/// Turns checked rows into a segment: trains, codes, links, repairs.
struct SegmentBuilder {
  let options: BuildOptions
  let threads: Int
  let monitor: WorkMonitor?
  var level: KernelLevel

  init(
    options: BuildOptions, threads: Int, monitor: WorkMonitor?, level: KernelLevel = .current
  ) {
    self.options = options
    // Every thread has memory of its own, whether there is work for it or not.
    self.threads = min(max(1, threads), Limits.threads)
    self.monitor = monitor
    self.level = level
  }

  /// Whether the scale is chosen with parted codes in mind.
  private var mayPartCodes: Bool {
    options.layout == .compact
      && (options.codes == .int4
        || (options.mayPartCodes && options.dimensions >= BuiltSegment.fewestDimensionsToPart))
  }

  /// The options, with half precision where nothing is lost by it.
  ///
  /// The re-rank waits for precise rows, and half as many bytes come sooner: debian-384, whose components are
  /// half-precision numbers, answers 1.09 / 1.08 / 1.05 times as many queries a second at recall 0.90 / 0.95 / 0.99.
  private func keptOptions(_ findings: RowFindings, _ quantizer: Quantizer) -> BuildOptions {
    var kept = options
    if kept.precise == .float32, kept.codes != .none, findings.fitsHalf,
      !quantizer.form.isLossless
    {
      kept.precise = .givenFloat16
    }
    return kept
  }

  /// Builds a segment.
  ///
  /// - Parameters:
  ///   - rows: the rows, as they are indexed.
  ///   - findings: what checking them found.
  ///   - quantizers: of the index that the segment is for; the first that fits is used.
  /// - Returns: the segment, in memory.
  /// - Throws: `corrupted` when rows changed since they were checked; `cancelled`; `io` where memory ends.
  func build(
    _ rows: RowSource, _ findings: RowFindings, sharing quantizers: [Quantizer] = []
  ) throws(NeedletailError) -> BuiltSegment {
    guard options.precise != .givenFloat16 || findings.fitsHalf else {
      throw NeedletailError(
        .invalidConfiguration, "Half precision does not hold the rows as they were given.")
    }
    let plan = LevelPlan(count: rows.count, m: options.graph.m, seed: options.graph.seed)
    // A bit says most where components are alike, which only the rotation sees to.
    let lossless = options.layout == .turbo ? nil : findings.losslessForm(options.metric)
    monitor?.begin("coding", total: rows.count)
    let shared = quantizers.first {
      $0.form.isLossless ? $0.form == lossless : $0.metric == options.metric
    }
    var quantizer: Quantizer
    if let shared {
      quantizer = shared
    } else {
      quantizer = try Quantizer.train(
        rows: rows, metric: options.metric, lossless: lossless, seed: options.graph.seed,
        mayBeParted: mayPartCodes)
    }
    var coded = try encode(rows, plan, quantizer, findings)
    if quantizer.form == .globalScale, options.metric != .cosine, coded.worstClamping > 0.05 {
      // Rows that the sample did not show stick out of the one scale: give every row its own.
      quantizer = try Quantizer.train(
        rows: rows, metric: options.metric, lossless: nil, seed: options.graph.seed,
        forcesRowScale: true)
      monitor?.begin("coding", total: rows.count)
      coded = try encode(rows, plan, quantizer, findings)
    }
    let builder = try link(coded, plan)
    let repair = try builder.repair()
    var segment = BuiltSegment(
      options: keptOptions(findings, quantizer), quantizer: quantizer, count: rows.count,
      order: plan.order,
      levelCounts: plan.counts, tables: builder.tables, codes: coded.codes,
      terms: coded.searchTerms, repairedNodes: repair.repaired,
      unreachableNodes: repair.unreachable)
    try segment.tryGraph(level)
    if options.layout == .turbo {
      segment.tables[0] = try builder.filled(threads: threads, monitor)
      if repair.unreachable > 0 {
        segment.unreachableNodes = Reachability(segment.tables[0]).unreachedCount
      }
      try segment.inlineNeighbors(threads: threads, monitor)
    }
    return segment
  }

  /// Links the rows by each rule of the metric and joins what comes out.
  private func link(
    _ coded: RowEncoder, _ plan: LevelPlan
  ) throws(NeedletailError) -> GraphBuilder {
    let rules = coded.linkingRules
    var parts: [GraphBuilder] = []
    for rule in rules {
      var graph = options.graph
      // Beside product links the lifted ones only keep the rows together, for which a third
      // of the candidates does as well (NDL-0001).
      if rules.count > 1, rule == .product(.lifted) {
        graph.efConstruction = max(1, graph.efConstruction / 3)
      }
      let builder = try GraphBuilder(
        space: coded.linkingSpace(rule), plan: plan, options: graph,
        m: max(2, options.graph.m / rules.count), threads: threads, level: level)
      try builder.build(
        monitor,
        phase: rules.count == 1 ? "linking" : "linking \(parts.count + 1) of \(rules.count)")
      parts.append(builder)
    }
    if let only = parts.first, parts.count == 1 { return only }
    let joined = try GraphBuilder(
      space: parts[0].space, plan: plan, options: options.graph, m: options.graph.m,
      threads: threads, level: level)
    joined.join(parts)
    return joined
  }

  private func encode(
    _ rows: RowSource, _ plan: LevelPlan, _ quantizer: Quantizer, _ findings: RowFindings
  ) throws(NeedletailError) -> RowEncoder {
    let encoder = try RowEncoder(
      rows: rows, order: plan.order, quantizer: quantizer, options: options,
      squaredNorms: findings.squaredNorms, threads: threads)
    let stripe = 256
    let stripes = (rows.count + stripe - 1) / stripe
    try parallelFor(threads: threads, count: stripes) {
      (thread, index) throws(NeedletailError) in
      let range = index * stripe..<min(rows.count, (index + 1) * stripe)
      unsafe try encoder.encode(range, thread: thread)
      try monitor?.advance(by: range.count)
    }
    return encoder
  }
}
