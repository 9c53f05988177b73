import NeedletailCore
import NeedletailKernels
import Testing

@Suite("Code kernels")
struct CodeKernelTests {
  /// How the bytes of a world are drawn.
  enum Content: CaseIterable {
    case random, extremes, lowest, highest

    func draw(_ random: inout SplitMix64) -> UInt8 {
      switch self {
      case .random: return UInt8(truncatingIfNeeded: random.next())
      // −128, 127, −1 and 0 as signed; 128, 127, 255 and 0 as unsigned.
      case .extremes: return [0x80, 0x7f, 0xff, 0x00][Int(random.next(below: 4))]
      case .lowest: return 0x80
      case .highest: return 0xff
      }
    }
  }

  static func value(_ byte: UInt8, _ element: CodeKernel.CodeElement) -> Int {
    element == .uint8 ? Int(byte) : Int(Int8(bitPattern: byte))
  }

  @Test(
    "Every level is exact at every length, in every shape, without reading past a row",
    arguments: CodeKernel.CodeElement.allCases, CodeKernel.CodeElement.allCases)
  func exact(rowElement: CodeKernel.CodeElement, queryElement: CodeKernel.CodeElement) throws {
    let rows = 7
    let guarded = GuardedBytes(byteCount: rows * 16_385)
    let guardedQuery = GuardedBytes(byteCount: 16_384)
    for d in kernelLengths {
      for content in Content.allCases {
        if d > 257 && content == .random { continue }
        var random = SplitMix64(seed: UInt64(d))
        let stride = d + 1
        let start = unsafe guarded.tail((rows - 1) * stride + d)
        let query = unsafe guardedQuery.tail(d)
        for j in 0..<d {
          let byte = content == .lowest ? 0x00 : content.draw(&random)
          unsafe query.storeBytes(of: byte, toByteOffset: j, as: UInt8.self)
        }
        var sums: [(KernelOperation, [Int])] = [(.squaredEuclidean, []), (.innerProduct, [])]
        for row in 0..<rows {
          var l2 = 0
          var product = 0
          for j in 0..<d {
            let byte = content.draw(&random)
            unsafe start.storeBytes(of: byte, toByteOffset: row * stride + j, as: UInt8.self)
            let x = Self.value(byte, rowElement)
            let q = unsafe Self.value(query.load(fromByteOffset: j, as: UInt8.self), queryElement)
            l2 += (q - x) * (q - x)
            product += q * x
          }
          sums[0].1.append(l2)
          sums[1].1.append(product)
        }
        for level in KernelLevel.available {
          for (operation, sums) in sums {
            let expected = sums.map { Int32(truncatingIfNeeded: $0) }
            let kernel = try CodeKernel(
              operation, rows: rowElement, query: queryElement, dimensions: d, level: level)
            var block = [Int32](repeating: -1, count: rows)
            unsafe kernel.block(
              query: query, rows: start, rowStride: stride, count: rows, into: &block)
            #expect(block == expected, "\(level) \(operation) \(content) d \(d)")
            let ordinals: [UInt32] = [6, 0, 0, 3, 5, 4, 1, 2, 6]
            var gathered = [Int32](repeating: -1, count: ordinals.count)
            unsafe kernel.gather(
              query: query, rows: start, rowStride: stride, ordinals: ordinals,
              count: ordinals.count, into: &gathered)
            #expect(
              gathered == ordinals.map { expected[Int($0)] }, "\(level) \(operation) d \(d) gather")
            let one = unsafe kernel.row(query: query, row: start + 6 * stride)
            #expect(one == expected[6], "\(level) \(operation) d \(d) row")
          }
        }
      }
    }
  }

  @Test("The longest mixed pair at its extremes is exact as an unsigned number")
  func widestDifference() throws {
    let d = Limits.dimensions
    let row = [UInt8](repeating: 0xff, count: d)
    let query = [Int8](repeating: -128, count: d)
    for level in KernelLevel.available {
      let kernel = try CodeKernel(
        .squaredEuclidean, rows: .uint8, query: .int8, dimensions: d, level: level)
      var results: [Int32] = [0]
      var span = results.mutableSpan
      unsafe kernel.block(query: query.span.bytes, rows: row.span.bytes, rowStride: d, into: &span)
      #expect(UInt32(bitPattern: results[0]) == UInt32(383 * 383 * d))
    }
  }
}
