import NeedletailCore
import NeedletailKernels
import NeedletailStorage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where a search puts what it works on; valid until its scratch is reserved anew.
///
/// Plain addresses, so that turning from one search to another touches no reference count.
@safe
struct SearchBuffers: BitwiseCopyable {
  /// The query as it is re-ranked: as given, or a unit vector under cosine.
  var query: UnsafeMutablePointer<Float>
  /// The query in the space of the codes.
  var projected: UnsafeMutablePointer<Float>
  /// One decoded row.
  var row: UnsafeMutablePointer<Float>
  var code: UnsafeMutablePointer<Int8>
  /// The table of a query over rows that hold their neighbours' bits.
  var table: UnsafeMutablePointer<UInt8>
  var distances: UnsafeMutablePointer<Float>
  var ordinals: UnsafeMutablePointer<UInt32>
  var ranked: UnsafeMutablePointer<Neighbor>
  /// The candidates of the walk.
  var pool: UnsafeMutablePointer<CandidateKey>
  /// The nearest rows that a walk over rows with their neighbours' bits expanded.
  var best: UnsafeMutablePointer<CandidateKey>
  /// The nearest rows of a set that a walk over all rows saw.
  var found: UnsafeMutablePointer<CandidateKey>

  /// Buffers without room.
  fileprivate init(pool: UnsafeMutablePointer<CandidateKey>) {
    unsafe query = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    unsafe projected = query
    unsafe row = query
    unsafe distances = query
    unsafe code = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    unsafe table = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    unsafe ordinals = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    unsafe ranked = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    unsafe self.pool = pool
    unsafe best = pool
    unsafe found = pool
  }
}

/// Everything one thread needs to search; made at its first search, freed when the thread ends.
@safe
package final class SearchScratch: @unchecked Sendable {
  // SAFETY: reached only through the thread's own slot.

  let walk: WalkScratch
  @exclusivity(unchecked) private(set) var buffers: SearchBuffers
  private var vectors: MemoryBlock
  private var lists: MemoryBlock
  private var dimensions = 0
  private var width = 0
  /// Keys that `best`, and the pool they are put into in the end, have room for.
  var bestRoom: Int { min(width, walk.width) + 64 }

  /// The answers of one segment, before they are merged with those of others.
  private var foundBlock: MemoryBlock
  private var foundRoom = 0
  /// The bits of the rows that a search may answer with.
  private var rowBlock: MemoryBlock
  private var rowRoom = 0
  /// Searches of several segments that are under way together.
  private var searchBlock: MemoryBlock
  private var searchRoom = 0

  private init() throws(NeedletailError) {
    foundBlock = try MemoryBlock(byteCount: 0)
    rowBlock = try MemoryBlock(byteCount: 0)
    searchBlock = try MemoryBlock(byteCount: 0)
    walk = try WalkScratch(rows: 1, width: 1, degree: 1)
    vectors = try MemoryBlock(byteCount: 0)
    lists = try MemoryBlock(byteCount: 0)
    unsafe buffers = SearchBuffers(pool: walk.pool)
  }

  /// Makes room for a search; allocates only when it is larger than any before on this thread.
  func reserve(
    rows: Int, width: Int, degree: Int, dimensions: Int
  ) throws(NeedletailError) {
    try walk.reserve(rows: rows, width: width, degree: degree)
    unsafe buffers.pool = walk.pool
    if dimensions > self.dimensions {
      let floats = (dimensions * 4 + 63) & ~63
      let bytes = Quantizer.blocks(dimensions) * 64
      vectors = try MemoryBlock(byteCount: 3 * floats + 5 * bytes)
      self.dimensions = dimensions
      // SAFETY: the parts lie one behind the other in the block.
      let start = unsafe vectors.mutableBytes.baseAddress.unsafelyUnwrapped
      unsafe buffers.query = start.assumingMemoryBound(to: Float.self)
      unsafe buffers.projected = (start + floats).assumingMemoryBound(to: Float.self)
      unsafe buffers.row = (start + 2 * floats).assumingMemoryBound(to: Float.self)
      unsafe buffers.code = (start + 3 * floats).assumingMemoryBound(to: Int8.self)
      unsafe buffers.table = (start + 3 * floats + bytes).assumingMemoryBound(to: UInt8.self)
    }
    if width > self.width {
      let width = max(width, 2 * self.width, 256)
      lists = try MemoryBlock(byteCount: (width + 64) * 40)
      self.width = width
      let start = unsafe lists.mutableBytes.baseAddress.unsafelyUnwrapped
      unsafe buffers.ranked = start.assumingMemoryBound(to: Neighbor.self)
      unsafe buffers.distances = UnsafeMutableRawPointer(buffers.ranked + width + 64)
        .assumingMemoryBound(to: Float.self)
      unsafe buffers.ordinals = UnsafeMutableRawPointer(buffers.distances + width + 64)
        .assumingMemoryBound(to: UInt32.self)
      unsafe buffers.best = UnsafeMutableRawPointer(buffers.ordinals + width + 64)
        .assumingMemoryBound(to: CandidateKey.self)
      unsafe buffers.found = buffers.best + width + 64
    }
  }

  /// Bytes that room for such a search takes, the first time it is asked for.
  static func byteCount(rows: Int, width: Int, degree: Int, dimensions: Int) -> Int {
    WalkScratch.byteCount(rows: rows, width: width, degree: degree)
      + 3 * ((dimensions * 4 + 63) & ~63) + 5 * Quantizer.blocks(dimensions) * 64
      + (max(width, 256) + 64) * 40
  }

  /// Room for the answers of one segment of several; allocates only when it is more than any before.
  @unsafe
  func found(_ k: Int) throws(NeedletailError) -> UnsafeMutablePointer<Neighbor> {
    if k > foundRoom {
      foundBlock = try MemoryBlock(count: k, stride: MemoryLayout<Neighbor>.stride)
      foundRoom = k
    }
    return unsafe foundBlock.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: Neighbor.self)
  }

  /// Room for a bit per row of a segment; allocates only when it has more rows than any before.
  @unsafe
  func rowWords(_ rows: Int) throws(NeedletailError) -> UnsafeMutablePointer<UInt64> {
    if rows > rowRoom {
      rowBlock = try MemoryBlock(count: RowBits.words(rows), stride: 8)
      rowRoom = rows
    }
    return unsafe rowBlock.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: UInt64.self)
  }

  /// Room for the searches of several segments; allocates only when they are more than any before.
  @unsafe
  func searches(_ count: Int) throws(NeedletailError) -> UnsafeMutablePointer<CodedSearch> {
    if count > searchRoom {
      searchBlock = try MemoryBlock(count: count, stride: MemoryLayout<CodedSearch>.stride)
      searchRoom = count
    }
    // SAFETY: what is put there is plain values, which need not be destroyed.
    return unsafe searchBlock.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: CodedSearch.self)
  }

  /// The scratch of the calling thread.
  ///
  /// - Complexity: one look into the thread's own storage; the first call of a thread allocates.
  static func ofThisThread() throws(NeedletailError) -> SearchScratch {
    try ThreadScratch.ofThisThread().first
  }

  /// As many scratches of the calling thread, for searches that it has under way at a time.
  static func ofThisThread(lanes: Int) throws(NeedletailError) -> [SearchScratch] {
    try ThreadScratch.ofThisThread().lanes(lanes)
  }

  fileprivate static func make() throws(NeedletailError) -> SearchScratch { try SearchScratch() }
}

/// The scratches of one thread, in the thread's own slot.
private final class ThreadScratch {
  let first: SearchScratch
  private var all: [SearchScratch]

  private init() throws(NeedletailError) {
    first = try SearchScratch.make()
    all = [first]
  }

  func lanes(_ count: Int) throws(NeedletailError) -> [SearchScratch] {
    while all.count < count { all.append(try SearchScratch.make()) }
    return all
  }

  static func ofThisThread() throws(NeedletailError) -> ThreadScratch {
    guard let key = slot else {
      throw NeedletailError(
        .io, "The process has no thread-local key left for the memory of searches; free one.")
    }
    if let present = unsafe pthread_getspecific(key) {
      // SAFETY: the slot holds what was retained for it below, until the thread ends.
      return unsafe Unmanaged<ThreadScratch>.fromOpaque(present).takeUnretainedValue()
    }
    let made = try ThreadScratch()
    let retained = unsafe Unmanaged.passRetained(made)
    guard unsafe pthread_setspecific(key, retained.toOpaque()) == 0 else {
      unsafe retained.release()
      throw NeedletailError(.io, "The thread has no memory left for the scratch of its searches.")
    }
    return made
  }

  private static let slot: pthread_key_t? = {
    var key = pthread_key_t()
    let status = unsafe pthread_key_create(&key) { raw in
      let context: UnsafeMutableRawPointer? = unsafe raw
      if let context = unsafe context {
        unsafe Unmanaged<ThreadScratch>.fromOpaque(context).release()
      }
    }
    return status == 0 ? key : nil
  }()
}
