import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// Builds the links of all levels over coded rows, in parallel, the same for any number of threads.
///
/// Rows are inserted in batches: every row of a batch looks for its links in the graph as it stood before
/// the batch, then the links back are added target by target. Both steps only read what the other writes, so
/// the outcome does not depend on who does what when. A batch is a small share of the rows inserted before it:
/// what a row misses by not seeing its own batch is less than one link in a hundred.
///
/// - Source: HNSW is Malkov & Yashunin (2018); batches against a frozen graph follow ParlayANN (2024).
@safe
final class GraphBuilder: LinkChoosing, @unchecked Sendable {
  // SAFETY: threads write different rows of the tables, never one that another reads in the same step.

  let space: LinkingSpace
  let options: GraphOptions
  /// Links a row gets per level.
  let m: Int
  let kernel: HopKernel
  let plan: LevelPlan
  private(set) var tables: [LinkTable] = []
  private let threads: Int
  private(set) var scratches: [BuildScratch] = []
  /// Links back, chained per target: `heads[target]` is the last, `chain[i]` the one before `i`.
  private var heads: [UInt32]
  private var chain: [UInt32] = []
  private var sources: [UInt32] = []
  private var targets: [UInt32] = []

  init(
    space: LinkingSpace, plan: LevelPlan, options: GraphOptions, m: Int, threads: Int,
    level: KernelLevel = .current
  ) throws(NeedletailError) {
    self.m = m
    self.space = space
    self.plan = plan
    self.options = options
    self.threads = max(1, threads)
    kernel = HopKernel(level: level)
    heads = Array(repeating: LinkTable.none, count: space.count)
    for (level, count) in plan.counts.enumerated() {
      tables.append(
        try LinkTable(count: count, degree: level == 0 ? 2 * m : m))
    }
    for _ in 0..<self.threads {
      scratches.append(
        try BuildScratch(
          rows: space.count, codeByteCount: space.codeByteCount,
          width: max(options.efConstruction, 2 * m) * (options.extendsCandidates ? 4 : 1),
          degree: 2 * m, lanes: BuildScratch.lanes))
    }
  }

  /// Takes over the links of several builds over the same plan, each row's one after the other.
  func join(_ parts: [GraphBuilder]) {
    for level in tables.indices {
      let table = tables[level]
      for ordinal in 0..<UInt32(table.count) {
        let row = unsafe table.row(ordinal)
        var taken: [UInt32] = []
        for part in parts {
          for link in part.tables[level].links(of: ordinal) where !taken.contains(link) {
            taken.append(link)
          }
        }
        for (j, link) in taken.prefix(table.degree).enumerated() { unsafe row[j] = link }
      }
    }
  }

  /// Links every row.
  ///
  /// - Parameters:
  ///   - monitor: sees the progress, and may cancel.
  ///   - phase: what the progress is called.
  /// - Throws: `cancelled`.
  func build(
    _ monitor: WorkMonitor?, phase: String = "linking"
  ) throws(NeedletailError) {
    monitor?.begin(phase, total: space.count)
    try monitor?.advance(by: min(1, space.count))
    let most = max(16, space.count / 100)
    var start = 1
    while start < space.count {
      let end = min(space.count, start + min(max(1, start / 16), most))
      let first = start
      let lanes = BuildScratch.lanes
      try parallelFor(threads: threads, count: (end - start + lanes - 1) / lanes, grain: 4) {
        (thread, index) throws(NeedletailError) in
        let rows = first + index * lanes..<min(end, first + (index + 1) * lanes)
        unsafe self.link(rows, self.scratches[thread])
      }
      for level in tables.indices.reversed() where start < plan.counts[level] {
        try linkBack(start..<min(end, plan.counts[level]), level: level)
      }
      try monitor?.advance(by: end - start)
      start = end
    }
  }

  /// Adds the links back to a batch of rows that have theirs.
  private func linkBack(_ batch: Range<Int>, level: Int) throws(NeedletailError) {
    let table = tables[level]
    chain.removeAll(keepingCapacity: true)
    sources.removeAll(keepingCapacity: true)
    targets.removeAll(keepingCapacity: true)
    for ordinal in batch {
      let row = unsafe table.row(UInt32(ordinal))
      for j in 0..<table.degree(of: UInt32(ordinal)) {
        let target = unsafe row[j]
        let head = heads[Int(target)]
        if head == LinkTable.none { targets.append(target) }
        chain.append(head)
        heads[Int(target)] = UInt32(sources.count)
        sources.append(UInt32(ordinal))
      }
    }
    try parallelFor(threads: threads, count: targets.count, grain: 16) {
      (thread, index) throws(NeedletailError) in
      unsafe try self.addLinks(to: self.targets[index], table, self.scratches[thread])
    }
    for target in targets { heads[Int(target)] = LinkTable.none }
  }

  /// Adds the links that wait for one row; where they do not fit, the row's links are chosen anew.
  @unsafe
  private func addLinks(
    to target: UInt32, _ table: LinkTable, _ scratch: BuildScratch
  ) throws(NeedletailError) {
    let row = unsafe table.row(target)
    let degree = table.degree(of: target)
    scratch.waiting.removeAll(keepingCapacity: true)
    var next = heads[Int(target)]
    while next != LinkTable.none {
      scratch.waiting.append(sources[Int(next)])
      next = chain[Int(next)]
    }
    let count = scratch.waiting.count
    if degree + count <= table.degree {
      for j in 0..<count { unsafe row[degree + j] = scratch.waiting[count - 1 - j] }
      return
    }
    try scratch.reserve(degree + count)
    for j in 0..<degree { unsafe scratch.ordinals[j] = row[j] }
    for j in 0..<count { unsafe scratch.ordinals[degree + j] = scratch.waiting[j] }
    let query = unsafe space.query(target, code: scratch.code, kernel)
    unsafe rank(scratch, query, count: degree + count)
    let chosen = unsafe select(
      scratch, count: degree + count, limit: table.degree, zero: zeroOrder(target),
      looseness: .none)
    unsafe row.update(from: scratch.selected, count: chosen)
    for j in chosen..<table.degree { unsafe row[j] = LinkTable.none }
  }
}
