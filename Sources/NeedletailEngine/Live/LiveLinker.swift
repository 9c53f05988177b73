import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// Links the rows of a live segment as they come: the writer's half of the graph.
///
/// New rows are linked in small batches, as in `GraphBuilder`: each row of a batch looks for its links among the
/// rows before the batch, then the links back are added target by target. What is new:
///
/// - There are no levels (`LiveEntries`), and rows of both rules of an inner product share one list of links.
/// - `parents` hold a tree of links over all linked rows, rooted in row 0: whatever else is dropped, they stay. So
///   every row stays reachable. A new row hangs below that of its neighbours which has the fewest others, so that
///   a list has to keep about one link for the tree's sake.
@safe
final class LiveLinker: @unchecked Sendable {
  // SAFETY: used by one writer at a time. Its threads write different rows in the same step, and read none that
  // another writes: walks are bounded by the rows before the batch.

  /// One rule by which links are chosen, and how wide it looks.
  struct Chooser: LinkChoosing {
    let rule: RowEncoder.LinkingRule
    let space: LinkingSpace
    let options: GraphOptions
    let kernel: HopKernel
  }

  /// What one thread works with.
  final class Scratch {
    let build: BuildScratch
    /// Rows to choose among, and those chosen.
    var list: [UInt32] = []
    var chosen: [UInt32] = []

    init(_ build: BuildScratch) { self.build = build }
  }

  /// Rows that are linked at a time, at the most: what a row misses by not seeing its own batch is little.
  private static let mostRows = 512

  let tables: LiveTables
  let options: GraphOptions
  let kernel: HopKernel
  let choosers: [Chooser]
  let entries: LiveEntries
  let threads: Int
  private(set) var scratches: [Scratch] = []
  /// Links back of a batch: target in the upper half, source in the lower.
  private(set) var backLinks: [UInt64] = []
  private var groups: [Range<Int>] = []
  private var scale = LiveScale()
  private var scratchRows = 0

  init(
    _ tables: LiveTables, _ rules: [RowEncoder.LinkingRule], _ options: LiveOptions,
    level: KernelLevel
  ) throws(NeedletailError) {
    self.tables = tables
    self.options = options.build.graph
    threads = min(options.threads, Limits.threads)
    kernel = HopKernel(level: level)
    entries = try LiveEntries(seed: options.build.graph.seed)
    let quantizer = tables.quantizer
    var choosers: [Chooser] = []
    for (number, rule) in rules.enumerated() {
      let usesNorms = unsafe tables.linkTerms.isEmpty
      let space = unsafe LinkingSpace(
        count: options.rowLimit, blocks: quantizer.blocks, finish: usesNorms ? .norm : .reduced,
        isProduct: rule == .product(.product), codes: UnsafeRawPointer(tables.codes),
        terms: usesNorms
          ? UnsafeRawPointer(tables.codeNorms) : UnsafeRawPointer(tables.linkTerms[number]),
        owners: tables.owners)
      var graph = options.build.graph
      graph.efConstruction = rule.width(of: graph.efConstruction, rules: rules.count)
      choosers.append(Chooser(rule: rule, space: space, options: graph, kernel: kernel))
    }
    self.choosers = choosers
    let degree = tables.degree
    for _ in 0..<threads {
      let build = try BuildScratch(
        rows: 1, codeByteCount: quantizer.codeByteCount,
        width: max(options.build.graph.efConstruction, 2 * degree), degree: degree,
        lanes: BuildScratch.lanes)
      try build.reserve(max(8 * degree, Self.mostRows + degree, LiveEntries.limit))
      scratches.append(Scratch(build))
    }
  }

  /// Whether there is room for walks over `count` rows.
  func hasRoom(for count: Int) -> Bool { count <= scratchRows }

  /// Makes room for walks over `count` rows.
  func reserve(_ count: Int) throws(NeedletailError) {
    guard count > scratchRows else { return }
    let rows = max(count, 2 * scratchRows, 4096)
    for scratch in scratches {
      for walk in scratch.build.walks {
        try walk.reserve(
          rows: rows, width: options.efConstruction, degree: tables.degree)
      }
    }
    scratchRows = rows
  }

  /// Makes the link terms of new rows, or those of all rows when one is longer than any before.
  func prepare(_ range: Range<Int>, _ squaredNorms: [Double]) {
    guard unsafe !tables.linkTerms.isEmpty else { return }
    let isCosine = tables.quantizer.metric == .cosine
    let first = scale.admit(isCosine ? [1] : squaredNorms) ? 0 : range.lowerBound
    for (number, chooser) in choosers.enumerated() {
      for ordinal in first..<range.upperBound {
        unsafe tables.writeLinkTerms(
          ordinal, chooser.rule, scale, into: tables.linkTerms[number])
      }
    }
  }

  /// Links coded rows.
  ///
  /// - Precondition: `reserve` and `prepare` were called for them, and readers may know them.
  func link(_ range: Range<Int>) {
    var start = range.lowerBound
    if start == 0, !range.isEmpty {
      unsafe tables.parents[0] = 0
      entries.offer(0)
      start = 1
    }
    while start < range.upperBound {
      let most = min(Self.mostRows, max(16, start / 100))
      let end = min(range.upperBound, start + min(max(1, start / 16), most))
      linkBatch(start..<end)
      start = end
    }
  }

  private func linkBatch(_ batch: Range<Int>) {
    let lanes = BuildScratch.lanes
    unthrowing(count: (batch.count + lanes - 1) / lanes, grain: 2) { (scratch, index) in
      let first = batch.lowerBound + index * lanes
      unsafe self.findLinks(
        first..<min(batch.upperBound, first + lanes), below: batch.lowerBound, scratch)
    }
    backLinks.removeAll(keepingCapacity: true)
    for ordinal in batch {
      hang(UInt32(ordinal))
      let row = unsafe tables.row(UInt32(ordinal))
      for j in 0..<tables.linkCount(UInt32(ordinal)) {
        unsafe backLinks.append(UInt64(row[j]) << 32 | UInt64(ordinal))
      }
    }
    backLinks.sort()
    groups.removeAll(keepingCapacity: true)
    var first = 0
    for i in backLinks.indices
    where i + 1 == backLinks.count || backLinks[i + 1] >> 32 != backLinks[i] >> 32 {
      groups.append(first..<(i + 1))
      first = i + 1
    }
    unthrowing(count: groups.count, grain: 16) { (scratch, index) in
      unsafe self.addLinks(self.groups[index], scratch)
    }
    for ordinal in batch { entries.offer(UInt32(ordinal)) }
  }

  /// Hangs a new row below one of its neighbours.
  private func hang(_ ordinal: UInt32) {
    let row = unsafe tables.row(ordinal)
    var parent: UInt32 = 0
    var fewest = UInt32.max
    for j in 0..<tables.linkCount(ordinal) {
      let link = unsafe row[j]
      let children = unsafe tables.childCounts[Int(link)]
      if children < fewest { (parent, fewest) = (link, children) }
    }
    if fewest >= UInt32(tables.degree) - 1 { parent = rowWithPlace() }
    unsafe tables.parents[Int(ordinal)] = parent
    unsafe tables.childCounts[Int(parent)] += 1
    // Where it is no neighbour, the link back is asked for all the same.
    if fewest >= UInt32(tables.degree) - 1 {
      backLinks.append(UInt64(parent) << 32 | UInt64(ordinal))
    }
  }

  /// A row of the tree with a place for one more below it: there is one, since a tree has fewer links than rows.
  func rowWithPlace() -> UInt32 {
    var ordinal: UInt32 = 0
    while unsafe tables.parents[Int(ordinal)] == LinkTable.none
      || tables.childCounts[Int(ordinal)] >= UInt32(tables.degree) - 1 || !isSound(ordinal)
    { ordinal += 1 }
    return ordinal
  }

  /// Runs work that cannot fail on the linker's threads.
  func unthrowing(
    count: Int, grain: Int, _ body: @Sendable (_ scratch: Scratch, _ index: Int) -> Void
  ) {
    do throws(NeedletailError) {
      try parallelFor(threads: threads, count: count, grain: grain) {
        (thread, index) throws(NeedletailError) in
        body(self.scratches[thread], index)
      }
    } catch {
      preconditionFailure("work that throws nothing has failed: \(error)")
    }
  }
}

extension RowEncoder.LinkingRule {
  /// The rules by which links are chosen under a metric.
  static func rules(_ options: BuildOptions) -> [Self] {
    guard options.metric == .innerProduct else { return [.distance] }
    return options.graph.productLinks.parts.map { .product($0) }
  }

  /// How wide a rule that is one of several looks; as `SegmentBuilder` has it.
  func width(of efConstruction: Int, rules: Int) -> Int {
    guard rules > 1 else { return efConstruction }
    let part = efConstruction * 5 / 8
    return max(1, self == .product(.lifted) ? part / 3 : part)
  }
}
