import NeedletailCore
import NeedletailKernels

/// Which rows of a live segment a search may answer with: those that a view shows, that nobody withdrew, and
/// that are in a set, if there is one.
@safe
struct LiveSight {
  let tables: LiveTables
  /// Rows of the view, versions that had ended among them.
  let count: Int
  let sequence: UInt64
  /// One bit a row, and the rows that it covers; rows beyond it are not in the set.
  private let words: UnsafePointer<UInt64>?
  private let covered: Int
  /// Whether any row was withdrawn, so that it has to be asked.
  private let hasWithdrawn: Bool
  /// At most so many rows are in sight.
  let most: Int

  /// - Precondition: the set outlives the sight.
  init(_ moment: LiveMoment, _ tables: LiveTables, among set: RowSet?) {
    self.tables = tables
    count = moment.count
    sequence = moment.sequence
    unsafe words = set?.words
    covered = set?.rows ?? .max
    hasWithdrawn = tables.withdrawnCount > 0
    most = min(moment.liveCount, set?.count ?? .max)
  }

  @inline(__always)
  func shows(_ ordinal: UInt32) -> Bool {
    let at = Int(truncatingIfNeeded: ordinal)
    guard at < count, tables.end(of: ordinal) > sequence else { return false }
    if hasWithdrawn, tables.isWithdrawn(ordinal) { return false }
    guard let words = unsafe words else { return true }
    guard at < covered else { return false }
    return unsafe words[at / 64] >> UInt64(at % 64) & 1 != 0
  }

  /// How many of the pool's first keys are rows out of sight.
  @unsafe @inline(__always)
  func hiddenCount(_ pool: UnsafePointer<CandidateKey>, _ size: Int) -> Int {
    var hidden = 0
    for i in 0..<size { hidden &+= unsafe shows(pool[i].ordinal) ? 0 : 1 }
    return hidden
  }

  /// How many of the pool's keys it takes to have `rank` rows in sight; where all are fewer, as many more as are
  /// missing.
  @unsafe
  func place(of rank: Int, _ pool: UnsafePointer<CandidateKey>, _ size: Int) -> Int {
    var (found, place) = (0, 0)
    while found < rank, place < size {
      found &+= unsafe shows(pool[place].ordinal) ? 1 : 0
      place &+= 1
    }
    return place + rank - found
  }

  /// Leaves the rows in sight in the pool, in order.
  ///
  /// - Returns: how many there are.
  @unsafe
  func keepShown(
    _ pool: UnsafeMutablePointer<CandidateKey>, _ size: Int, _ heldOut: UInt32?
  ) -> Int {
    var kept = 0
    for i in 0..<size {
      let key = unsafe pool[i]
      unsafe pool[kept] = key
      kept &+= shows(key.ordinal) && key.ordinal != heldOut ? 1 : 0
    }
    return kept
  }

  /// Writes down rows in sight, from one row on, until there are as many as there is room for.
  ///
  /// - Returns: how many, and the row to go on with; at the end of the view that is its count.
  @unsafe
  func collect(
    from first: Int, room: Int, _ heldOut: UInt32?, _ ordinals: UnsafeMutablePointer<UInt32>
  ) -> (count: Int, next: Int) {
    var (found, at) = (0, first)
    while at < count, found < room {
      let ordinal = UInt32(truncatingIfNeeded: at)
      unsafe ordinals[found] = ordinal
      found &+= shows(ordinal) && ordinal != heldOut ? 1 : 0
      at &+= 1
    }
    return (found, at)
  }
}
