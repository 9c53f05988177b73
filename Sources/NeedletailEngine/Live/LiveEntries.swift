import NeedletailCore
import NeedletailStorage
import Synchronization

/// The rows that walks begin at: a random sample of those that are linked.
///
/// As in sealed segments, whose first ordinals are such a sample: to score a few dozen rows costs less than the
/// descent through upper levels, and ends as near. So a live segment has no upper levels.
@safe
final class LiveEntries: @unchecked Sendable {
  // SAFETY: the words are atomic; everything else is the writer's.

  static let limit = 64

  private let words: UnsafeMutablePointer<Atomic<UInt32>>
  private let owner: MemoryBlock
  private var random: SplitMix64
  private var offered = 0
  private(set) var count = 0

  init(seed: UInt64) throws(NeedletailError) {
    owner = try MemoryBlock(count: Self.limit, stride: 4)
    // SAFETY: an atomic word has the size and alignment of its value.
    unsafe words = owner.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: Atomic<UInt32>.self)
    random = SplitMix64(seed: seed ^ 0x656e_7472_6965_73)
    for i in 0..<Self.limit { unsafe words[i].store(LinkTable.none, ordering: .relaxed) }
  }

  /// Takes a new row into the sample with the chance that keeps it one (Vitter's algorithm R).
  func offer(_ ordinal: UInt32) {
    offered += 1
    if count < Self.limit {
      unsafe words[count].store(ordinal, ordering: .relaxed)
      count += 1
      return
    }
    let place = Int(random.next(below: UInt64(offered)))
    if place < Self.limit { unsafe words[place].store(ordinal, ordering: .relaxed) }
  }

  /// Replaces entries that are of no use any more by rows drawn below `bound`; drops those for which none of a
  /// few draws is of use, and takes row 0, which is always linked, where nothing is left.
  func refresh(below bound: Int, _ isOfUse: (UInt32) -> Bool) {
    var kept: [UInt32] = []
    for i in 0..<count {
      var entry = unsafe words[i].load(ordering: .relaxed)
      for _ in 0..<32 where !isOfUse(entry) { entry = UInt32(random.next(below: UInt64(bound))) }
      if isOfUse(entry), !kept.contains(entry) { kept.append(entry) }
    }
    if kept.isEmpty { kept = [0] }
    for i in 0..<Self.limit {
      unsafe words[i].store(i < kept.count ? kept[i] : LinkTable.none, ordering: .relaxed)
    }
    count = kept.count
  }

  /// Copies the entries below `bound`.
  ///
  /// - Precondition: room for `limit` of them.
  /// - Returns: how many there are.
  @unsafe
  func copy(below bound: Int, into ordinals: UnsafeMutablePointer<UInt32>) -> Int {
    var taken = 0
    for i in 0..<Self.limit {
      let entry = unsafe words[i].load(ordering: .relaxed)
      unsafe ordinals[taken] = entry
      taken += Int(entry) < bound ? 1 : 0
    }
    return taken
  }
}
