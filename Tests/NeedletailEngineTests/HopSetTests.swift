import NeedletailCore
import NeedletailKernels
import Testing

@testable import NeedletailEngine

/// Scans a set, taking what was found out of the pool at every pause.
@unsafe
func scanInParts(
  _ kernel: HopKernel, _ space: HopSpace, _ query: HopQuery, _ set: UnsafeBufferPointer<UInt64>,
  _ pool: UnsafeMutableBufferPointer<CandidateKey>, room: Int, threshold: CandidateKey
) -> [CandidateKey] {
  guard let words = set.baseAddress, let start = pool.baseAddress else { return [] }
  var scan = unsafe HopScan(set: words, words: set.count, pool: start, room: room)
  scan.threshold = threshold
  var found: [CandidateKey] = []
  while !scan.isOver {
    unsafe kernel.run(&scan, space, query)
    #expect(scan.isOver || scan.size >= room)
    #expect(scan.size < room + HopScan.slack)
    for place in 0..<scan.size { unsafe found.append(pool[place]) }
    scan.size = 0
  }
  return found
}

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

  @Test(
    "A scan in parts gives the keys below its threshold, in the order of the rows",
    arguments: KernelLevel.available, [HopFinish.norm, .factor])
  func parts(level: KernelLevel, finish: HopFinish) {
    let kernel = HopKernel(level: level)
    for seed in 1...6 {
      var random = SplitMix64(seed: UInt64(seed))
      let count = [64, 1_000, 3_000][seed % 3]
      let world = HopWorld(
        count: count, blocks: 1 + seed % 2 * 5, finish: finish, isExtreme: false,
        seed: UInt64(seed))
      let set = Self.set(count: count, share: [0.05, 0.6, 1][seed / 2 % 3], &random)
      let keys = (0..<count).filter { Self.contains(set, $0) }
        .map { world.expectedKey(UInt32($0)) }
      let median = keys.sorted()[keys.count / 2]
      for threshold in [median, 0, .max] {
        for room in [1, 100, 700, 5_000] {
          var pool = [CandidateKey](repeating: 0, count: count + HopScan.slack)
          let found = unsafe set.withUnsafeBufferPointer { words in
            unsafe pool.withUnsafeMutableBufferPointer { pool in
              unsafe scanInParts(
                kernel, world.space, world.query, words, pool, room: room, threshold: threshold)
            }
          }
          #expect(found == keys.filter { $0 < threshold }, "seed \(seed), room \(room)")
        }
      }
    }
  }

  /// Distinct keys by chance, sorted either way, or with the lowest where samples are drawn.
  private static func keys(_ count: Int, order: Int, _ random: inout SplitMix64) -> [CandidateKey] {
    let drawn = Set((0..<64).map { $0 * count / 64 })
    return (0..<count).map { place in
      let estimate: UInt64 =
        switch order {
        case 0: random.next(below: 50)
        case 1: UInt64(place)
        case 2: UInt64(count - place)
        default: drawn.contains(place) ? 3 : 1_000 + random.next(below: 1 << 30)
        }
      return estimate << 32 | CandidateKey(place) << 1
    }
  }

  @Test("A cut leaves the lowest in their order, at every level", arguments: KernelLevel.available)
  func cut(level: KernelLevel) {
    let kernel = HopKernel(level: level)
    for order in 0..<4 {
      for count in [0, 1, 7, 63, 64, 65, 300, 4_000] {
        var random = SplitMix64(seed: UInt64(count))
        let keys = Self.keys(count, order: order, &random)
        #expect(Set(keys).count == count)
        for least in [1, 10, 42, 43, 200, max(1, count - 1), count + 1] {
          var left = keys + [CandidateKey](repeating: 0, count: HopKernel.slack)
          let size = unsafe left.withUnsafeMutableBufferPointer {
            unsafe kernel.cut($0.baseAddress.unsafelyUnwrapped, count: count, toLowest: least)
          }
          let expected = min(count, least)
          #expect(size >= expected && size <= max(expected, least * 3 / 2, least < 43 ? 0 : 64))
          let last = keys.sorted().prefix(size).last ?? 0
          #expect(
            Array(left.prefix(size)) == keys.filter { $0 <= last }, "\(order), \(count), \(least)")
        }
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

  @Test(
    "A walk past rows outside a set remembers the nearest inside, the same at every level",
    arguments: KernelLevel.available)
  func passing(level: KernelLevel) throws {
    for seed in 1...60 {
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
      let room = [1, 10, 60, count][Int(random.next(below: 4))]
      // The last holds whatever the walk sees, and is longer than what is merged by ranks.
      let capacity = [70, 140, 400, 1_100][Int(random.next(below: 4))]
      let rank = 1 + Int(random.next(below: 12))
      let reference = Self.pass(
        HopKernel(level: .scalar), world, links, degree, set, rank: rank, capacity, room)
      #expect(
        Self.pass(HopKernel(level: level), world, links, degree, set, rank: rank, capacity, room)
          == reference, "seed \(seed)")
      let members = reference.pool.map { $0 & ~1 }
        .filter { Self.contains(set, Int($0.ordinal)) }
      let found = reference.found
      for key in found { #expect(key == world.expectedKey(key.ordinal)) }
      #expect(found.allSatisfy { Self.contains(set, Int($0.ordinal)) })
      if capacity > count { #expect(found == Array(members.prefix(room)), "seed \(seed)") }
      #expect(Array(found.prefix(members.count)) == Array(members.prefix(found.count)))
      // Places count from 1, and stop at the rank.
      let places = reference.pool.indices.filter {
        Self.contains(set, Int(reference.pool[$0].ordinal))
      }.prefix(rank).map { $0 + 1 }
      #expect(reference.places == [places.count, places.reduce(0, +)])
      #expect(reference.front >= min(capacity / 2, reference.pool.count) || capacity == 1_100)
    }
  }

  /// What a walk past rows comes to.
  private struct Passage: Equatable {
    var pool: [CandidateKey]
    var found: [CandidateKey]
    var places: [Int]
    var front: Int
    var scored: Int
  }

  private static func pass(
    _ kernel: HopKernel, _ world: HopWorld, _ links: [UInt32], _ degree: Int, _ set: [UInt64],
    rank: Int, _ capacity: Int, _ kept: Int
  ) -> Passage {
    let room = capacity + HopKernel.passingBreadth * degree + 64 + HopKernel.slack
    return unsafe withUnsafeTemporaryAllocation(
      of: CandidateKey.self, capacity: room + kept + 64 + HopKernel.slack
    ) { memory in
      unsafe memory.initialize(repeating: 0)
      let pool = unsafe memory.baseAddress.unsafelyUnwrapped
      unsafe pool[0] = world.expectedKey(7)
      for word in 0...(world.count / HopKernel.rowsPerVisitedWord) {
        unsafe world.visited[word] = 0
      }
      world.visit(7, epoch: 3)
      return unsafe links.withUnsafeBufferPointer { links in
        unsafe set.withUnsafeBufferPointer { set in
          var walk = unsafe HopWalk(
            kernel, world.space, world.query, links: links.baseAddress.unsafelyUnwrapped,
            degree: degree, count: world.count, pool: pool, size: 1, capacity: 20, window: 20,
            least: min(world.count, 10), visited: world.visited, epoch: 3,
            ordinals: world.ordinals, keys: world.keys)
          walk.stop(beyond: 0.2, floor: 0, base: 40_000, blur: 0, noise: 0)
          unsafe walk.remember(
            set.baseAddress.unsafelyUnwrapped, kernel, capacity: capacity, found: pool + room,
            room: kept)
          walk.run()
          walk.expand(window: capacity == 1_100 ? capacity : capacity / 2)
          walk.run()
          let places = walk.places(upTo: rank)
          let whole = (0..<walk.size).map { unsafe pool[$0] }
          let (count, isAscending) = unsafe walk.takeRemembered(kernel)
          #expect(isAscending)
          return Passage(
            pool: whole, found: (0..<count).map { unsafe pool[$0] },
            places: [places.found, places.sum], front: walk.front, scored: walk.scored)
        }
      }
    }
  }
}
