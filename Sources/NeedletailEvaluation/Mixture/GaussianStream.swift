import NeedletailCore

/// Normally distributed numbers that are the same, bit for bit, on every machine.
///
/// Only operations that IEEE 754 rounds in one way are used (`+ − × ÷ √`, in a fixed order), and the
/// logarithm is written out: those of C libraries differ in the last bit.
///
/// - Source: G. Marsaglia, T. A. Bray, *A Convenient Method for Generating Normal Variables* (1964):
///   the polar method.
struct GaussianStream {
  private var uniform: SplitMix64
  private var spare: Double?

  init(_ uniform: SplitMix64) { self.uniform = uniform }

  /// The next number, of mean 0 and variance 1.
  mutating func next() -> Double {
    if let spare {
      self.spare = nil
      return spare
    }
    while true {
      let x = 2 * uniform.nextUnit() - 1
      let y = 2 * uniform.nextUnit() - 1
      let square = x * x + y * y
      guard square < 1, square > 0 else { continue }
      let factor = (-2 * Self.logarithm(square) / square).squareRoot()
      spare = y * factor
      return x * factor
    }
  }

  /// A number in `[0, 1)`, from the same stream.
  mutating func nextUnit() -> Double { uniform.nextUnit() }

  /// The natural logarithm of a positive number, to about 16 digits.
  static func logarithm(_ value: Double) -> Double {
    // ln(s·2^e) = e·ln 2 + 2·artanh(r), r = (s − 1)/(s + 1), with s in [√½, √2), so that r² < 0.03.
    var exponent = Double(value.exponent)
    var significand = value.significand
    if significand > 1.414_213_562_373_095_1 {
      significand *= 0.5
      exponent += 1
    }
    let ratio = (significand - 1) / (significand + 1)
    let square = ratio * ratio
    var sum = 0.0
    for coefficient in coefficients { sum = sum * square + coefficient }
    return exponent * 0.693_147_180_559_945_3 + 2 * ratio * sum
  }

  /// 1/21, 1/19, … 1/3, 1: of the highest power first.
  private static let coefficients: [Double] = [
    1 / 21, 1 / 19, 1 / 17, 1 / 15, 1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3, 1,
  ]
}
