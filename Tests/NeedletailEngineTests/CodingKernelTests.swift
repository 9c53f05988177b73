import NeedletailCore
import NeedletailKernels
import Testing
import _NeedletailTestSupport

@Suite("Rotation and rounding")
struct CodingKernelTests {
  private func rotated(_ x: [Float], seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    let signs = (0..<(4 * ((x.count + 7) / 8))).map { _ in
      UInt8(truncatingIfNeeded: random.next())
    }
    var x = x
    let dimensions = x.count
    unsafe rotate(&x, dimensions: dimensions, signs: signs)
    return x
  }

  private func dot(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  @Test func theRotationKeepsNormsAndProducts() {
    for d in Array(1...130) + [200, 255, 256, 257, 384, 768, 1_000, 16_383, 16_384] {
      let a = RandomVectors.gaussian(count: 1, dimensions: d, seed: UInt64(d))
      let b = RandomVectors.gaussian(count: 1, dimensions: d, seed: UInt64(d) + 1_000_000)
      let (x, y) = (rotated(a, seed: 3), rotated(b, seed: 3))
      let scale = (dot(a, a) * dot(b, b)).squareRoot()
      #expect(abs(dot(x, x) - dot(a, a)) < 4e-6 * dot(a, a), "\(d)")
      #expect(abs(dot(x, y) - dot(a, b)) < 4e-6 * scale, "\(d)")
    }
  }

  @Test func theRotationSpreadsOneComponentOverAll() {
    for d in [64, 96, 100, 128, 384, 960] {
      for j in [0, d / 2, d - 1] {
        var x = [Float](repeating: 0, count: d)
        x[j] = 1
        let largest = rotated(x, seed: 8).map(abs).max() ?? 1
        // A random direction's largest component is about √(2·ln d / d).
        #expect(largest < 6 / Float(d).squareRoot(), "\(d), component \(j): \(largest)")
      }
    }
  }

  @Test func theRotationIsLinearAndTheSameEveryTime() {
    let x = RandomVectors.gaussian(count: 1, dimensions: 100, seed: 1)
    #expect(rotated(x, seed: 5) == rotated(x, seed: 5))
    #expect(rotated(x, seed: 5) != rotated(x, seed: 6))
    // A power of two scales every step exactly.
    #expect(rotated(x.map { $0 * 4 }, seed: 5) == rotated(x, seed: 5).map { $0 * 4 })
  }

  private func encoded(_ x: [Float], inverse: Float) -> (codes: [Int], clamped: Int) {
    var bytes = [UInt8](repeating: 7, count: x.count + 1)
    let clamped = unsafe encode(x, dimensions: x.count, inverse: inverse, codes: &bytes)
    #expect(bytes[x.count] == 7, "written over the end")
    return (bytes.prefix(x.count).map { Int($0) - 128 }, clamped)
  }

  @Test func roundsHalfAwayFromZeroAndCuts() {
    let x: [Float] = [
      0, -0.0, 0.4999, 0.5, -0.5, 1.5, -1.5, 2.4, 126.4, 126.5, 127, 127.4, -127.4, 128, -128, 1e9,
      -1e9, .infinity, -.infinity, .greatestFiniteMagnitude, 0x1p-130,
    ]
    let (codes, clamped) = encoded(x, inverse: 1)
    #expect(
      codes == [
        0, 0, 0, 1, -1, 2, -2, 2, 126, 127, 127, 127, -127, 127, -127, 127, -127, 127, -127, 127, 0,
      ])
    #expect(clamped == 7)
  }

  @Test func nothingButNumbersComesOut() {
    for inverse: Float in [0, 1, -1, .infinity, .nan, 1e38, .leastNonzeroMagnitude] {
      let (codes, _) = encoded(
        [0, 1, -1, .nan, -.nan, .infinity, -.infinity, 1e38], inverse: inverse)
      #expect(codes.allSatisfy { (-127...127).contains($0) }, "\(inverse)")
    }
  }

  @Test func agreesWithTheLibraryOnRandomNumbers() {
    let x = RandomVectors.gaussian(count: 10, dimensions: 1_000, seed: 2)
    let (codes, clamped) = encoded(x, inverse: 50)
    let expected = x.map { max(-127, min(127, Int(($0 * 50).rounded(.toNearestOrAwayFromZero)))) }
    #expect(codes == expected)
    #expect(clamped == x.filter { abs(($0 * 50).rounded()) > 127 }.count)
  }

  @Test func sumsOfCodes() {
    for count in [0, 1, 63, 64, 16_384] {
      let code = (0..<count).map { Int8(truncatingIfNeeded: $0 &* 37) }
      #expect(unsafe Int(codeSum(code, count: count)) == code.reduce(0) { $0 + Int($1) })
      #expect(
        unsafe Int(codeSquaredNorm(code, count: count)) == code.reduce(0) { $0 + Int($1) * Int($1) }
      )
    }
  }
}
