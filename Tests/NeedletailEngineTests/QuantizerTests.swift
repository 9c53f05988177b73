import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Quantizer")
struct QuantizerTests {
  /// What a trained quantizer makes of the rows of a world.
  private struct Coded {
    var quantizer: Quantizer
    /// `‖x − x̂‖ / ‖x − centre‖` of each row that is not the centre itself.
    var shares: [Double] = []
  }

  private func coded(_ world: World, forcesRowScale: Bool = false) throws -> Coded {
    let findings = try world.findings()
    let source = try world.source()
    let quantizer = try Quantizer.train(
      rows: source, metric: world.options.metric,
      lossless: findings.losslessForm(world.options.metric),
      seed: 1, forcesRowScale: forcesRowScale)
    var result = Coded(quantizer: quantizer)
    var row = [Float](repeating: 0, count: world.dimensions)
    var code = [UInt8](repeating: 0, count: quantizer.codeByteCount)
    for i in 0..<world.count {
      unsafe try source.copy(i, into: &row)
      unsafe quantizer.project(&row)
      let terms = unsafe quantizer.encode(row, into: &code)
      #expect(code[world.dimensions...].allSatisfy { $0 == 128 }, "padding is zero components")
      let (error, norm) = unsafe quantizer.squaredError(row, code, factor: terms.factor)
      if norm > 0 { result.shares.append((error / norm).squareRoot()) }
      let squares = code.reduce(0) { $0 + (Int($1) - 128) * (Int($1) - 128) }
      #expect(Int(terms.codeNorm) == squares)
    }
    return result
  }

  private func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(max(1, values.count))
  }

  @Test("Rows come back from their codes to within a hundredth", arguments: Metric.allCases)
  func reconstruction(metric: Metric) throws {
    for d in [8, 24, 64, 65, 100, 128] {
      let components = RandomVectors.clusters(count: 600, dimensions: d, seed: UInt64(d))
      let coded = try coded(World(metric, components, dimensions: d))
      #expect(mean(coded.shares) < 0.012, "\(d): \(mean(coded.shares))")
      #expect((coded.shares.max() ?? 0) < 0.06, "\(d): \(coded.shares.max() ?? 0)")
      // The sample was all of the rows, so its figure is theirs.
      #expect(abs(coded.quantizer.relativeError - mean(coded.shares)) < 1e-6)
    }
  }

  @Test func wholeNumbersAreKeptWithoutLoss() throws {
    var random = SplitMix64(seed: 5)
    func numbers(_ low: Int, _ high: Int) -> [Float] {
      (0..<(50 * 20)).map { _ in Float(low + Int(random.next(below: UInt64(high - low + 1)))) }
    }
    let unsigned = numbers(0, 255)
    let signed = numbers(-128, 127)
    let beyond = numbers(-1, 255)
    func form(_ metric: Metric, _ rows: [Float]) throws -> Quantizer.Form {
      try coded(World(metric, rows, dimensions: 20)).quantizer.form
    }
    #expect(try form(.squaredEuclidean, unsigned) == .losslessUnsigned)
    #expect(try form(.squaredEuclidean, signed) == .losslessSigned)
    #expect(try form(.innerProduct, signed) == .losslessSigned)
    #expect(try !form(.innerProduct, unsigned).isLossless, "a shift changes inner products")
    #expect(try !form(.cosine, signed).isLossless)
    #expect(try !form(.squaredEuclidean, beyond).isLossless)
    var almost = unsigned
    almost[777] = 3.5
    #expect(try !form(.squaredEuclidean, almost).isLossless)
    for rows in [unsigned, signed] {
      let world = World(.squaredEuclidean, rows, dimensions: 20)
      #expect(try coded(world).shares.allSatisfy { $0 == 0 })
    }
  }

  @Test func decodingGivesLosslessRowsBack() throws {
    for low in [0, -128] {
      let row = (0..<100).map { Float(low + ($0 * 7) % 256) }
      let world = World(.squaredEuclidean, row + row, dimensions: 100)
      let quantizer = try coded(world).quantizer
      #expect(quantizer.form.isLossless)
      var projected = row
      unsafe quantizer.project(&projected)
      var code = [UInt8](repeating: 0, count: quantizer.codeByteCount)
      _ = unsafe quantizer.encode(projected, into: &code)
      var back = [Float](repeating: .nan, count: 100)
      unsafe quantizer.decode(code, factor: 1, into: &back)
      #expect(back == row)
    }
  }

  @Test func rowsOfOneLengthShareAScaleAndRowsApartHaveTheirOwn() throws {
    let d = 48
    let plain = RandomVectors.gaussian(count: 800, dimensions: d, seed: 3)
    for metric in Metric.allCases {
      let form = try coded(World(metric, plain, dimensions: d)).quantizer.form
      #expect(form == (metric == .innerProduct ? .rowScale : .globalScale), "\(metric)")
    }
    // Norms over nine orders of magnitude.
    var apart = plain
    for i in 0..<800 {
      let length = Float.pow10(Double(i) / 800 * 9 - 6)
      for j in 0..<d { apart[i * d + j] *= length }
    }
    for metric: Metric in [.innerProduct, .squaredEuclidean] {
      let coded = try coded(World(metric, apart, dimensions: d))
      #expect(coded.quantizer.form == .rowScale, "\(metric)")
      #expect((coded.shares.max() ?? 1) < 0.03, "\(metric): \(coded.shares.max() ?? 1)")
    }
    // Under cosine lengths do not count.
    let cosine = try coded(World(.cosine, apart, dimensions: d))
    #expect(cosine.quantizer.form == .globalScale)
    #expect(mean(cosine.shares) < 0.012)
  }

  @Test func aTailThatTheSampleMissedGivesEveryRowItsOwnScale() throws {
    let d = 16
    // The sample takes every other row of 8192; row 4097 is not among them.
    var components = RandomVectors.gaussian(count: 8_192, dimensions: d, seed: 4)
    for j in 0..<d { components[4_097 * d + j] *= 1e4 }
    var world = World(.squaredEuclidean, components, dimensions: d, m: 4, ef: 8)
    let built = try world.built()
    #expect(built.quantizer.form == .rowScale)
    // Under cosine there is no such tail.
    world.options.metric = .cosine
    #expect(try world.built().quantizer.form == .globalScale)
  }

  @Test(arguments: Metric.allCases)
  func extremesAreCodedWithoutTrapping(metric: Metric) throws {
    let d = 5
    var worlds: [[Float]] = [
      [Float](repeating: 1, count: 5 * d),
      RandomVectors.gaussian(count: 4, dimensions: d, seed: 1).map { $0 * 0x1p-130 },
      RandomVectors.gaussian(count: 4, dimensions: d, seed: 1).map { $0 * 1e18 },
      (0..<(4 * d)).map { $0 % 7 == 0 ? .leastNonzeroMagnitude : 0x1p-149 },
      [Float](repeating: 8e18, count: d) + [Float](repeating: -8e18, count: d)
        + [Float](repeating: 8e18, count: d),
    ]
    if metric != .cosine {
      worlds.append([Float](repeating: 0, count: 3 * d))
      worlds.append(
        [Float](repeating: 0, count: d) + RandomVectors.gaussian(count: 3, dimensions: d, seed: 2))
    }
    for (i, components) in worlds.enumerated() {
      for forces in [false, true] {
        let world = World(metric, components.map { $0 + 0 }, dimensions: d)
        let coded = try coded(world, forcesRowScale: forces)
        #expect(coded.shares.allSatisfy { $0.isFinite }, "world \(i)")
        #expect(coded.quantizer.relativeError.isFinite, "world \(i)")
      }
    }
  }

  @Test("Estimates are as near to the distances as the error of the codes allows")
  func estimates() throws {
    let d = 72
    for metric in Metric.allCases {
      for tail in [false, true] {
        var components = RandomVectors.clusters(count: 400, dimensions: d, seed: 6)
        if tail {
          for i in 0..<400 {
            let length = Float.pow10(Double(i % 7) - 3)
            for j in 0..<d { components[i * d + j] *= length }
          }
        }
        var world = World(metric, components, dimensions: d, ef: 400)
        world.options.precise = .none
        let segment = try world.opened()
        let queries = RandomVectors.clusters(count: 5, dimensions: d, seed: 66)
        for q in 0..<5 {
          let query = Array(queries[(q * d)..<((q + 1) * d)])
          let length = query.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
          let place = Dictionary(uniqueKeysWithValues: world.ids.enumerated().map { ($1, $0) })
          let (neighbors, _) = try segment.answers(query, .init(k: 400, efSearch: 400))
          #expect(neighbors.count == 400)
          for neighbor in neighbors {
            let row = try #require(place[neighbor.id])
            let exact = world.distance(query, row)
            let x = world.row(row).reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            // Rounding moves row and query by at most a fiftieth of their length each.
            let bound =
              switch metric {
              case .squaredEuclidean:
                2 * exact.squareRoot() * 0.02 * (x + length) + 0.001 * (x + length) * (x + length)
              case .innerProduct: 0.02 * x * length
              case .cosine: 0.02
              }
            #expect(
              abs(Double(neighbor.distance) - exact) <= bound,
              "\(metric), tail \(tail), row \(row): \(neighbor.distance), not \(exact)")
          }
        }
      }
    }
  }
}

extension Float {
  /// Ten to the power of `exponent`, near enough for test data.
  static func pow10(_ exponent: Double) -> Float {
    var value = 1.0
    let steps = Int((exponent * 64).rounded())
    // 10^(1/64)
    let step = 1.0366329284376980
    for _ in 0..<abs(steps) { value *= step }
    return Float(steps < 0 ? 1 / value : value)
  }
}
