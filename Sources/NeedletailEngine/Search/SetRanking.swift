import NeedletailCore
import NeedletailKernels

/// The rows of a set that a scan leaves in question, and the nearest of those that were ranked.
///
/// Once `k` rows were ranked precisely, their farthest is a bound: what rounding to codes may have moved to no
/// farther than that is ranked too, however much it is, and nothing else.
@safe
struct SetRanking {
  // SAFETY: parts of one thread's scratch, and the caller's room for `k` answers.

  /// Keys of rows that are in question, by whole codes, in the order of the rows.
  let open: UnsafeMutablePointer<CandidateKey>
  /// Room for as many keys.
  let spare: UnsafeMutablePointer<CandidateKey>
  /// The nearest so far, the farthest of them first.
  let answers: UnsafeMutablePointer<Neighbor>
  let k: Int
  var openCount = 0
  var found = 0
  /// Rows that were ranked precisely.
  var ranked = 0
  /// A row as they are ranked: what its code's unit and its norm are.
  var like: UInt32?
  /// What margins are drawn for, and the first key beyond it.
  private(set) var bound = Float.infinity
  var edge = CandidateKey.max

  @unsafe
  init(
    open: UnsafeMutablePointer<CandidateKey>, spare: UnsafeMutablePointer<CandidateKey>,
    answers: UnsafeMutablePointer<Neighbor>, k: Int
  ) {
    unsafe self.open = open
    unsafe self.spare = spare
    unsafe self.answers = answers
    self.k = k
  }

  /// Whether as many were ranked as are asked for.
  var isFull: Bool { found == k }

  /// Takes the bound to where the farthest answer is.
  ///
  /// - Returns: whether it moved.
  mutating func moveBound() -> Bool {
    guard isFull else { return false }
    let farthest = unsafe answers[0].distance
    guard farthest != bound else { return false }
    bound = farthest
    return true
  }

  /// Leaves those keys open that are below the edge, and not below another one.
  mutating func drop(_ kernel: HopKernel, below first: CandidateKey = 0) {
    openCount = unsafe kernel.keep(open, count: openCount, below: edge)
    guard first > 0 else { return }
    var kept = 0
    for i in 0..<openCount {
      let key = unsafe open[i]
      unsafe open[kept] = key
      kept &+= key >= first ? 1 : 0
    }
    openCount = kept
  }
}

extension SealedSegment {
  /// Standard deviations of an estimate's error that are allowed for beyond a distance known precisely.
  ///
  /// Among the farthest tenth of debian-384 by bytes (6 166 rows), with 2, 2.5 and 3 of them: 97.0, 98.3 and 99.3 %
  /// of the 10 nearest, and 263, 324 and 383 rows ranked.
  static let knownDeviations: Float = 2.5
  /// The same for upper nibbles: among the farthest half, quarter and tenth of debian-384 none is missed.
  static let coarseDeviations: Float = 2
  /// Rows that are ranked at a time, while the next ones are on their way.
  private static let rankedBlock = 32
  /// Rows that are ranked at a time in rising order, because the next ones may be beyond the bound already.
  private static let risingBlock = 16

  /// Ranks the lowest of the open rows, in rising order until those behind them cannot be nearer.
  @unsafe
  func rankLowest(
    _ least: Int, _ ranking: inout SetRanking, _ prepared: PreparedQuery, _ buffers: SearchBuffers,
    isLowered: Bool
  ) {
    let open = ranking.openCount
    guard open > 0 else { return }
    let lowest = unsafe ranking.spare
    unsafe lowest.update(from: ranking.open, count: open)
    let count = unsafe kernel.cut(lowest, count: open, toLowest: least)
    unsafe sortKeys(lowest, count: count)
    var place = 0
    while place < count {
      let most = min(count, place &+ (ranking.isFull ? Self.risingBlock : ranking.k))
      var taken = 0
      while place < most, unsafe lowest[place] < ranking.edge {
        unsafe buffers.ordinals[taken] = lowest[place].ordinal
        place &+= 1
        taken &+= 1
      }
      guard taken > 0 else { break }
      unsafe ranking.like = lowest[place &- 1].ordinal
      unsafe fetchPrecise(buffers.ordinals, taken)
      unsafe rankBlock(buffers.ordinals, taken, &ranking, prepared, buffers, isLowered: isLowered)
    }
    unsafe ranking.drop(kernel, below: place > 0 ? lowest[place - 1] &+ 1 : 0)
  }

  /// Ranks all open rows in their order, but for those that turn out to be beyond the bound on the way.
  @unsafe
  func rankOpen(
    _ ranking: inout SetRanking, _ prepared: PreparedQuery, _ buffers: SearchBuffers,
    isLowered: Bool
  ) {
    var (place, waiting, half) = (0, 0, 0)
    repeat {
      let block = unsafe buffers.ordinals + half &* Self.rankedBlock
      var taken = 0
      while place < ranking.openCount, taken < Self.rankedBlock {
        let key = unsafe ranking.open[place]
        unsafe block[taken] = key.ordinal
        taken &+= key < ranking.edge ? 1 : 0
        place &+= 1
      }
      unsafe fetchPrecise(block, taken)
      half ^= 1
      if waiting > 0 {
        let before = unsafe buffers.ordinals + half &* Self.rankedBlock
        unsafe rankBlock(before, waiting, &ranking, prepared, buffers, isLowered: isLowered)
      }
      waiting = taken
    } while waiting > 0
    ranking.openCount = 0
  }

  @unsafe @inline(__always)
  private func fetchPrecise(_ ordinals: UnsafePointer<UInt32>, _ count: Int) {
    guard let rows else { return }
    unsafe prefetchRows(
      rows.start, stride: parameters.options.dimensions &* parameters.options.precise.byteCount,
      ordinals: ordinals, count: count)
    if parameters.options.precise == .givenFloat16, let norms {
      unsafe prefetchRows(norms.start, stride: 8, ordinals: ordinals, count: count)
    }
  }

  @unsafe
  private func rankBlock(
    _ ordinals: UnsafePointer<UInt32>, _ count: Int, _ ranking: inout SetRanking,
    _ prepared: PreparedQuery, _ buffers: SearchBuffers, isLowered: Bool
  ) {
    unsafe fillDistances(ordinals, count, buffers)
    for i in 0..<count {
      let distance = unsafe buffers.distances[i]
      // Ties go by id, which lies elsewhere in memory.
      if ranking.isFull, unsafe distance > ranking.answers[0].distance { continue }
      unsafe keepNearest(
        ranking.answers, count: &ranking.found, capacity: ranking.k,
        Neighbor(id: id(ordinals[i]), distance: distance))
    }
    ranking.ranked &+= count
    if ranking.moveBound() {
      ranking.edge = edge(
        prepared, upTo: ranking.bound, like: ranking.like, step: nil, isLowered: isLowered)
    }
  }

  /// The first key of a row that cannot be as near as a distance, but for one in many that rounding moved farther
  /// than is allowed for.
  ///
  /// - Parameters:
  ///   - prepared: how keys turn into estimates.
  ///   - distance: what is known precisely.
  ///   - ordinal: a row whose code has the unit of those in question.
  ///   - step: what rounds components; `nil`: whole codes.
  ///   - isLowered: whether estimates are lower by what rounding may have done already.
  /// - Returns: the key; the last there can be where nothing is known.
  func edge(
    _ prepared: PreparedQuery, upTo distance: Float, like ordinal: UInt32?, step: Float?,
    isLowered: Bool
  ) -> CandidateKey {
    guard let quantizer, let ordinal, distance < .infinity else { return .max }
    let estimate = (distance - prepared.base) / prepared.unit
    var limit = estimate
    if !isLowered {
      let (factor, norm) = unsafe unitAndNorm(ordinal, quantizer)
      limit += prepared.spread.margin(
        estimate: estimate, factor: factor, norm: norm,
        step: step ?? quantizer.step(norm: norm, factor: factor),
        known: step == nil ? Self.knownDeviations : Self.coarseDeviations)
    }
    // A whole estimate is shifted as a whole number.
    if prepared.isInteger { limit -= Float(prepared.shift) }
    return CandidateKey.first(above: limit, isInteger: prepared.isInteger)
  }
}
