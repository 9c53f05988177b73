import NeedletailCore
import Testing

/// Single values between half and single precision.
@Suite struct HalfTests {
  /// Every half with its value, worked out from the definition.
  static func value(_ bits: UInt16) -> Double {
    let exponent = Int(bits >> 10 & 0x1f)
    let fraction = Double(bits & 0x3ff) / 1024
    let sign: Double = bits >> 15 == 0 ? 1 : -1
    if exponent == 0x1f { return fraction == 0 ? sign * .infinity : .nan }
    if exponent == 0 { return sign * fraction * 0x1p-14 }
    return sign * (1 + fraction) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
  }

  @Test func everyHalfHasItsValueAndComesBack() {
    for bits in UInt16.min...UInt16.max {
      let single = Float(halfBitPattern: bits)
      let expected = Self.value(bits)
      if expected.isNaN {
        #expect(single.isNaN)
        #expect(Float(halfBitPattern: single.halfBitPattern).isNaN, "\(bits)")
      } else {
        #expect(Double(single) == expected, "\(bits)")
        #expect(single.sign == expected.sign, "\(bits)")
        #expect(single.halfBitPattern == bits, "\(bits)")
      }
    }
  }

  #if !(os(macOS) && arch(x86_64))
    @Test func everyHalfIsThatOfTheLibrary() {
      for bits in UInt16.min...UInt16.max {
        let library = Float(Float16(bitPattern: bits))
        let ours = Float(halfBitPattern: bits)
        #expect(library.isNaN ? ours.isNaN : ours.bitPattern == library.bitPattern, "\(bits)")
      }
    }

    @Test func roundingIsThatOfTheLibrary() {
      var random = SplitMix64(seed: 1)
      func check(_ value: Float) {
        let library = Float16(value)
        let ours = value.halfBitPattern
        #expect(
          library.isNaN ? ours & 0x7fff > 0x7c00 : ours == library.bitPattern,
          "\(value) (\(value.bitPattern))")
      }
      // Every half, its neighbours in Float, and the ties between two halves.
      for bits in UInt16.min...UInt16.max where Float(halfBitPattern: bits).isFinite {
        let value = Float(halfBitPattern: bits)
        let above = Float(halfBitPattern: bits &+ 1)
        check(value.nextUp)
        check(value.nextDown)
        let tie = (value + above) / 2
        for near in [tie.nextDown, tie, tie.nextUp] { check(near) }
      }
      for _ in 0..<200_000 { check(Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))) }
      for value: Float in [
        65_504, 65_519.996, 65_520, 1e30, .infinity, .nan, .leastNonzeroMagnitude, 0,
      ] {
        check(value)
        check(-value)
      }
    }
  #endif
}
