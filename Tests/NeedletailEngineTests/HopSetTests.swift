import NeedletailCore
import NeedletailKernels
import Testing

@testable import NeedletailEngine

@Suite("Kernels among a set of rows")
struct HopSetTests {
  private static func set(count: Int, share: Double, _ random: inout SplitMix64) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: (count + 63) / 64)
    for row in 0..<count where random.nextUnit() < share {
      words[row / 64] |= 1 << UInt64(row % 64)
    }
    return words
  }

  private static func contains(_ set: [UInt64], _ row: Int) -> Bool {
    set[row / 64] >> UInt64(row % 64) & 1 != 0
  }

  @Test(
    "A scan keeps the nearest of the set, at every level", arguments: KernelLevel.available,
    [HopFinish.product, .norm, .scaledNorm, .factor, .reduced])
  func scan(level: KernelLevel, finish: HopFinish) {
    let kernel = HopKernel(level: level)
    for seed in 1...12 {
      var random = SplitMix64(seed: UInt64(seed))
      let count = [1, 63, 64, 65, 500, 1_500][seed % 6]
      let world = HopWorld(
        count: count, blocks: 1 + seed % 3, finish: finish, isExtreme: false, seed: UInt64(seed))
      for share in [0, 0.01, 0.5, 1] {
        let set = Self.set(count: count, share: share, &random)
        let capacity = [1, 10, 300, 2_000][seed % 4]
        let expected = (0..<count).filter { Self.contains(set, $0) }
          .map { world.expectedKey(UInt32($0)) }.sorted().prefix(capacity)
        let found = unsafe withUnsafeTemporaryAllocation(
          of: CandidateKey.self, capacity: HopKernel.scanRoom(keeping: capacity) + HopScan.slack
        ) { pool in
          unsafe pool.initialize(repeating: 0x1234_5678_9abc_def0)
          guard let start = pool.baseAddress else { return [CandidateKey]() }
          let size = unsafe set.withUnsafeBufferPointer { words in
            unsafe kernel.scan(
              world.space, world.query, set: words.baseAddress.unsafelyUnwrapped,
              words: words.count, pool: start, capacity: capacity)
          }
          return (0..<size).map { unsafe pool[$0] }
        }
        #expect(found == Array(expected), "seed \(seed), share \(share)")
      }
    }
  }

  /// What a walk among a set comes to.
  private struct Course: Equatable {
    var found: [CandidateKey]
    var scored: Int
    var hops: Int
    var isExhausted: Bool
  }

  @Test(
    "Every level walks the same way among a set, and finds rows of it alone",
    arguments: KernelLevel.available, [SetWalk.inFilter, .twoHop])
  func walk(level: KernelLevel, kind: SetWalk) throws {
    for seed in 1...40 {
      var random = SplitMix64(seed: UInt64(seed))
      let count = [40, 300, 900][seed % 3]
      let degree = [4, 16, 48][seed % 3]
      let world = HopWorld(
        count: count, blocks: 1, finish: [.norm, .factor][seed % 2], isExtreme: false,
        seed: UInt64(seed))
      let links = (0..<(count * degree)).map { _ in
        random.next(below: 12) == 0 ? .max : UInt32(random.next(below: UInt64(count)))
      }
      let set = Self.set(
        count: count, share: [0.05, 0.3, 0.9][Int(random.next(below: 3))], &random)
      let rank = 1 + Int(random.next(below: 20))
      let stop: Float = [0, 0.3][Int(random.next(below: 2))]
      let window = 64 + Int(random.next(below: 400))
      func course(_ level: KernelLevel) -> Course {
        Self.course(
          HopKernel(level: level), world, links, degree, set, kind, rank: rank, window: window, stop
        )
      }
      let reference = course(.scalar)
      #expect(course(level) == reference, "seed \(seed)")
      #expect(reference.found.allSatisfy { Self.contains(set, Int($0.ordinal)) })
      #expect(Set(reference.found.map(\.ordinal)).count == reference.found.count)
      for key in reference.found { #expect(key & ~1 == world.expectedKey(key.ordinal)) }
      #expect(zip(reference.found, reference.found.dropFirst()).allSatisfy { $0 < $1 })
    }
  }

  private static func course(
    _ kernel: HopKernel, _ world: HopWorld, _ links: [UInt32], _ degree: Int, _ set: [UInt64],
    _ kind: SetWalk, rank: Int, window: Int, _ stop: Float
  ) -> Course {
    let room = window + HopKernel.breadth * degree + 64 + HopKernel.slack
    let capacity = rank + 30
    return unsafe withUnsafeTemporaryAllocation(
      of: CandidateKey.self, capacity: room + capacity + 80
    ) {
      memory in
      unsafe memory.initialize(repeating: 0)
      let pool = unsafe memory.baseAddress.unsafelyUnwrapped
      unsafe pool[0] = world.expectedKey(7)
      world.visit(7, epoch: 3)
      return unsafe links.withUnsafeBufferPointer { links in
        unsafe set.withUnsafeBufferPointer { set in
          var walk = unsafe HopWalk(
            kernel, world.space, world.query, links: links.baseAddress.unsafelyUnwrapped,
            degree: degree, count: world.count, pool: pool, size: 1, capacity: window,
            window: min(window, 64), least: rank, visited: world.visited, epoch: 3,
            ordinals: world.ordinals, keys: world.keys)
          unsafe walk.among(
            set.baseAddress.unsafelyUnwrapped, kind, kernel, rank: rank, window: window,
            best: pool + room, capacity: capacity)
          if stop > 0 { walk.stop(beyond: stop, floor: 0, base: 40_000, blur: 0, noise: 0) }
          walk.run()
          let isExhausted = walk.isExhausted
          let count = unsafe walk.takeFound(kind)
          return Course(
            found: (0..<count).map { unsafe pool[$0] }, scored: walk.scored, hops: walk.hops,
            isExhausted: isExhausted)
        }
      }
    }
  }
}
