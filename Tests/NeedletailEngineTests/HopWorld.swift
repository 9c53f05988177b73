import NeedletailCore
import NeedletailKernels

/// Coded rows, terms and a query, with the keys that the definition of each finish gives.
@safe
final class HopWorld {
  // SAFETY: plain memory of fixed sizes; every index below is smaller than what was allocated.
  let count: Int
  let blocks: Int
  let finish: HopFinish
  let codes: UnsafeMutablePointer<UInt8>
  let terms: UnsafeMutableRawPointer
  let code: UnsafeMutablePointer<Int8>
  let visited: UnsafeMutablePointer<UInt64>
  let ordinals: UnsafeMutablePointer<UInt32>
  let keys: UnsafeMutablePointer<CandidateKey>
  private let capacity: Int
  private var random: SplitMix64

  init(count: Int, blocks: Int, finish: HopFinish, isExtreme: Bool, seed: UInt64) {
    self.count = count
    self.blocks = blocks
    self.finish = finish
    random = SplitMix64(seed: seed)
    let bytes = blocks * 64
    capacity = 2 * count + 64 + HopKernel.slack
    unsafe codes = .allocate(capacity: count * bytes)
    unsafe terms = .allocate(byteCount: max(16, count * 16), alignment: 64)
    unsafe code = .allocate(capacity: bytes)
    let words = count / HopKernel.rowsPerVisitedWord + 1
    unsafe visited = .allocate(capacity: words)
    unsafe visited.initialize(repeating: 0, count: words)
    unsafe ordinals = .allocate(capacity: capacity)
    unsafe ordinals.initialize(repeating: 0, count: capacity)
    unsafe keys = .allocate(capacity: capacity)
    unsafe keys.initialize(repeating: 0, count: capacity)
    for i in 0..<(count * bytes) {
      let drawn = random.next()
      unsafe codes[i] =
        isExtreme ? [0, 1, 128, 255][Int(drawn % 4)] : UInt8(truncatingIfNeeded: drawn)
    }
    for j in 0..<bytes {
      let drawn = random.next()
      unsafe code[j] =
        isExtreme ? [-128, -127, 0, 127][Int(drawn % 4)] : Int8(truncatingIfNeeded: drawn)
    }
    if isExtreme, blocks > 1 {
      // A row and a query that are as far out as they can be, everywhere.
      for j in 0..<bytes {
        unsafe codes[j] = 255
        unsafe codes[bytes + j] = 0
        unsafe code[j] = -128
      }
    }
    for i in 0..<(count * 4) { storeTerm(i, Float(random.nextUnit() * 4 - 1)) }
    if finish == .norm || finish == .scaledNorm {
      for i in 0..<count {
        unsafe terms.storeBytes(
          of: Int32(truncatingIfNeeded: norm(i)), toByteOffset: i * 4, as: Int32.self)
      }
    }
  }

  deinit {
    unsafe codes.deallocate()
    unsafe terms.deallocate()
    unsafe code.deallocate()
    unsafe visited.deallocate()
    unsafe ordinals.deallocate()
    unsafe keys.deallocate()
  }

  private func storeTerm(_ i: Int, _ value: Float) {
    unsafe terms.storeBytes(of: value, toByteOffset: i * 4, as: Float.self)
  }

  private func term(_ i: Int) -> Float { unsafe terms.load(fromByteOffset: i * 4, as: Float.self) }

  private func norm(_ row: Int) -> Int {
    (0..<(blocks * 64)).reduce(0) { sum, j in
      let component = unsafe Int(codes[row * blocks * 64 + j]) - 128
      return sum + component * component
    }
  }

  var zero: Int32 {
    128 * (0..<(blocks * 64)).reduce(Int32(0)) { sum, j in unsafe sum + Int32(code[j]) }
  }

  private static let scale: Float = 0.0371
  private static let normScale: Float = 0.00113
  private static let own: (factor: Float, norm: Float, delta: Float) = (0.021, 3.25, 0.75)
  private static let offset: Int32 = -12_345

  var space: HopSpace {
    unsafe HopSpace(codes: codes, terms: terms, count: count, blocks: blocks, finish: finish)
  }

  var query: HopQuery {
    unsafe HopQuery(
      code: code, zero: zero, offset: Self.offset, scale: Self.scale, normScale: Self.normScale,
      factor: Self.own.factor, norm: Self.own.norm, delta: Self.own.delta)
  }

  /// The key of a row by the definition of the finish.
  func expectedKey(_ row: UInt32) -> CandidateKey {
    let i = Int(row)
    var dot = 0
    var raw = 0
    for j in 0..<(blocks * 64) {
      let byte = unsafe Int(codes[i * blocks * 64 + j])
      unsafe dot += (byte - 128) * Int(code[j])
      unsafe raw += byte * Int(code[j])
    }
    let order: UInt32
    switch finish {
    case .product: order = Self.order(Int32(-raw))
    case .norm: order = Self.order(Int32(norm(i) - 2 * raw + Int(Self.offset)))
    case .scaledNorm:
      order = Self.order(Self.normScale * Float(norm(i)) - Self.scale * Float(dot))
    case .factor:
      order = Self.order(term(2 * i + 1) - Self.scale * term(2 * i) * Float(dot))
    case .reduced:
      let step = Self.own.delta - term(4 * i + 2)
      let product = 2 * Self.own.factor * term(4 * i) * Float(dot)
      order = Self.order(Self.own.norm + term(4 * i + 1) - product + step * step)
    }
    return UInt64(order) << 32 | UInt64(row) << 1
  }

  private static func order(_ value: Int32) -> UInt32 { UInt32(bitPattern: value) ^ 0x8000_0000 }

  private static func order(_ value: Float) -> UInt32 {
    let bits = value.bitPattern
    return bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
  }

  func score(_ kernel: HopKernel, _ rows: [UInt32]) -> [CandidateKey] {
    for (i, row) in rows.enumerated() { unsafe ordinals[i] = row }
    unsafe kernel.score(space, query, ordinals: ordinals, count: rows.count, keys: keys)
    return rows.indices.map { unsafe keys[$0] }
  }

  func forgetVisits() {
    for word in 0...(count / HopKernel.rowsPerVisitedWord) { unsafe visited[word] = 0 }
  }

  /// Marks a row visited, in words that hold nothing of an earlier walk.
  func visit(_ ordinal: UInt32, epoch: UInt64) {
    forgetVisits()
    let (word, bit) = Int(ordinal).quotientAndRemainder(
      dividingBy: HopKernel.rowsPerVisitedWord)
    unsafe visited[word] = epoch << UInt64(HopKernel.rowsPerVisitedWord) | 1 << UInt64(bit)
  }

  func expand(
    _ kernel: HopKernel, _ links: [UInt32], count: Int, epoch: UInt64, threshold: CandidateKey
  ) -> (scored: Int, keys: [CandidateKey]) {
    precondition(links.count + HopKernel.slack <= capacity)
    let (scored, kept) = unsafe links.withUnsafeBufferPointer { list in
      guard let start = list.baseAddress else { return (scored: 0, kept: 0) }
      return unsafe kernel.expand(
        space, query, links: start, degree: links.count, count: count, visited: visited,
        epoch: epoch, threshold: threshold, ordinals: ordinals, keys: keys)
    }
    return (scored, (0..<kept).map { unsafe keys[$0] })
  }
}
