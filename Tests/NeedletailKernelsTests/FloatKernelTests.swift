import NeedletailCore
import NeedletailKernels
import Testing

/// Every length up to 257, and some long ones with and without a tail.
let kernelLengths = Array(1...257) + [1000, 1023, 4096, 16_383, 16_384]

@Suite("Float kernels")
struct FloatKernelTests {
  /// The vector levels of this machine; AVX2 also without the features that it need not have.
  static let variants: [(level: KernelLevel, missing: KernelFeatures)] =
    KernelLevel.available.filter { $0 != .scalar }.flatMap { level in
      let optional: [KernelFeatures] =
        level == .avx2 ? [[], [.fma], [.f16c], [.fma, .f16c]] : [[]]
      return optional.map { (level, $0) }
    }

  /// Rows, as the kernel reads them, and as the floats they mean.
  @safe struct World {
    let guarded: GuardedBytes
    let start: UnsafeMutableRawPointer
    let stride: Int
    let values: [[Float]]
    let query: [Float]

    init(_ element: DistanceKernel.RowElement, d: Int, rows: Int, in guarded: GuardedBytes) {
      var random = SplitMix64(seed: UInt64(d))
      func draw() -> Float { Float(random.nextUnit() * 2 - 1) }
      // An odd number of components between rows: starts are aligned to the component only.
      stride = (d + 1) * element.byteCount
      self.guarded = guarded
      unsafe start = unsafe guarded.tail((rows - 1) * stride + d * element.byteCount)
      var values: [[Float]] = []
      for row in 0..<rows {
        var components: [Float] = []
        for j in 0..<d {
          let address = unsafe start + row * stride + j * element.byteCount
          let value = draw()
          switch element {
          case .float32:
            unsafe address.storeBytes(of: value, as: Float.self)
            components.append(value)
          case .float16:
            unsafe address.storeBytes(of: value.halfBitPattern, as: UInt16.self)
            components.append(Float(halfBitPattern: value.halfBitPattern))
          case .bfloat16:
            let bits = UInt16(truncatingIfNeeded: value.bitPattern >> 16)
            unsafe address.storeBytes(of: bits, as: UInt16.self)
            components.append(Float(bitPattern: UInt32(bits) << 16))
          }
        }
        values.append(components)
      }
      self.values = values
      query = (0..<d).map { _ in draw() }
    }

    func terms(_ operation: KernelOperation, row: Int) -> (sum: Double, magnitude: Double) {
      var sum = 0.0
      var magnitude = 0.0
      for (q, x) in zip(query, values[row]) {
        let difference = Double(q) - Double(x)
        let term =
          operation == .innerProduct ? Double(q) * Double(x) : difference * difference
        sum += term
        magnitude += abs(term)
      }
      return (sum, magnitude)
    }
  }

  @Test(
    "Every level agrees with scalar at every length, in every shape, without reading past a row",
    arguments: KernelOperation.allCases, DistanceKernel.RowElement.allCases)
  func levelsAgree(operation: KernelOperation, element: DistanceKernel.RowElement) throws {
    let rows = 11
    let guarded = GuardedBytes(byteCount: rows * 16_385 * 4)
    for d in kernelLengths {
      let world = World(element, d: d, rows: rows, in: guarded)
      var reference = [Float](repeating: 0, count: rows)
      let scalar = try DistanceKernel(operation, rows: element, dimensions: d, level: .scalar)
      unsafe scalar.block(
        query: world.query, rows: world.start, rowStride: world.stride, count: rows,
        into: &reference)
      let terms = (0..<rows).map { world.terms(operation, row: $0) }
      let sound = (0..<rows).allSatisfy { row in
        let bound = Double(d + 2) * 0x1p-23 * terms[row].magnitude
        return abs(Double(reference[row]) - terms[row].sum) <= bound
      }
      #expect(sound, "scalar \(element) d \(d)")
      for (level, missing) in Self.variants {
        let kernel = try DistanceKernel(
          operation, rows: element, dimensions: d, level: level, without: missing)
        var block = [Float](repeating: .nan, count: rows)
        unsafe kernel.block(
          query: world.query, rows: world.start, rowStride: world.stride, count: rows, into: &block)
        let ordinals: [UInt32] = [10, 3, 3, 0, 9, 1, 2, 10, 8, 7, 6, 5, 4]
        var gathered = [Float](repeating: .nan, count: ordinals.count)
        unsafe kernel.gather(
          query: world.query, rows: world.start, rowStride: world.stride, ordinals: ordinals,
          count: ordinals.count, into: &gathered)
        let agrees = (0..<rows).allSatisfy { row in
          let bound = Float(d) * 0x1p-23 * Float(terms[row].magnitude)
          return abs(block[row] - reference[row]) <= bound
        }
        #expect(agrees, "\(level) \(element) d \(d)")
        let singles = (0..<rows).map { row in
          unsafe kernel.row(query: world.query, row: world.start + row * world.stride)
        }
        #expect(singles == block, "\(level) \(element) d \(d): row by row")
        #expect(gathered == ordinals.map { block[Int($0)] }, "\(level) \(element) d \(d): gather")
      }
    }
  }

  @Test("A NaN component makes the result NaN, an infinite one infinite")
  func nonFinite() throws {
    for level in KernelLevel.available {
      for d in [1, 7, 16, 33, 64] {
        let kernel = try DistanceKernel(
          .squaredEuclidean, rows: .float32, dimensions: d, level: level)
        let query = [Float](repeating: 1, count: d)
        var row = query
        row[d - 1] = .nan
        unsafe #expect(kernel.row(query: query.span, row: row.span.bytes).isNaN)
        row[d - 1] = .infinity
        unsafe #expect(kernel.row(query: query.span, row: row.span.bytes) == .infinity)
      }
    }
  }

  @Test("The checked shapes give what the unchecked give, and nothing for no rows")
  func checkedShapes() throws {
    let kernel = try DistanceKernel(.innerProduct, rows: .float32, dimensions: 3)
    let rows: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    let query: [Float] = [1, 0, -1]
    var results = [Float](repeating: 0, count: 3)
    var span = results.mutableSpan
    unsafe kernel.block(query: query.span, rows: rows.span.bytes, rowStride: 12, into: &span)
    #expect(results == [-2, -2, -2])
    var two = [Float](repeating: 0, count: 2)
    var twoSpan = two.mutableSpan
    unsafe kernel.gather(
      query: [0, 1, 0].span, rows: rows.span.bytes, rowStride: 12, ordinals: [2, 0].span,
      into: &twoSpan)
    #expect(two == [8, 2])
    var none: [Float] = []
    var noneSpan = none.mutableSpan
    unsafe kernel.gather(
      query: query.span, rows: rows.span.bytes, rowStride: 12, ordinals: [UInt32]().span,
      into: &noneSpan)
    #expect(none.isEmpty)
  }

  @Test("Dimensions that no kernel takes are refused with a code", arguments: [0, -1, 16_385])
  func refusedDimensions(dimensions: Int) {
    let code: NeedletailError.Code = dimensions > 0 ? .capacityExceeded : .invalidConfiguration
    var seen: [NeedletailError.Code] = []
    do {
      _ = try DistanceKernel(.innerProduct, rows: .float16, dimensions: dimensions)
    } catch { seen.append(error.code) }
    do {
      _ = try CodeKernel(.innerProduct, rows: .int8, query: .int8, dimensions: dimensions)
    } catch { seen.append(error.code) }
    #expect(seen == [code, code])
  }
}
