import NeedletailCore
import NeedletailKernels
import Testing

/// Coded rows, terms and a query, with the keys that the definition of each finish gives.
@safe
private final class HopWorld {
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

@Suite("Hop kernels")
struct HopKernelTests {
  static let finishes: [HopFinish] = [.product, .norm, .scaledNorm, .factor, .reduced]

  @Test(
    "Every level scores as the definition says, bit for bit", arguments: finishes, [false, true])
  func score(finish: HopFinish, isExtreme: Bool) {
    for blocks in [1, 2, 3, 4, 5, 6, 7, 8, 16, 256] {
      let world = HopWorld(
        count: 70, blocks: blocks, finish: finish, isExtreme: isExtreme, seed: UInt64(blocks))
      let expected = (0..<UInt32(70)).map { world.expectedKey($0) }
      for level in KernelLevel.available {
        let kernel = HopKernel(level: level)
        for length in blocks > 8 ? [1, 70] : [1, 2, 3, 4, 5, 7, 8, 31, 32, 63, 64, 65, 70] {
          // Any order, and a row may come twice.
          let rows = (0..<length).map { UInt32(($0 * 31 + 5) % 70) }
          #expect(
            world.score(kernel, rows) == rows.map { expected[Int($0)] },
            "\(level), \(blocks) blocks, \(length) rows")
        }
        #expect(world.score(kernel, []).isEmpty)
      }
    }
  }

  @Test("Every level expands as the definition says", arguments: finishes, KernelLevel.available)
  func expand(finish: HopFinish, level: KernelLevel) {
    let kernel = HopKernel(level: level)
    for blocks in 1...6 {
      let world = HopWorld(
        count: 200, blocks: blocks, finish: finish, isExtreme: blocks % 2 == 0, seed: 77)
      let expected = (0..<UInt32(200)).map { world.expectedKey($0) }
      let middle = expected.sorted()[100]
      var random = SplitMix64(seed: UInt64(blocks))
      var epoch: UInt64 = 1
      var visited: Set<UInt32> = []
      for round in 0..<60 {
        if round % 10 == 0 {
          // A new walk: nothing was visited, whatever the words hold.
          epoch = round == 50 ? 0xffff : epoch + 1
          visited = []
        }
        let count = round % 3 == 0 ? 150 : 200
        var links = (0..<Int(random.next(below: 66))).map { _ in
          UInt32(random.next(below: UInt64(round % 7 == 0 ? 220 : 150)))
        }
        if round % 5 == 0 { links += [.max, 3, 4] }
        let threshold = [.max, middle, 0][round % 3]
        var fresh: [UInt32] = []
        for link in links {
          if Int(link) >= count { break }
          if visited.insert(link).inserted { fresh.append(link) }
        }
        let (scored, keys) = world.expand(
          kernel, links, count: count, epoch: epoch, threshold: threshold)
        #expect(scored == fresh.count, "\(blocks) blocks, round \(round)")
        #expect(
          keys.sorted() == fresh.map { expected[Int($0)] }.filter { $0 < threshold }.sorted(),
          "\(blocks) blocks, round \(round)")
      }
    }
  }

  @Test(
    "A link at or over the count ends the list, even the first", arguments: KernelLevel.available)
  func end(level: KernelLevel) {
    let world = HopWorld(count: 50, blocks: 2, finish: .product, isExtreme: false, seed: 5)
    let kernel = HopKernel(level: level)
    for end: UInt32 in [10, 11, 49, 50, 51, 0x7fff_ffff, 0x8000_0000, .max] {
      for place in 0...40 {
        world.forgetVisits()
        var links = [UInt32](repeating: 3, count: 41)
        for j in 0..<place { links[j] = UInt32(j % 10) }
        links[place] = end
        let (scored, keys) = world.expand(kernel, links, count: 10, epoch: 9, threshold: .max)
        #expect(scored == min(place, 10))
        #expect(Set(keys.map(\.ordinal)) == Set((0..<UInt32(min(place, 10)))))
      }
    }
  }

  @Test func keysOrderAsTheirEstimates() {
    let values: [Float] = [
      -.infinity, -1e30, -1, -.leastNonzeroMagnitude, -0.0, 0, .leastNonzeroMagnitude, 1, 1e30,
      .greatestFiniteMagnitude, .infinity,
    ]
    var keys: [CandidateKey] = [0]
    for value in values {
      var key: CandidateKey = 0
      let kept = unsafe packKeys(
        estimates: [value], ordinals: [7], count: 1, threshold: .max, keys: &key)
      #expect(kept == 1)
      #expect(key.floatEstimate.bitPattern == value.bitPattern)
      #expect(key.ordinal == 7)
      #expect(key > keys[keys.count - 1])
      keys.append(key)
    }
  }
}
