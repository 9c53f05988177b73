import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Rows whose components are half-precision numbers are kept in half the bytes, and nothing is lost.
@Suite("Rows in half precision, as given")
struct HalfRowsTests {
  private static let dimensions = 24

  private func components(_ count: Int) -> [Float] {
    RandomVectors.clusters(count: count, dimensions: Self.dimensions, seed: 12)
      .map { Float(halfBitPattern: $0.halfBitPattern) }
  }

  private func kept(_ metric: Metric, _ components: [Float]) throws -> PreciseKind {
    try World(metric, components, dimensions: Self.dimensions).built().options.precise
  }

  @Test("Chosen when every component is such a number", arguments: Metric.allCases)
  func choice(metric: Metric) throws {
    var rows = components(400)
    #expect(try kept(metric, rows) == .givenFloat16)
    // The largest half, the least, and a zero with a sign.
    rows.replaceSubrange(0..<3, with: [65_504, 0x1p-24, -0.0])
    #expect(try kept(metric, rows) == .givenFloat16)
    for odd: Float in [65_536, 0x1p-25, 0.1, 1.000_1] {
      rows[5_000] = odd
      #expect(try kept(metric, rows) == .float32, "\(odd)")
    }
  }

  @Test("Not for walks on the rows themselves, nor against the caller's wish")
  func others() throws {
    var world = World(.cosine, components(300), dimensions: Self.dimensions)
    world.options.codes = .none
    #expect(try world.built().options.precise == .float32)
    world.options.codes = .int8
    for kind in [PreciseKind.none, .bfloat16, .float16] {
      world.options.precise = kind
      #expect(try world.built().options.precise == kind)
    }
    world.options.codes = .none
    world.options.precise = .givenFloat16
    let error = #expect(throws: NeedletailError.self) { try world.options.validate() }
    #expect(error?.code == .invalidConfiguration)
  }

  @Test(
    "Rows come back bit by bit, unit rows as they would be in single", arguments: Metric.allCases)
  func exported(metric: Metric) throws {
    var given = components(500)
    // The least half, another one below the normal ones, and zeros of both signs.
    given.replaceSubrange(0..<4, with: [0x1p-24, -0x3p-20, -0.0, 0])
    let world = World(metric, given, dimensions: Self.dimensions)
    let segment = try world.opened()
    #expect(segment.parameters.options.precise == .givenFloat16)
    #expect(segment.inspect(limit: 10).isEmpty)
    let source = try world.source()
    for (number, id) in world.ids.enumerated() {
      let ordinal = try #require(segment.ordinal(of: id))
      var row = [Float](repeating: 0, count: Self.dimensions)
      unsafe row.withUnsafeMutableBufferPointer {
        if let start = $0.baseAddress { unsafe segment.export(ordinal, into: start) }
      }
      #expect(row.map(\.bitPattern) == world.row(number).map(\.bitPattern))
      var unit = row
      try unsafe row.withUnsafeMutableBufferPointer {
        if let start = $0.baseAddress { unsafe try source.copy(number, into: start) }
      }
      unsafe unit.withUnsafeMutableBufferPointer {
        if let start = $0.baseAddress { unsafe segment.copyRow(ordinal, into: start) }
      }
      #expect(unit == row)
    }
  }

  @Test("Distances are those of the rows", arguments: Metric.allCases, [200, 2_000])
  func distances(metric: Metric, count: Int) throws {
    let world = World(metric, components(count), dimensions: Self.dimensions)
    let segment = try world.opened()
    let queries = RandomVectors.clusters(count: 20, dimensions: Self.dimensions, seed: 13)
    for start in stride(from: 0, to: queries.count, by: Self.dimensions) {
      let query = Array(queries[start..<start + Self.dimensions])
      let found = try segment.answers(query, .init(k: 10, efSearch: 64)).neighbors
      #expect(found.count == 10)
      for neighbor in found {
        let number = try #require(world.ids.firstIndex(of: neighbor.id))
        let exact = distance(metric, query, world.row(number))
        #expect(abs(Double(neighbor.distance) - exact) <= 1e-5 * max(1, abs(exact)))
      }
      #expect(found.map(\.distance) == found.map(\.distance).sorted())
    }
  }

  private func distance(_ metric: Metric, _ a: [Float], _ b: [Float]) -> Double {
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    switch metric {
    case .squaredEuclidean:
      return zip(a, b).reduce(0) {
        $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
      }
    case .innerProduct: return -dot(a, b)
    case .cosine: return 1 - dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }
  }
}
