import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// What one thread of a build works with; made once, used for every row.
@safe
final class BuildScratch: @unchecked Sendable {
  // SAFETY: used by one thread at a time: each thread of a build has its own.

  /// Rows that a thread links at a time.
  ///
  /// While the codes of one walk travel, those of another are scored. sift-200k, one thread, a run each on a
  /// busy machine: 15.8 s with one, 13.4 s with two. Four were no faster than two.
  static let lanes = 2

  /// The memory of each lane's walk.
  let walks: [WalkScratch]
  /// The memory of a walk that is alone.
  var walk: WalkScratch { walks[0] }
  /// The walks under way.
  var walking: [HopWalk] = []
  /// The codes of the rows in hand, one a lane, and of a candidate compared with others.
  let code: UnsafeMutablePointer<Int8>
  let otherCode: UnsafeMutablePointer<Int8>
  /// Candidates of a selection, in ascending order, and what was selected.
  @exclusivity(unchecked) private(set) var candidates: UnsafeMutablePointer<CandidateKey>
  @exclusivity(unchecked) private(set) var selected: UnsafeMutablePointer<UInt32>
  /// Input and output of one scoring.
  @exclusivity(unchecked) private(set) var ordinals: UnsafeMutablePointer<UInt32>
  @exclusivity(unchecked) private(set) var keys: UnsafeMutablePointer<CandidateKey>
  /// Sources of the links that wait for the row in hand, the last first.
  var waiting: [UInt32] = []
  private let codes: MemoryBlock
  private var lists: MemoryBlock
  private var capacity = 0

  init(
    rows: Int, codeByteCount: Int, width: Int, degree: Int, lanes: Int = 1
  ) throws(NeedletailError) {
    var walks: [WalkScratch] = []
    for _ in 0..<max(1, lanes) {
      walks.append(try WalkScratch(rows: rows, width: width, degree: degree))
    }
    self.walks = walks
    walking.reserveCapacity(walks.count)
    codes = try MemoryBlock(count: walks.count + 1, stride: codeByteCount)
    unsafe code = codes.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: Int8.self)
    unsafe otherCode = code + walks.count * codeByteCount
    lists = try MemoryBlock(byteCount: 0)
    unsafe candidates = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    unsafe keys = candidates
    unsafe selected = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    unsafe ordinals = selected
    try reserve(max(width, 2 * degree))
  }

  /// Makes room for lists of `count` entries.
  ///
  /// What they held is lost when they grow.
  func reserve(_ count: Int) throws(NeedletailError) {
    guard count > capacity else { return }
    let larger = max(count, 2 * capacity)
    let room = larger + 2 * HopKernel.slack
    lists = try MemoryBlock(byteCount: room * 24)
    capacity = larger
    // SAFETY: the parts lie one behind the other in the block, the larger elements first.
    unsafe candidates = lists.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: CandidateKey.self)
    unsafe keys = candidates + room
    unsafe selected = UnsafeMutableRawPointer(keys + room).assumingMemoryBound(to: UInt32.self)
    unsafe ordinals = selected + room
  }
}
