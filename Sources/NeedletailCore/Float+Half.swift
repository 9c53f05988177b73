extension Float {
  /// The value of an IEEE 754 half-precision bit pattern; exact.
  ///
  /// Halves travel as bit patterns because `Float16` is not there on every platform. Bulk conversion is
  /// a kernel; this is for single values.
  package init(halfBitPattern bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1f
    let fraction = UInt32(bits & 0x3ff)
    switch exponent {
    case 0:
      let magnitude = Float(fraction) * 0x1p-24
      self = sign == 0 ? magnitude : -magnitude
    case 0x1f: self.init(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    default: self.init(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The nearest half-precision bit pattern, ties to even; overflow gives infinity.
  package var halfBitPattern: UInt16 {
    let bits = bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7fff_ffff
    if magnitude >= 0x7f80_0000 {
      return sign | 0x7c00 | (magnitude > 0x7f80_0000 ? 0x200 : 0)
    }
    if magnitude >= 0x477f_f000 { return sign | 0x7c00 }
    if magnitude < 0x3880_0000 {
      // Subnormal halves: adding 0.5 leaves the rounded fraction in the low bits.
      let rounded = (Float(bitPattern: magnitude) + 0.5).bitPattern &- Float(0.5).bitPattern
      return sign | UInt16(truncatingIfNeeded: rounded)
    }
    let rounded = magnitude &+ 0xfff &+ (magnitude >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded &- 0x3800_0000) >> 13)
  }
}
