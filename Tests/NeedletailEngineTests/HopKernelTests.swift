import NeedletailCore
import NeedletailKernels
import Testing

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
