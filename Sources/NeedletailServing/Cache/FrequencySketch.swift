/// How often keys were asked for lately, in a byte each and without the keys.
///
/// All counts are halved after a number of requests, so that what was popular once does not stay. Counts are too high where keys
/// share their counters, and never too low.
///
/// Source of the idea: Einziger, Friedman, Manes, *TinyLFU* (2017); the sketch, Cormode, Muthukrishnan (2005).
///
/// - Complexity: O(1) amortised; four bytes for each counter.
package struct FrequencySketch: Sendable {
  private static let rows = 4
  private static let most: UInt64 = 255
  private var counters: [UInt64]
  /// Counters in a row.
  private let width: Int
  private let sample: Int
  private var requests = 0

  /// A sketch for about so many entries, up to a quarter of a million.
  ///
  /// - Parameters:
  ///   - entries: how many are told apart.
  ///   - countersPerEntry: in each of four rows; the more, the fewer keys are taken for more popular than they are.
  ///   - memory: the requests for each entry after which counts are halved.
  package init(entries: Int, countersPerEntry: Int, memory: Int) {
    let entries = Self.bounded(entries)
    width = countersPerEntry * entries
    counters = [UInt64](repeating: 0, count: (Self.rows * width + 7) / 8)
    sample = memory * entries
  }

  /// Bytes of a sketch.
  package static func byteCount(entries: Int, countersPerEntry: Int) -> Int {
    rows * countersPerEntry * bounded(entries)
  }

  private static func bounded(_ entries: Int) -> Int { min(1 << 18, max(4, entries)) }

  /// The number of requests of a key, up to 255; never less than there were since the last halving, within that.
  package func frequency(_ hash: UInt64) -> Int { Int(least(hash)) }

  /// A key was asked for.
  package mutating func record(_ hash: UInt64) {
    requests += 1
    if requests >= sample { age() }
    // Only the least counters grow: the others count another key too.
    let least = least(hash)
    guard least < Self.most else { return }
    for row in 0..<Self.rows {
      let place = place(hash, row)
      if counter(place) == least { counters[place >> 3] += 1 << UInt64((place & 7) * 8) }
    }
  }

  private mutating func age() {
    requests /= 2
    for index in counters.indices {
      counters[index] = (counters[index] >> 1) & 0x7f7f_7f7f_7f7f_7f7f
    }
  }

  private func least(_ hash: UInt64) -> UInt64 {
    var least = Self.most
    for row in 0..<Self.rows { least = min(least, counter(place(hash, row))) }
    return least
  }

  private func counter(_ place: Int) -> UInt64 {
    (counters[place >> 3] >> UInt64((place & 7) * 8)) & 255
  }

  private func place(_ hash: UInt64, _ row: Int) -> Int {
    row * width + Int(((mix(hash, row) >> 32) &* UInt64(width)) >> 32)
  }

  private func mix(_ hash: UInt64, _ row: Int) -> UInt64 {
    let turned = (hash &+ UInt64(row) &* 0x9e37_79b9_7f4a_7c15) &* 0xbf58_476d_1ce4_e5b9
    return (turned ^ (turned >> 31)) &* 0x94d0_49bb_1331_11eb
  }
}
