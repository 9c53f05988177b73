import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// Walks of a sample of rows over a finished graph, from which the segment learns about itself: how
/// distances grow with the rank of a neighbour, and whether parted codes find the same as whole ones.
///
/// Everything is counted or compared, nothing timed: the same graph gives the same outcome everywhere.
@safe
struct GraphTrial: ~Copyable {
  /// The window of the walks; growth is measured from neighbour `nearest` to neighbour `window`.
  static let window = 64
  static let nearest = 10
  /// Rows that serve as queries.
  private static let queries = 256

  private let segment: BuiltSegment
  private let kernel: HopKernel
  private let scratch: BuildScratch

  init(_ segment: BuiltSegment, _ kernel: HopKernel) throws(NeedletailError) {
    self.segment = segment
    self.kernel = kernel
    scratch = try BuildScratch(
      rows: segment.count, codeByteCount: segment.quantizer.codeByteCount, width: Self.window,
      degree: segment.tables[0].degree)
  }

  /// The rows that serve as queries: spread over the later half, which is linked the least.
  private func row(_ number: Int) -> UInt32 {
    UInt32(segment.count - 1 - number * (segment.count / 2) / Self.queries)
  }

  /// How much farther the 64th neighbour is than the 10th, as a share of the 10th's distance: the median.
  func growth() -> Float {
    let whole = space(.bytes, segment.codes, nil)
    var shares: [Float] = []
    for number in 0..<Self.queries {
      let ordinal = row(number)
      let found = walk(ordinal, whole, .bytes)
      guard found == Self.window else { continue }
      let near = estimate(ordinal, Self.nearest - 1)
      let far = estimate(ordinal, Self.window - 1)
      let distance = near.magnitude
      // A neighbour without any distance says nothing.
      if distance > 0, far > near { shares.append((far - near) / distance) }
    }
    // Where most have none, the rows are heaps of copies: only a window is of use.
    guard shares.count * 2 > Self.queries else { return 0 }
    shares.sort()
    return min(shares[shares.count / 2], SegmentParameters.mostGrowth)
  }

  /// The share of the nearest rows found by walks on whole codes that walks on upper nibbles find too, once
  /// all bits have put what they found in order.
  func agreement(upper: MemoryBlock, lower: MemoryBlock) -> Double {
    let whole = space(.bytes, segment.codes, nil)
    let coarse = space(.nibbles, upper, nil)
    let both = space(.split, upper, lower)
    var (found, wanted) = (0, 0)
    for number in 0..<Self.queries {
      let ordinal = row(number)
      let pool = unsafe scratch.walk.pool
      let nearest = (0..<min(walk(ordinal, whole, .bytes), Self.nearest)).map {
        unsafe pool[$0].ordinal
      }
      let count = walk(ordinal, coarse, .nibbles)
      for i in 0..<count { unsafe scratch.ordinals[i] = pool[i].ordinal }
      unsafe kernel.score(
        both, query(ordinal, .split), ordinals: scratch.ordinals, count: count,
        keys: scratch.keys)
      unsafe sortKeys(scratch.keys, count: count)
      wanted += nearest.count
      for i in 0..<min(count, Self.nearest)
      where nearest.contains(unsafe scratch.keys[i].ordinal) {
        found += 1
      }
    }
    return wanted == 0 ? 1 : Double(found) / Double(wanted)
  }

  private func space(_ width: CodeWidth, _ codes: MemoryBlock, _ lower: MemoryBlock?) -> HopSpace {
    // SAFETY: the segment keeps its blocks, of as many rows, for as long as the trial lives.
    unsafe HopSpace(
      codes: codes.bytes.baseAddress.unsafelyUnwrapped, lower: lower?.bytes.baseAddress,
      terms: segment.terms.bytes.baseAddress, count: segment.count,
      blocks: segment.quantizer.blocks, finish: segment.quantizer.searchFinish, width: width)
  }

  /// The distance that a key of the pool stands for; a negated product as it is.
  private func estimate(_ ordinal: UInt32, _ place: Int) -> Float {
    let key = unsafe scratch.walk.pool[place]
    switch segment.quantizer.searchFinish {
    case .product: return Float(key.integerEstimate)
    case .norm: return Float(key.integerEstimate)
    default:
      guard segment.quantizer.metric != .innerProduct else { return key.floatEstimate }
      let bias = unsafe segment.terms.bytes.load(
        fromByteOffset: Int(ordinal) * 8 + 4, as: Float.self)
      return key.floatEstimate + bias
    }
  }

  /// A row as the query of a search.
  private func query(_ ordinal: UInt32, _ width: CodeWidth) -> HopQuery {
    let quantizer = segment.quantizer
    // SAFETY: codes and terms of every ordinal are there; the code lives as long as the scratch.
    let row = unsafe segment.codes.bytes.baseAddress.unsafelyUnwrapped
      .advanced(by: Int(ordinal) * quantizer.codeByteCount).assumingMemoryBound(to: UInt8.self)
    let sum = unsafe kernel.flip(row, into: scratch.code, blocks: quantizer.blocks)
    let zero = width.zero &* sum
    switch quantizer.searchFinish {
    case .norm:
      let norm = unsafe segment.terms.bytes.load(fromByteOffset: Int(ordinal) * 4, as: Int32.self)
      return unsafe HopQuery(code: scratch.code, zero: zero, offset: norm &+ 2 &* zero)
    case .product: return unsafe HopQuery(code: scratch.code, zero: zero)
    default:
      let factor = unsafe segment.terms.bytes.load(
        fromByteOffset: Int(ordinal) * 8, as: Float.self)
      let scale = quantizer.metric == .innerProduct ? factor : 2 * factor
      return unsafe HopQuery(code: scratch.code, zero: zero, scale: scale)
    }
  }

  /// Walks for the neighbours of a row, itself left out; returns how many the pool holds.
  private func walk(_ ordinal: UInt32, _ space: HopSpace, _ width: CodeWidth) -> Int {
    let memory = scratch.walk
    let table = segment.tables[0]
    // SAFETY: the scratch has room for the rows, the window and the degree of this segment.
    let query = query(ordinal, width)
    let start = unsafe kernel.nearest(
      space, query, ofFirst: min(segment.count, 64), except: ordinal)
    memory.beginEpoch()
    unsafe memory.visit(start.ordinal)
    unsafe memory.visit(ordinal)
    unsafe memory.pool[0] = start
    var walk = unsafe HopWalk(
      kernel, space, query, links: table.row(0), degree: table.degree, count: table.count,
      pool: memory.pool, size: 1, capacity: Self.window, window: Self.window, least: 0,
      visited: memory.visited, epoch: memory.epoch, ordinals: memory.ordinals, keys: memory.keys)
    walk.run()
    return walk.size
  }
}
