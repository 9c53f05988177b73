/// A small seeded generator: the same seed gives the same numbers on every machine.
///
/// Source: Steele, Lea, Flood, *Fast splittable pseudorandom number generators* (2014).
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A number in `0..<bound`, without the bias of a remainder.
  ///
  /// - Precondition: `bound > 0`.
  package mutating func next(below bound: UInt64) -> UInt64 {
    precondition(bound > 0, "a bound of 0 leaves nothing to draw")
    return next().multipliedFullWidth(by: bound).high
  }

  /// A number in `[0, 1)` with 53 random bits.
  package mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
