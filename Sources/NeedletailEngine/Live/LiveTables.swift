import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Synchronization

/// The memory of a live segment: one table per property of a row, each of them one range of addresses that
/// grows and never moves.
///
/// | Table        | Bytes a row        | Written                                  | Read by             |
/// |--------------|--------------------|------------------------------------------|---------------------|
/// | codes        | `codeByteCount`    | once, before the row is linked           | everybody           |
/// | search terms | 0, 4 or 8          | once                                     | everybody           |
/// | rows         | `4·dimensions`     | once; as they were given                 | everybody           |
/// | ids          | 8                  | once                                     | everybody           |
/// | norms        | 8                  | once; squared unless cosine              | everybody           |
/// | code norms   | 4                  | once                                     | the writer          |
/// | link terms   | 16 a rule          | once, and when a much longer row comes   | the writer          |
/// | withdrawals  | 1                  | at any time                              | everybody, atomic   |
/// | ends         | 8                  | once more, when the row ends             | everybody, atomic   |
/// | links        | `8·m`              | word by word, at any time                | everybody, atomic   |
/// | parents      | 4, and 4 for counts | at any time                             | the writer          |
///
/// Attributes have tables of their own.
@safe
final class LiveTables: @unchecked Sendable {
  // SAFETY: addresses are constant. What is written once is published through a counter that readers acquire; what
  // is written again is read and written as atomic words.

  /// The end of a row that has none.
  static let endless = UInt64.max

  let quantizer: Quantizer
  let dimensions: Int
  let degree: Int
  let codes: UnsafeMutablePointer<UInt8>
  let searchTerms: UnsafeMutableRawPointer
  let rows: UnsafeMutablePointer<Float>
  let ids: UnsafeMutablePointer<VectorID>
  let norms: UnsafeMutablePointer<Double>
  let codeNorms: UnsafeMutablePointer<Int32>
  let linkTerms: [UnsafeMutablePointer<Float>]
  let parents: UnsafeMutablePointer<UInt32>
  let childCounts: UnsafeMutablePointer<UInt32>
  let links: UnsafeMutablePointer<UInt32>
  private let ends: UnsafeMutablePointer<Atomic<UInt64>>
  private let withdrawals: UnsafeMutablePointer<Atomic<UInt8>>
  private let withdrawn = Atomic<Int>(0)
  let attributes: LiveAttributes
  private let rowLimit: Int
  private let memoryLimit: Int?
  private(set) var capacity = 0
  /// Every table with its bytes a row, and whether readers read it.
  private let tables: [(memory: ReservedMemory, stride: Int, isRead: Bool)]

  /// Reserves addresses for as many rows as there may be.
  ///
  /// - Parameters:
  ///   - options: validated by the caller.
  ///   - quantizer: codes the rows.
  ///   - rules: tables of link terms.
  /// - Throws: `capacityExceeded` or `io` when there are not so many addresses.
  init(_ options: LiveOptions, _ quantizer: Quantizer, rules: Int) throws(NeedletailError) {
    self.quantizer = quantizer
    dimensions = options.build.dimensions
    degree = 2 * options.build.graph.m
    attributes = try LiveAttributes(rowLimit: options.rowLimit)
    rowLimit = options.rowLimit
    memoryLimit = options.memoryLimit
    var tables: [(memory: ReservedMemory, stride: Int, isRead: Bool)] = []
    func table(
      _ stride: Int, isRead: Bool = true
    ) throws(NeedletailError) -> UnsafeMutableRawPointer {
      let memory = try ReservedMemory(count: options.rowLimit, stride: stride)
      tables.append((memory, stride, isRead))
      return unsafe memory.start
    }
    // SAFETY: the tables are aligned to 2 MiB, and kept below; each holds elements of one type.
    unsafe try codes = table(quantizer.codeByteCount).assumingMemoryBound(to: UInt8.self)
    unsafe try searchTerms = table(quantizer.searchFinish.termByteCount)
    unsafe try rows = table(dimensions * 4).assumingMemoryBound(to: Float.self)
    unsafe try ids = table(8).assumingMemoryBound(to: VectorID.self)
    unsafe try norms = table(8).assumingMemoryBound(to: Double.self)
    unsafe try codeNorms = table(4, isRead: false).assumingMemoryBound(to: Int32.self)
    unsafe try ends = table(8).assumingMemoryBound(to: Atomic<UInt64>.self)
    unsafe try withdrawals = table(1).assumingMemoryBound(to: Atomic<UInt8>.self)
    unsafe try links = table(degree * 4).assumingMemoryBound(to: UInt32.self)
    unsafe try parents = table(4, isRead: false).assumingMemoryBound(to: UInt32.self)
    unsafe try childCounts = table(4, isRead: false).assumingMemoryBound(to: UInt32.self)
    var linkTerms = unsafe [UnsafeMutablePointer<Float>]()
    for _ in 0..<rules {
      unsafe try linkTerms.append(table(16, isRead: false).assumingMemoryBound(to: Float.self))
    }
    unsafe self.linkTerms = linkTerms
    self.tables = tables
  }

  /// The memory, for those who keep an address of it.
  var owners: [ReservedMemory] { tables.map { $0.memory } }

  /// The memory of the first `rows` rows, of tables that readers read.
  ///
  /// - Precondition: they were written.
  func memory(rows: Int) -> [MemoryRange] {
    tables.compactMap { table in
      guard table.isRead, table.stride > 0 else { return nil }
      return table.memory.range(byteCount: rows * table.stride)
    } + attributes.memory(rows: rows)
  }

  /// Bytes that are usable, written or not.
  var byteCount: Int { tables.reduce(attributes.byteCount) { $0 + $1.memory.byteCount } }

  /// Bytes that attributes may still make usable; `nil`: no limit but the system's.
  var attributeBudget: Int? { memoryLimit.map { max(0, $0 - byteCount) } }

  /// Bytes that rows without attributes take, about: link terms are counted for one rule.
  static func byteCount(rows: Int, m: Int, dimensions: Int) -> Int {
    let strides = [
      Quantizer.blocks(dimensions) * 64, 8, 4 * dimensions, 8, 8, 4, 8, 1, 8 * m, 4, 4, 16,
    ]
    return strides.reduce(0) { $0 + ReservedMemory.rounded(rows * $1) }
  }

  /// Makes room for `count` rows, and for the attributes that they may have.
  ///
  /// - Throws: `capacityExceeded` beyond the limit on rows, `overBudget` beyond the limit on memory, `io` when
  ///   the system has none; nothing has changed then.
  func reserve(_ count: Int) throws(NeedletailError) {
    guard count > capacity else { return }
    guard count <= rowLimit else {
      throw NeedletailError(
        .capacityExceeded,
        "The live segment would hold \(count) rows, versions that ended among them; its limit is"
          + " \(rowLimit). Seal it first.")
    }
    let larger = room(for: count)
    if let needed = fits(larger), let memoryLimit {
      throw NeedletailError(
        .overBudget,
        "\(count) rows need \(needed) bytes of memory; the limit is \(memoryLimit). Seal the rows that are"
          + " there, or raise the limit.")
    }
    for table in tables { try table.memory.grow(to: larger * table.stride) }
    try attributes.grow(rows: larger)
    capacity = larger
  }

  /// The rows that room is made for when so many are needed: ahead of need, so that it is done rarely; not far ahead when there are many.
  private func room(for count: Int) -> Int {
    let ahead = min(rowLimit, max(count, min(2 * capacity, capacity + 65_536), Self.leastRoom))
    return fits(ahead) == nil ? ahead : count
  }

  /// The fewest rows that room is made for.
  static let leastRoom = 256

  /// Bytes that `reserve` would take.
  func bytesToReserve(_ count: Int) -> Int { count > capacity ? bytesToHold(room(for: count)) : 0 }

  /// Bytes that room for so many rows would take, those taken already not counted.
  func bytesToHold(_ count: Int) -> Int {
    guard count > capacity else { return 0 }
    let needed = tables.reduce(attributes.byteCount(rows: count)) {
      $0 + $1.memory.byteCount(grownTo: count * $1.stride)
    }
    return max(0, needed - byteCount)
  }

  /// The bytes that so many rows need, when these are more than allowed.
  private func fits(_ count: Int) -> Int? {
    guard let memoryLimit else { return nil }
    let needed = tables.reduce(attributes.byteCount(rows: count)) {
      $0 + $1.memory.byteCount(grownTo: count * $1.stride)
    }
    return needed > memoryLimit ? needed : nil
  }
}

extension LiveTables {
  /// The number of the write at which a row ended; `endless` while it has not.
  @inline(__always)
  func end(of ordinal: UInt32) -> UInt64 {
    unsafe ends[Int(truncatingIfNeeded: ordinal)].load(ordering: .relaxed)
  }

  /// Ends a row, or says that it has not ended.
  func setEnd(of ordinal: UInt32, _ sequence: UInt64) {
    unsafe ends[Int(ordinal)].store(sequence, ordering: .relaxed)
  }

  /// Rows that are withdrawn.
  var withdrawnCount: Int { withdrawn.load(ordering: .acquiring) }

  /// Whether nobody may be shown a row, whatever the view.
  @inline(__always)
  func isWithdrawn(_ ordinal: UInt32) -> Bool {
    unsafe withdrawals[Int(truncatingIfNeeded: ordinal)].load(ordering: .relaxed) != 0
  }

  /// Withdraws a row, or takes that back; the writer's.
  func setWithdrawn(_ ordinal: UInt32, _ isWithdrawn: Bool) {
    guard self.isWithdrawn(ordinal) != isWithdrawn else { return }
    unsafe withdrawals[Int(ordinal)].store(isWithdrawn ? 1 : 0, ordering: .relaxed)
    withdrawn.add(isWithdrawn ? 1 : -1, ordering: .releasing)
  }

  /// The first link of a row.
  ///
  /// Only the writer may read through it; readers' kernels load word by word, atomically.
  @unsafe @inline(__always)
  func row(_ ordinal: UInt32) -> UnsafeMutablePointer<UInt32> {
    unsafe links + Int(truncatingIfNeeded: ordinal) &* degree
  }

  /// How many links a row has.
  func linkCount(_ ordinal: UInt32) -> Int {
    let row = unsafe row(ordinal)
    var count = 0
    while count < degree, unsafe row[count] != LinkTable.none { count += 1 }
    return count
  }

  /// Writes one link.
  @unsafe @inline(__always)
  func store(_ link: UInt32, _ row: UnsafeMutablePointer<UInt32>, _ place: Int) {
    // SAFETY: an atomic word has the size and alignment of its value, and no other form of store is used once a
    // row is published.
    unsafe UnsafeMutableRawPointer(row + place).assumingMemoryBound(to: Atomic<UInt32>.self)
      .pointee.store(link, ordering: .relaxed)
  }

  /// Writes all links of a row, in ascending order, and nothing behind them.
  ///
  /// Ascending, because a list ends for a reader at the first row that it does not know yet: so it loses only
  /// these. A reader in the middle may see some links twice or, for this hop, not at all; each word is a row
  /// whose code was written, or none.
  ///
  /// - Precondition: `chosen` is at most `degree` ordinals; it is sorted in place.
  @unsafe
  func setLinks(of ordinal: UInt32, _ chosen: UnsafeMutablePointer<UInt32>, count: Int) {
    let row = unsafe row(ordinal)
    for i in 1..<max(1, count) {
      let link = unsafe chosen[i]
      var j = i
      while j > 0, unsafe chosen[j - 1] > link {
        unsafe chosen[j] = chosen[j - 1]
        j -= 1
      }
      unsafe chosen[j] = link
    }
    for i in 0..<count { unsafe store(chosen[i], row, i) }
    for i in count..<degree { unsafe store(LinkTable.none, row, i) }
  }
}
