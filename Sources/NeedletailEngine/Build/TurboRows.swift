import NeedletailCore
import NeedletailKernels
import NeedletailStorage

// The turbo layout: every row beside the bits of its neighbours, so that a hop reads one row in sequence.
// All of a row's places are scored whether they hold a link or not, and so all of them are filled.

extension GraphBuilder {
  /// The links of level 0, with free places filled by the nearest rows among the links' own links.
  ///
  /// The same for any number of threads: every row is filled from the table as it was.
  ///
  /// - Complexity: up to `degree²` evaluations a row.
  func filled(
    threads: Int, _ monitor: WorkMonitor?
  ) throws(NeedletailError) -> LinkTable {
    let source = tables[0]
    let target = try LinkTable(count: source.count, degree: source.degree)
    let (stripe, total) = (64, source.count)
    monitor?.begin("filling", total: total)
    try parallelFor(
      threads: min(threads, scratches.count), count: (total + stripe - 1) / stripe
    ) { (thread, index) throws(NeedletailError) in
      let range = index * stripe..<min(total, (index + 1) * stripe)
      for ordinal in range {
        unsafe self.fill(UInt32(ordinal), from: source, into: target, self.scratches[thread])
      }
      try monitor?.advance(by: range.count)
    }
    return target
  }

  @unsafe
  private func fill(
    _ ordinal: UInt32, from source: LinkTable, into target: LinkTable, _ scratch: BuildScratch
  ) {
    let degree = source.degree(of: ordinal)
    let row = unsafe source.row(ordinal)
    let filled = unsafe target.row(ordinal)
    unsafe filled.update(from: row, count: source.degree)
    let free = source.degree - degree
    guard free > 0 else { return }
    let walk = scratch.walk
    walk.beginEpoch()
    unsafe walk.visit(ordinal)
    for j in 0..<degree { unsafe walk.visit(row[j]) }
    let query = unsafe space.query(ordinal, code: scratch.code, kernel)
    let whole = unsafe space.space(first: space.count)
    var size = 0
    for j in 0..<degree {
      let threshold = size == free ? unsafe walk.pool[size - 1] : .max
      let (_, kept) = unsafe kernel.expand(
        whole, query, links: source.row(row[j]), degree: source.degree, count: source.count,
        visited: walk.visited, epoch: walk.epoch, threshold: threshold, ordinals: walk.ordinals,
        keys: walk.keys)
      guard kept > 0 else { continue }
      (size, _) = unsafe mergeIntoPool(
        walk.pool, size: size, capacity: free, keys: walk.keys, count: kept)
    }
    for j in 0..<size { unsafe filled[degree + j] = walk.pool[j].ordinal }
  }
}

extension BuiltSegment {
  /// Puts together the rows of the turbo layout: first what each row says of itself, then what it says of its
  /// neighbours.
  ///
  /// Codes and terms stand in those rows then, and are given back.
  ///
  /// - Complexity: O(links·d).
  mutating func inlineNeighbors(
    threads: Int, _ monitor: WorkMonitor?
  ) throws(NeedletailError) {
    let layout = TurboLayout(blocks: quantizer.blocks, degree: tables[0].degree)
    let memory = try MemoryBlock(count: count, stride: layout.stride)
    monitor?.begin("inlining", total: count)
    let segment = self
    try parallelFor(threads: threads, count: count, grain: 64) { (_, ordinal) in
      // SAFETY: the memory has room for all rows, and each is written by one thread.
      unsafe segment.writeOwn(
        UInt32(ordinal), layout, memory.mutableBytes.baseAddress.unsafelyUnwrapped)
    }
    let rows = unsafe TurboRows(
      start: memory.bytes.baseAddress.unsafelyUnwrapped, layout: layout, count: count)
    let (stripe, total) = (256, count)
    try parallelFor(threads: threads, count: (total + stripe - 1) / stripe) {
      (_, index) throws(NeedletailError) in
      let range = index * stripe..<min(total, (index + 1) * stripe)
      let start = unsafe memory.mutableBytes.baseAddress.unsafelyUnwrapped
      for ordinal in range {
        // What is written of one row, bits and factors, nobody reads of another.
        unsafe rows.writeNeighbors(
          of: UInt32(ordinal), to: start + ordinal * layout.stride)
      }
      try monitor?.advance(by: range.count)
    }
    turboRows = memory
    codes = try MemoryBlock(byteCount: 0)
    terms = codes
  }

  /// Writes a row's code, links and terms.
  @unsafe
  private func writeOwn(
    _ ordinal: UInt32, _ layout: TurboLayout, _ start: UnsafeMutableRawPointer
  ) {
    let at = Int(ordinal)
    let row = unsafe start + at * layout.stride
    unsafe row.copyMemory(
      from: codes.bytes.baseAddress.unsafelyUnwrapped + at * layout.codeByteCount,
      byteCount: layout.codeByteCount)
    unsafe (row + layout.linksOffset).copyMemory(
      from: tables[0].row(ordinal), byteCount: layout.degree * 4)
    var (factor, norm): (Float, Float) = (1, 0)
    if quantizer.searchFinish == .factor {
      unsafe factor = terms.bytes.load(fromByteOffset: at * 8, as: Float.self)
      unsafe norm = terms.bytes.load(fromByteOffset: at * 8 + 4, as: Float.self)
    } else {
      unsafe norm = Float(terms.bytes.load(fromByteOffset: at * 4, as: Int32.self))
    }
    unsafe row.storeBytes(of: factor, toByteOffset: layout.termsOffset, as: Float.self)
    unsafe row.storeBytes(of: norm, toByteOffset: layout.termsOffset + 4, as: Float.self)
  }
}

/// Rows of the turbo layout, one behind the other, to be read.
@safe
struct TurboRows: @unchecked Sendable {
  // SAFETY: whoever makes it keeps the rows, and writes to a row only what no other reads.

  let start: UnsafeRawPointer
  let layout: TurboLayout
  let count: Int

  /// - Precondition: `start` has `count` rows, for as long as this is used.
  @unsafe
  init(start: UnsafeRawPointer, layout: TurboLayout, count: Int) {
    unsafe self.start = start
    self.layout = layout
    self.count = count
  }

  @unsafe @inline(__always)
  func row(_ ordinal: UInt32) -> UnsafeRawPointer {
    unsafe start + Int(truncatingIfNeeded: ordinal) &* layout.stride
  }

  /// What a component of a row's code stands for, and the squared norm of what the whole code stands for; in
  /// units of the common scale where there is one.
  @unsafe @inline(__always)
  func terms(_ ordinal: UInt32) -> (factor: Float, norm: Float) {
    let row = unsafe row(ordinal)
    return unsafe (
      row.load(fromByteOffset: layout.termsOffset, as: Float.self),
      row.load(fromByteOffset: layout.termsOffset + 4, as: Float.self)
    )
  }

  /// Works out the bits, factors and sums of a row's neighbours from their codes, up to the first link that
  /// leads nowhere.
  ///
  /// - Precondition: `target` has room for a row, with zeros where the bits are.
  @unsafe
  func writeNeighbors(of ordinal: UInt32, to target: UnsafeMutableRawPointer) {
    let own = unsafe row(ordinal)
    let factor = unsafe terms(ordinal).factor
    var degree = 0
    while degree < layout.degree {
      let link = unsafe own.load(fromByteOffset: layout.linksOffset + degree * 4, as: UInt32.self)
      guard Int(link) < count else { break }
      unsafe layout.link(
        own.assumingMemoryBound(to: UInt8.self), row(link).assumingMemoryBound(to: UInt8.self),
        factors: (factor, terms(link).factor), at: degree, of: target)
      degree += 1
    }
    for place in degree..<layout.degree {
      unsafe target.storeBytes(
        of: TurboLayout.noNeighbor, toByteOffset: layout.factorsOffset + place * 4, as: UInt32.self)
    }
  }
}
