import NeedletailCore
import NeedletailKernels
import Testing

@Suite("Conversions")
struct ConversionTests {
  static func widen(_ halves: [UInt16], _ half: Conversion.Half, _ level: KernelLevel) -> [Float] {
    var results = [Float](repeating: 0, count: halves.count)
    var span = results.mutableSpan
    Conversion.widen(halves.span, as: half, into: &span, level: level)
    return results
  }

  static func narrow(_ values: [Float], _ half: Conversion.Half, _ level: KernelLevel) -> [UInt16] {
    var results = [UInt16](repeating: 0, count: values.count)
    var span = results.mutableSpan
    Conversion.narrow(values.span, to: half, into: &span, level: level)
    return results
  }

  @Test("All 65 536 halves widen to the bits of scalar, and narrow back to themselves")
  func everyHalf() {
    let all = (0...UInt16.max).map { $0 }
    for half in Conversion.Half.allCases {
      let reference = Self.widen(all, half, .scalar)
      for (bits, value) in zip(all, reference) {
        let expected =
          half == .float16
          ? Float(halfBitPattern: bits) : Float(bitPattern: UInt32(bits) << 16)
        #expect(value == expected || value.isNaN && expected.isNaN)
      }
      for level in KernelLevel.available {
        let widened = Self.widen(all, half, level)
        #expect(widened.map(\.bitPattern) == reference.map(\.bitPattern), "\(level) \(half)")
        for (bits, back) in zip(all, Self.narrow(widened, half, level)) {
          let isNaN = half == .float16 ? bits & 0x7fff > 0x7c00 : bits & 0x7fff > 0x7f80
          let quiet: UInt16 = half == .float16 ? 0x200 : 0x40
          #expect(back == (isNaN ? bits | quiet : bits), "\(level) \(half) \(bits)")
        }
      }
    }
  }

  @Test("Every level narrows to the nearest half, ties to even, as scalar does")
  func nearest() {
    var values: [Float] = [
      0, -0, .leastNonzeroMagnitude, 0x1p-25, 0x1.000002p-25, 0x1p-24, 0x1.8p-24, 65_504,
      65_519.996, 65_520,
      -65_520, .infinity, -.infinity, .nan, -.nan, .greatestFiniteMagnitude, 0x1.004p0, 0x1.00cp0,
      0x1.01p0, 0x1.03p0, Float(bitPattern: 0x7f80_0001), Float(bitPattern: 0xff80_0001),
      Float(bitPattern: 0x7fff_ffff), Float(bitPattern: 0x7f7f_8000), .leastNormalMagnitude,
    ]
    var random = SplitMix64(seed: 1)
    for _ in 0..<20_000 {
      values.append(Float(bitPattern: UInt32(truncatingIfNeeded: random.next())))
      values.append(Float((random.nextUnit() - 0.5) * 0x1p-13))
      values.append(Float((random.nextUnit() - 0.5) * 4))
    }
    for half in Conversion.Half.allCases {
      let reference = Self.narrow(values, half, .scalar)
      for (value, bits) in zip(values, reference) where !value.isNaN {
        if half == .float16 {
          #expect(bits == value.halfBitPattern)
        } else if value.isFinite {
          let back = Float(bitPattern: UInt32(bits) << 16)
          let below = Float(bitPattern: value.bitPattern & 0xffff_0000)
          let above = Float(bitPattern: (value.bitPattern & 0xffff_0000) &+ 0x1_0000)
          if above.isFinite {
            let least = min(abs(Double(value) - Double(below)), abs(Double(above) - Double(value)))
            #expect(abs(Double(back) - Double(value)) == least)
          }
        }
      }
      for level in KernelLevel.available {
        #expect(Self.narrow(values, half, level) == reference, "\(level) \(half)")
      }
    }
  }

  @Test("Bytes widen exactly at every length, without touching what lies behind")
  func bytes() {
    let bytes = (0..<600).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    for level in KernelLevel.available {
      for count in 0...257 {
        var results = [Float](repeating: -1, count: count + 1)
        unsafe bytes.withUnsafeBytes { bytes in
          guard let start = bytes.baseAddress else { return }
          for element in [VectorMatrix.Element.uint8, .int8] {
            unsafe Conversion.widen(start, of: element, count: count, into: &results, level: level)
            for j in 0..<count {
              let byte = unsafe bytes[j]
              #expect(
                results[j] == (element == .uint8 ? Float(byte) : Float(Int8(bitPattern: byte))))
            }
            #expect(results[count] == -1)
          }
        }
      }
    }
  }

  @Test("Short runs of halves convert at every length, without touching what lies behind")
  func lengths() {
    let values = (0..<300).map { Float($0) * 0.37 - 50 }
    for half in Conversion.Half.allCases {
      let reference = Self.narrow(values, half, .scalar)
      let widened = Self.widen(reference, half, .scalar)
      for level in KernelLevel.available {
        for count in 0...257 {
          #expect(Self.narrow(Array(values[..<count]), half, level) == Array(reference[..<count]))
          #expect(Self.widen(Array(reference[..<count]), half, level) == Array(widened[..<count]))
        }
      }
    }
  }

  @Test("Fixed-order sums add eight lanes in the order that is documented")
  func fixedOrder() {
    var random = SplitMix64(seed: 2)
    for count in Array(0...40) + [1000] {
      let a = (0..<count).map { _ in Float(random.nextUnit() * 1e4 - 5e3) }
      let b = (0..<count).map { _ in Float(random.nextUnit() - 0.5) }
      func lanes(_ term: (Int) -> Double) -> Double {
        var l = [Double](repeating: 0, count: 8)
        for j in 0..<count { l[j % 8] += term(j) }
        return ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]))
      }
      #expect(FixedOrder.dot(a.span, b.span) == lanes { Double(a[$0]) * Double(b[$0]) })
      #expect(FixedOrder.squaredNorm(a.span) == lanes { Double(a[$0]) * Double(a[$0]) })
      #expect(
        FixedOrder.squaredDistance(a.span, b.span)
          == lanes {
            let difference = Double(a[$0]) - Double(b[$0])
            return difference * difference
          })
    }
  }
}
