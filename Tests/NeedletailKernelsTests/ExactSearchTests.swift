import NeedletailCore
import NeedletailKernels
import Testing

/// Keeps the bytes of a matrix that a test laid out itself.
@safe
private final class Bytes: @unchecked Sendable {
  let start: UnsafeMutableRawPointer
  init(_ byteCount: Int) {
    unsafe start = .allocate(byteCount: max(1, byteCount), alignment: 64)
  }
  deinit { unsafe start.deallocate() }
}

/// A matrix of any element, with a gap behind each row.
private func matrix(_ rows: [[Float]], _ element: VectorMatrix.Element) -> VectorMatrix {
  let d = rows[0].count
  let stride = (d + 3) * element.byteCount
  let bytes = Bytes(rows.count * stride)
  for (i, row) in rows.enumerated() {
    for (j, value) in row.enumerated() {
      let offset = i * stride + j * element.byteCount
      switch element {
      case .float32: unsafe bytes.start.storeBytes(of: value, toByteOffset: offset, as: Float.self)
      case .float16:
        unsafe bytes.start.storeBytes(
          of: value.halfBitPattern, toByteOffset: offset, as: UInt16.self)
      case .uint8:
        unsafe bytes.start.storeBytes(of: UInt8(value), toByteOffset: offset, as: UInt8.self)
      case .int8:
        unsafe bytes.start.storeBytes(of: Int8(value), toByteOffset: offset, as: Int8.self)
      }
    }
  }
  return unsafe VectorMatrix(
    owner: bytes, baseAddress: UnsafeRawPointer(bytes.start), count: rows.count, dimensions: d,
    element: element, rowByteStride: stride)
}

/// Every distance in `Double`, rounded to `Float`, sorted with ties by row.
private func naive(
  _ base: VectorMatrix, _ query: [Float], _ metric: Metric, k: Int
) -> [(row: UInt32, distance: Float)] {
  var all: [(row: UInt32, distance: Float)] = []
  for i in 0..<base.count {
    let x = base[i]
    let distance: Double
    switch metric {
    case .squaredEuclidean: distance = FixedOrder.squaredDistance(query.span, x.span)
    case .innerProduct: distance = -FixedOrder.dot(query.span, x.span)
    case .cosine:
      let norms = FixedOrder.squaredNorm(query.span) * FixedOrder.squaredNorm(x.span)
      distance = max(0, 1 - FixedOrder.dot(query.span, x.span) / norms.squareRoot())
    }
    all.append((UInt32(i), Float(distance)))
  }
  all.sort { $0.distance != $1.distance ? $0.distance < $1.distance : $0.row < $1.row }
  return Array(all.prefix(k))
}

private func expectExact(
  _ base: VectorMatrix, _ queries: VectorMatrix, _ metric: Metric, k: Int, threads: Int,
  _ comment: Comment
) throws {
  let search = try ExactSearch(base: base, metric: metric, threads: threads)
  let answer = try search.nearest(queries: queries, k: k, threads: threads)
  #expect(answer.k == min(k, base.count) && answer.queryCount == queries.count, comment)
  for query in 0..<queries.count {
    let expected = naive(base, queries[query], metric, k: k)
    #expect(Array(answer.rows(ofQuery: query)) == expected.map(\.row), comment)
    #expect(Array(answer.distances(ofQuery: query)) == expected.map(\.distance), comment)
  }
}

@Suite("Exact search")
struct ExactSearchTests {
  /// Small whole numbers: many equal distances, and many equal rows.
  static func tied(_ count: Int, _ d: Int, seed: UInt64, lowest: Int) -> [[Float]] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      var row = (0..<d).map { _ in Float(Int(random.next(below: 3)) + lowest) }
      if row.allSatisfy({ $0 == 0 }) { row[0] = 1 }
      return row
    }
  }

  static func smooth(_ count: Int, _ d: Int, seed: UInt64, skew: Bool = false) -> [[Float]] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      let scale = skew ? Float.exp10(random.nextUnit() * 9 - 6) : 1
      return (0..<d).map { _ in Float(random.nextUnit() - 0.5) * scale }
    }
  }

  @Test("Ties are broken by row number, for every element, metric and number of threads")
  func ties() throws {
    for metric in Metric.allCases {
      for element in VectorMatrix.Element.allCases {
        let lowest = element == .uint8 ? 0 : -1
        let base = matrix(Self.tied(1500, 5, seed: 3, lowest: lowest), element)
        for (queryCount, k, threads) in [(1, 10, 1), (1, 10, 3), (9, 1500, 2), (9, 25, 4)] {
          let queries = matrix(Self.tied(queryCount, 5, seed: 4, lowest: lowest), element)
          try expectExact(
            base, queries, metric, k: k, threads: threads,
            "\(metric) \(element) q \(queryCount) k \(k) threads \(threads)")
        }
      }
    }
  }

  @Test("Smooth and skewed rows of several lengths, above and below the crossover")
  func smooth() throws {
    for metric in Metric.allCases {
      for (d, count) in [(1, 300), (33, 1300), (130, 1100)] {
        for skew in [false, true] {
          let base = matrix(Self.smooth(count, d, seed: 5, skew: skew), .float32)
          let queries = matrix(Self.smooth(10, d, seed: 6, skew: skew), .float32)
          for (range, k) in [(0..<3, 7), (0..<10, 100)] {
            try expectExact(
              base, queries[range], metric, k: k, threads: 2,
              "\(metric) d \(d) skew \(skew) k \(k)")
          }
        }
      }
    }
  }

  @Test("Rows that all lie at one place are told apart by number only")
  func duplicates() throws {
    let base = matrix(Array(repeating: [0.1, 0.7, -0.3], count: 3000), .float32)
    let queries = matrix([[0.5, 0.5, 0.1], [0.1, 0.7, -0.3]], .float32)
    for metric in Metric.allCases {
      let answer = try ExactSearch(base: base, metric: metric).nearest(queries: queries, k: 5)
      #expect(answer.rows == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4], "\(metric)")
    }
  }

  @Test("Rows closer together than single precision can tell are ordered by the exact distance")
  func nearTies() throws {
    var random = SplitMix64(seed: 12)
    let center = (0..<100).map { _ in Float(random.nextUnit() + 0.5) }
    let rows = (0..<2500).map { _ in
      center.map { random.next(below: 4) == 0 ? $0.nextUp : $0 }
    }
    let base = matrix(rows, .float32)
    // Nearly orthogonal to all of them: the terms cancel, and their rounding is what remains.
    var other = (0..<100).map { _ in Float(random.nextUnit() - 0.5) * 100 }
    other[99] = 0
    other[99] = Float(-FixedOrder.dot(other.span, center.span) / Double(center[99]))
    for metric in Metric.allCases {
      for copies in [1, 9] {
        let queries = matrix(Array(repeating: other, count: copies) + [center], .float32)
        try expectExact(base, queries, metric, k: 5, threads: 1, "\(metric) copies \(copies)")
      }
    }
  }

  @Test("Magnitudes from 1e-30 to 1e38 give the exact answer under cosine")
  func magnitudes() throws {
    var random = SplitMix64(seed: 7)
    let scales: [Float] = [1e-38, 1e-30, 1e-20, 1, 1e18, 1e20, 1e38]
    let rows = (0..<400).map { i in
      (0..<8).map { _ in Float(random.nextUnit() - 0.5) * scales[i % scales.count] }
    }
    let base = matrix(rows, .float32)
    try expectExact(base, base[0..<14], .cosine, k: 20, threads: 1, "scales")
  }

  @Test("Magnitudes near the limits give the exact answer under the other metrics")
  func extremes() throws {
    var random = SplitMix64(seed: 8)
    let scales: [Float] = [1e-38, 1e-25, 1e-3, 1, 1e10, 5e18]
    let rows = (0..<300).map { i in
      (0..<8).map { _ in Float(random.nextUnit() - 0.5) * scales[i % scales.count] }
    }
    let base = matrix(rows, .float32)
    for metric in [Metric.squaredEuclidean, .innerProduct] {
      try expectExact(base, base[0..<12], metric, k: 20, threads: 1, "\(metric)")
    }
    // A query of zeros is at the same product from every row.
    let zero = matrix([[0, 0, 0, 0, 0, 0, 0, 0]], .float32)
    let search = try ExactSearch(base: base, metric: .innerProduct)
    #expect(try search.nearest(queries: zero, k: 3).rows == [0, 1, 2])
  }

  @Test("The answer is the same bits for every number of threads")
  func threads() throws {
    let base = matrix(Self.smooth(5000, 24, seed: 9), .float16)
    let queries = matrix(Self.smooth(300, 24, seed: 10), .float32)
    let search = try ExactSearch(base: base, metric: .cosine, threads: 2)
    let one = try search.nearest(queries: queries, k: 10, threads: 1)
    for threads in [2, 3, 8] {
      let other = try search.nearest(queries: queries, k: 10, threads: threads)
      #expect(other.rows == one.rows && other.distances == one.distances)
    }
  }

  @Test("k over the number of rows gives all of them, an empty base none")
  func shortAnswers() throws {
    let base = matrix([[1, 0], [0, 1]], .float32)
    let search = try ExactSearch(base: base, metric: .squaredEuclidean)
    let answer = try search.nearest(queries: base, k: 9)
    #expect(answer.k == 2 && answer.rows == [0, 1, 1, 0] && answer.distances == [0, 2, 0, 2])
    let none = try ExactSearch(base: base[0..<0], metric: .cosine)
    let empty = try none.nearest(queries: base, k: 3)
    #expect(empty.k == 0 && empty.rows.isEmpty && empty.queryCount == 0)
  }

  static func code(_ body: () throws -> Void) -> NeedletailError.Code? {
    do {
      try body()
      return nil
    } catch { return (error as? NeedletailError)?.code }
  }

  @Test("Bad rows, bad queries and bad numbers are refused with a code, and the first is named")
  func refused() throws {
    let good: [[Float]] = [[1, 2], [3, 4]]
    let base = matrix(good, .float32)
    let search = try ExactSearch(base: base, metric: .squaredEuclidean)
    #expect(Self.code { _ = try search.nearest(queries: base, k: 0) } == .invalidConfiguration)
    let three = matrix([[1, 2, 3]], .float32)
    #expect(Self.code { _ = try search.nearest(queries: three, k: 1) } == .dimensionMismatch)
    let many = matrix(Array(repeating: [1], count: Limits.neighborsPerQuery + 1), .uint8)
    let crowd = try ExactSearch(base: many, metric: .innerProduct)
    #expect(
      Self.code { _ = try crowd.nearest(queries: many[0..<1], k: many.count) }
        == .capacityExceeded)
    #expect(
      Self.code { _ = try crowd.nearest(queries: many[0..<4096], k: 1 << 20) }
        == .capacityExceeded)
    let infinite = matrix([[1, 2], [3, .infinity], [.nan, 0]], .float32)
    let large = matrix([[1, 2], [3e19, 0]], .float32)
    let zero = matrix([[1, 2], [0, 0]], .float32)
    for metric in Metric.allCases {
      #expect(
        Self.code { _ = try ExactSearch(base: infinite, metric: metric, threads: 2) }
          == .nonFiniteComponent)
      #expect(
        Self.code { _ = try ExactSearch(base: large, metric: metric) }
          == (metric == .cosine ? nil : .nonFiniteComponent))
      #expect(
        Self.code { _ = try ExactSearch(base: zero, metric: metric) }
          == (metric == .cosine ? .zeroVector : nil))
    }
    do {
      _ = try search.nearest(queries: infinite, k: 1)
      Issue.record("an infinite query was taken")
    } catch { #expect(error.message.contains("Component 1 of query 1 is inf")) }
  }

  @Test("A monitor sees every evaluation, and cancelling it ends the scan")
  func monitored() throws {
    let base = matrix(Self.smooth(3000, 8, seed: 11), .float32)
    let search = try ExactSearch(base: base, metric: .cosine)
    let monitor = WorkMonitor()
    _ = try search.nearest(queries: base[0..<50], k: 3, threads: 2, monitor: monitor)
    #expect(monitor.progress.done == 150_000 && monitor.progress.total == 150_000)
    monitor.cancel()
    #expect(
      Self.code { _ = try search.nearest(queries: base, k: 3, threads: 2, monitor: monitor) }
        == .cancelled)
  }
}

extension Float {
  /// Ten to a power, good enough to spread magnitudes.
  fileprivate static func exp10(_ power: Double) -> Float {
    var value = 1.0
    for _ in 0..<Int(power.magnitude) { value *= 10 }
    return Float(power < 0 ? 1 / value : value)
  }
}
