/// A row that may be among the nearest, with what is known of its distance.
struct Candidate {
  var lower: Double
  var upper: Double
  var row: UInt32
  /// Whether the distance itself was computed; then `lower == upper`.
  var isExact: Bool
}

/// The rows that may be among the `k` nearest of one query.
///
/// Between tiles it holds at most `k + 2·margin` candidates, so that a tile more always fits.
@safe
struct CandidateList {
  // SAFETY: room for `capacity(k:tileRows:)` candidates, and as many bounds, owned by the scanner.
  private let candidates: UnsafeMutablePointer<Candidate>
  private let bounds: UnsafeMutablePointer<Double>
  private let k: Int
  private let margin: Int
  private let room: Int
  private(set) var count = 0
  /// No row whose lower bound is over this can be among the nearest.
  private(set) var threshold = Double.infinity

  static func capacity(k: Int, tileRows: Int) -> Int { k + 2 * margin(k) + tileRows }

  private static func margin(_ k: Int) -> Int { max(64, k / 2) }

  @unsafe
  init(
    candidates: UnsafeMutablePointer<Candidate>, bounds: UnsafeMutablePointer<Double>, k: Int,
    tileRows: Int
  ) {
    unsafe self.candidates = candidates
    unsafe self.bounds = bounds
    self.k = k
    margin = Self.margin(k)
    room = Self.capacity(k: k, tileRows: tileRows)
  }

  /// Adds a row; at most a tile of them between two calls of `settle`.
  @inline(__always)
  mutating func append(row: UInt32, lower: Double, upper: Double) {
    precondition(count < room, "more candidates than a tile has rows")
    unsafe candidates[count] = Candidate(lower: lower, upper: upper, row: row, isExact: false)
    count &+= 1
  }

  /// Drops what cannot be among the nearest, once enough has come in.
  mutating func settle(exact: (UInt32) -> Double) {
    guard count >= k + margin else { return }
    tighten()
    // Bounds too wide to tell the rows apart: compute the distances.
    if count > k + 2 * margin {
      computeDistances(exact: exact)
      keepNearest()
    }
  }

  /// The nearest, in order; at most `k`.
  mutating func finish(exact: (UInt32) -> Double, into results: (Int, Nearest) -> Void) {
    if count > k { tighten() }
    computeDistances(exact: exact)
    sort()
    for i in 0..<min(k, count) {
      let candidate = unsafe candidates[i]
      results(i, Nearest(distance: Float(candidate.lower), row: candidate.row))
    }
  }

  /// The k-th lowest upper bound becomes the threshold.
  private mutating func tighten() {
    for i in 0..<count { unsafe bounds[i] = candidates[i].upper }
    threshold = min(threshold, unsafe kthLowest(bounds, count: count, k: k))
    var kept = 0
    for i in 0..<count {
      if unsafe candidates[i].lower > threshold { continue }
      unsafe candidates[kept] = candidates[i]
      kept &+= 1
    }
    count = kept
  }

  private mutating func computeDistances(exact: (UInt32) -> Double) {
    for i in 0..<count where unsafe !candidates[i].isExact {
      let distance = exact(unsafe candidates[i].row)
      unsafe candidates[i].lower = distance
      unsafe candidates[i].upper = distance
      unsafe candidates[i].isExact = true
    }
  }

  private mutating func keepNearest() {
    sort()
    count = min(k, count)
    if count == k { threshold = min(threshold, unsafe candidates[k - 1].upper) }
  }

  private func sort() {
    var buffer = unsafe UnsafeMutableBufferPointer(start: candidates, count: count)
    unsafe buffer.sort {
      $0.lower != $1.lower ? $0.lower < $1.lower : $0.row < $1.row
    }
  }
}

/// The k-th lowest of some numbers, none of them NaN, which it reorders.
///
/// - Precondition: `1 ≤ k ≤ count`.
/// - Complexity: O(count) expected.
/// - Source: Hoare, *Algorithm 65: Find* (1961).
@unsafe
private func kthLowest(_ values: UnsafeMutablePointer<Double>, count: Int, k: Int) -> Double {
  var low = 0
  var high = count - 1
  let wanted = k - 1
  while low < high {
    let pivot = unsafe values[low + (high - low) / 2]
    var i = low
    var j = high
    while i <= j {
      while unsafe values[i] < pivot { i &+= 1 }
      while unsafe pivot < values[j] { j &-= 1 }
      if i <= j {
        let value = unsafe values[i]
        unsafe values[i] = values[j]
        unsafe values[j] = value
        i &+= 1
        j &-= 1
      }
    }
    if wanted <= j { high = j } else if wanted >= i { low = i } else { break }
  }
  return unsafe values[wanted]
}
