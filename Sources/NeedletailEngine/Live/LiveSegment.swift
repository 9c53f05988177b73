package import NeedletailCore
package import NeedletailKernels
import Synchronization

/// A segment in memory that takes writes: one writer, any number of readers who never wait for it.
///
/// Every version of a vector is a row of its own, numbered in the order of writing. It is there from the write that
/// made it on, and ends with the write that replaced or removed it; a reader sees what its `LiveView` shows. Rows
/// that ended are walked through and not answered, until no view shows them and they are unlinked; their memory is
/// kept until the segment is dropped.
///
/// ## Why readers need no lock
///
/// - Addresses never change (`ReservedMemory`).
/// - All of a row but its end and its links is written before `writtenCount` says so, with release. A reader
///   acquires that number first and stops at any link at or over it, so that it only comes to rows it may read.
/// - Links are words. The writer stores each atomically and the kernels load it so, relaxed: whatever mixture of old
///   and new words a reader meets, each one is a row that was written before, or none.
/// - Ends are words, stored before the moment that shows them is published. A view of an earlier moment takes an end
///   that it comes across for later, because the number says so.
@safe
package final class LiveSegment: @unchecked Sendable {
  // SAFETY: see above; what is the writer's is behind its lock.

  package let options: LiveOptions
  package let quantizer: Quantizer
  let tables: LiveTables
  let kernel: HopKernel
  let rowKernel: DistanceKernel
  let entries: LiveEntries
  /// Rows that were written, whether a view shows them yet or not.
  let writtenCount = Atomic<Int>(0)
  /// Rows that are linked, or were before they ended; those behind are coded only.
  let linkedCount = Atomic<Int>(0)
  /// Rows that were taken over from a sealed segment, the first ones.
  let takenOverCount = Atomic<Int>(0)
  /// Rows that are linked no more.
  let unlinkedCount = Atomic<Int>(0)
  /// Whether some row's code says less of it than the quantizer's training promised, so that estimates decide
  /// nothing.
  let isRough = Atomic<Bool>(false)
  /// What its searches take.
  let searchCosts: SearchCosts
  private let moment: Guarded<LiveMoment>
  private let writer: Guarded<LiveWriter>

  /// Makes an empty segment.
  ///
  /// - Parameters:
  ///   - options: checked here.
  ///   - quantizer: the index's.
  ///   - level: the instruction set of the kernels.
  /// - Throws: `invalidConfiguration`, `capacityExceeded`; `io` when there are no addresses left.
  package init(
    _ options: LiveOptions, quantizer: Quantizer, level: KernelLevel = .current
  ) throws(NeedletailError) {
    try options.validate()
    let build = options.build
    guard quantizer.dimensions == build.dimensions, quantizer.metric == build.metric else {
      throw NeedletailError(
        .invalidConfiguration,
        "The quantizer codes \(quantizer.dimensions) dimensions under \(quantizer.metric), the segment has"
          + " \(build.dimensions) under \(build.metric).")
    }
    self.options = options
    self.quantizer = quantizer
    let rules = RowEncoder.LinkingRule.rules(build)
    let usesNorms = rules == [.distance] && quantizer.form != .rowScale
    tables = try LiveTables(options, quantizer, rules: usesNorms ? 0 : rules.count)
    kernel = HopKernel(level: level)
    searchCosts = SearchCosts(
      codeByteCount: quantizer.codeByteCount, rowByteCount: 4 * build.dimensions)
    rowKernel = try DistanceKernel(
      build.metric == .squaredEuclidean ? .squaredEuclidean : .innerProduct, rows: .float32,
      dimensions: build.dimensions)
    let linker = try LiveLinker(tables, rules, options, level: level)
    entries = linker.entries
    let first = LiveMoment(count: 0, liveCount: 0, sequence: 0)
    moment = Guarded(first)
    writer = Guarded(LiveWriter(linker, first))
  }

  /// What the segment holds now.
  ///
  /// - Complexity: O(1): one reference, taken under a lock that the writer holds for as long as it takes to put
  ///   another one there.
  package func view() -> LiveView { LiveView(moment: moment.withLock { $0 }) }

  /// Bytes of memory that rows, links and attributes may use by now.
  package var byteCount: Int { writer.withLock { _ in tables.byteCount } }

  /// Rows that were written and are not linked yet.
  package var unlinkedRows: Int {
    let linked = linkedCount.load(ordering: .acquiring)
    return writtenCount.load(ordering: .acquiring) - linked
  }

  /// Rows of a view that were written since, rather than taken over from a sealed segment.
  ///
  /// - Complexity: O(1) where none was taken over; O(count) otherwise.
  package func unsealedCount(_ view: LiveView) -> Int {
    let first = takenOverCount.load(ordering: .acquiring)
    guard first > 0 else { return view.liveCount }
    return (first..<max(first, view.count)).reduce(0) { $0 + (shows(UInt32($1), view) ? 1 : 0) }
  }

  /// Shows what was written.
  func publish(_ next: LiveMoment) { moment.withLock { $0 = next } }

  /// Calls `body` as the writer; another one waits.
  func write<Result: Sendable>(
    _ body: (inout LiveWriter) throws(NeedletailError) -> Result
  ) throws(NeedletailError) -> Result {
    try writer.withLock { (writer) throws(NeedletailError) -> Result in try body(&writer) }
  }

  /// Whether a view shows a row.
  @inline(__always)
  package func shows(_ ordinal: UInt32, _ view: LiveView) -> Bool {
    Int(ordinal) < view.moment.count && tables.end(of: ordinal) > view.moment.sequence
  }

  /// Rows that are withdrawn, in whatever view.
  package var withdrawnCount: Int { tables.withdrawnCount }

  /// Whether a row is withdrawn.
  ///
  /// - Precondition: it was written.
  package func isWithdrawn(_ ordinal: UInt32) -> Bool { tables.isWithdrawn(ordinal) }

  /// Whether a row ended, by any write so far.
  func hasEnded(_ ordinal: UInt32) -> Bool { tables.end(of: ordinal) != LiveTables.endless }

  /// The rows that a view shows, ascending: in the order in which they were written.
  ///
  /// - Complexity: O(count).
  package func ordinals(_ view: LiveView) -> [UInt32] {
    (0..<UInt32(view.count)).filter { shows($0, view) }
  }

  /// Whose version a row is.
  ///
  /// - Precondition: the view is of this segment and counts the row.
  package func id(of ordinal: UInt32, _ view: LiveView) -> VectorID {
    precondition(Int(ordinal) < view.count, "row \(ordinal) of \(view.count)")
    return unsafe tables.ids[Int(ordinal)]
  }

  /// Copies the row that distances are computed on: a unit row under cosine, the row itself otherwise.
  ///
  /// - Precondition: the view is of this segment and counts the row; `row` has room for its components.
  /// - Returns: the norm that the row had when it was given.
  @unsafe @discardableResult
  package func copyRow(
    _ ordinal: UInt32, _ view: LiveView, into row: UnsafeMutablePointer<Float>
  ) -> Double {
    precondition(Int(ordinal) < view.count, "row \(ordinal) of \(view.count)")
    let dimensions = tables.dimensions
    unsafe export(ordinal, view, into: row)
    let norm = unsafe tables.norms[Int(ordinal)]
    guard options.build.metric == .cosine else { return norm.squareRoot() }
    for j in 0..<dimensions { unsafe row[j] = Float(Double(row[j]) / norm) }
    return norm
  }

  /// Copies a row as it was given.
  ///
  /// - Precondition: as `copyRow`.
  @unsafe
  package func export(
    _ ordinal: UInt32, _ view: LiveView, into row: UnsafeMutablePointer<Float>
  ) {
    precondition(Int(ordinal) < view.count, "row \(ordinal) of \(view.count)")
    let dimensions = tables.dimensions
    unsafe row.update(from: tables.rows + Int(ordinal) * dimensions, count: dimensions)
  }

  /// Makes room for more rows, so that a write of them does not fail for want of it.
  ///
  /// - Throws: `capacityExceeded`, `overBudget` or `io`; nothing has changed then.
  package func reserve(_ more: Int) throws(NeedletailError) {
    try write { (writer) throws(NeedletailError) in
      try tables.reserve(writer.count + more)
      try writer.linker.reserve(writer.count + more)
    }
  }

  /// Whether so many more rows can be written for certain.
  func hasRoom(for more: Int) -> Bool {
    (try? write { (writer) throws(NeedletailError) -> Bool in
      tables.capacity >= writer.count + more && writer.linker.hasRoom(for: writer.count + more)
    }) ?? false
  }

  /// Bytes of memory that `reserve` takes for so many more rows.
  func bytesToReserve(_ more: Int) -> Int {
    (try? write { (writer) throws(NeedletailError) -> Int in
      tables.bytesToReserve(writer.count + more)
    }) ?? 0
  }

  /// Bytes of memory that so many more rows would take.
  func bytesToHold(_ more: Int) -> Int {
    (try? write { (writer) throws(NeedletailError) -> Int in
      tables.bytesToHold(writer.count + more)
    }) ?? 0
  }
}
