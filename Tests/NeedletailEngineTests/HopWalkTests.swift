import NeedletailCore
import NeedletailKernels
import Testing

/// What a walk is told, beside its rows and links.
private struct WalkPlan {
  var capacity: Int
  var window: Int
  var least: Int
  var breadth: Int
  /// Ratio, floor, base, blur and noise of the end by distance; ratio 0: the window alone.
  var stop: (ratio: Float, floor: Float, base: Float, blur: Float, noise: Float)
}

/// The walk as its documentation defines it, on arrays and sets, without a thought for speed.
private struct WalkModel {
  let keys: [CandidateKey]
  let isInteger: Bool
  let links: [[UInt32]]
  let plan: WalkPlan
  var pool: [CandidateKey]
  var expanded: Set<UInt32> = []
  var visited: Set<UInt32>
  var end = CandidateKey.max
  var edge = CandidateKey.max
  var rounds = 0
  var scored = 0
  var isOver = false

  init(keys: [CandidateKey], isInteger: Bool, links: [[UInt32]], plan: WalkPlan, start: UInt32) {
    self.keys = keys
    self.isInteger = isInteger
    self.links = links
    self.plan = plan
    pool = [keys[Int(start)]]
    visited = [start]
  }

  mutating func round() {
    let window = pool.count > plan.window && pool.count >= plan.least ? plan.window : pool.count
    let waiting = pool.prefix(window).filter { !expanded.contains($0.ordinal) && $0 < end }
    // Before the window is full and the nearest are known, and in the first rounds, one at a time.
    let first = pool.first { !expanded.contains($0.ordinal) }
    guard let first, first == waiting.first else {
      isOver = true
      return
    }
    var breadth = rounds < 4 ? 1 : min(plan.breadth, (rounds - 4) / 2 + 2)
    if pool.count < plan.least { breadth = 1 }
    rounds += 1
    var fresh: [UInt32] = []
    for key in waiting.prefix(breadth) {
      expanded.insert(key.ordinal)
      for link in links[Int(key.ordinal)] where visited.insert(link).inserted { fresh.append(link) }
    }
    scored += fresh.count
    settle(fresh)
  }

  private mutating func settle(_ fresh: [UInt32]) {
    let full = pool.count == plan.capacity ? pool[pool.count - 1] : .max
    let near = fresh.map { keys[Int($0)] }.filter { $0 < min(full, edge) }
    guard let nearest = near.min() else { return }
    let place = pool.firstIndex { $0 > nearest } ?? pool.count
    pool = Array((pool + near).sorted().prefix(plan.capacity))
    guard place < plan.least, pool.count >= plan.least, plan.stop.ratio > 0 else { return }
    let last = estimate(pool[plan.least - 1])
    let distance = max(0, last + plan.stop.base)
    let reach = max(plan.stop.ratio * distance, plan.stop.floor)
    let kept = (plan.stop.blur * distance + plan.stop.noise).squareRoot()
    end = above(last + reach)
    edge = above(last + max(reach, kept))
    pool = Array(pool.prefix(max(plan.least, pool.count { $0 < edge })))
  }

  private func estimate(_ key: CandidateKey) -> Float {
    isInteger ? Float(key.integerEstimate) : key.floatEstimate
  }

  /// The first key above a limit.
  private func above(_ limit: Float) -> CandidateKey {
    let order: UInt32
    if isInteger {
      order =
        limit < 2_147_483_520 ? UInt32(bitPattern: Int32(limit)) ^ 0x8000_0000 : 0xffff_fffe
    } else {
      let bits = limit.bitPattern
      order = bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
    }
    return (CandidateKey(order) + 1) << 32
  }
}

@Suite("Walks on codes")
struct HopWalkTests {
  private static let stops: [(Float, Float, Float, Float, Float)] = [
    (0, 0, 0, 0, 0), (0.05, 0, 40_000, 0, 0), (0.4, 200, 40_000, 900, 50_000),
    (2, 31_623, 0, 0, 1e9),
  ]

  /// Every pool size and number of new keys that a register, a word or a list can end at, at every level.
  @Test(
    "Every level walks as the definition says", arguments: KernelLevel.available,
    [HopFinish.norm, .factor])
  func walk(level: KernelLevel, finish: HopFinish) throws {
    let kernel = HopKernel(level: level)
    for seed in 1...40 {
      var random = SplitMix64(seed: UInt64(seed))
      let count = [40, 300, 900][seed % 3]
      let degree = [1, 5, 16, 48][seed % 4]
      let world = HopWorld(
        count: count, blocks: 1, finish: finish, isExtreme: false, seed: UInt64(seed))
      let links = (0..<count).map { _ in
        // Few repeat, some lists are full and some empty.
        (0..<Int(random.next(below: UInt64(degree + 1)))).map { _ in
          UInt32(random.next(below: UInt64(count)))
        }
      }
      let capacity = 1 + Int(random.next(below: [8, 70, 400][Int(random.next(below: 3))]))
      let stop = Self.stops[Int(random.next(below: 4))]
      let plan = WalkPlan(
        capacity: capacity, window: 1 + Int(random.next(below: UInt64(capacity))),
        least: 1 + Int(random.next(below: UInt64(min(capacity, 20)))),
        breadth: 1 + Int(random.next(below: UInt64(HopKernel.breadth))),
        stop: (ratio: stop.0, floor: stop.1, base: stop.2, blur: stop.3, noise: stop.4))
      var model = WalkModel(
        keys: (0..<UInt32(count)).map { world.expectedKey($0) }, isInteger: finish == .norm,
        links: links, plan: plan, start: 7)
      try compare(kernel, world, links, degree, plan, &model, "seed \(seed): \(plan)")
    }
  }

  private func compare(
    _ kernel: HopKernel, _ world: HopWorld, _ links: [[UInt32]], _ degree: Int, _ plan: WalkPlan,
    _ model: inout WalkModel, _ comment: Comment
  ) throws {
    let rows = links.flatMap { $0 + Array(repeating: .max, count: degree - $0.count) }
    let room = plan.capacity + HopKernel.breadth * degree + HopKernel.slack
    try unsafe rows.withUnsafeBufferPointer { rows in
      guard let start = rows.baseAddress else { return }
      try unsafe withUnsafeTemporaryAllocation(of: CandidateKey.self, capacity: room) { pool in
        // Junk behind the pool must not matter.
        unsafe pool.initialize(repeating: 0x1234_5678_9abc_def0)
        unsafe pool[0] = model.pool[0]
        guard let memory = pool.baseAddress else { return }
        world.visit(7, epoch: 3)
        var walk = unsafe HopWalk(
          kernel, world.space, world.query, links: start, degree: degree, count: links.count,
          pool: memory, size: 1, capacity: plan.capacity, window: plan.window, least: plan.least,
          visited: world.visited, epoch: 3, ordinals: world.ordinals, keys: world.keys,
          breadth: plan.breadth)
        if plan.stop.ratio > 0 {
          walk.stop(
            beyond: plan.stop.ratio, floor: plan.stop.floor, base: plan.stop.base,
            blur: plan.stop.blur,
            noise: plan.stop.noise)
        }
        while true {
          model.round()
          let goesOn = walk.gather()
          try #require(goesOn == !model.isOver, comment)
          guard goesOn else { break }
          walk.settle()
          try #require(walk.scored == model.scored, comment)
          try #require(walk.hops == model.expanded.count, comment)
          let found = (0..<walk.size).map { unsafe pool[$0] }
          let expected = model.pool.map { $0 | (model.expanded.contains($0.ordinal) ? 1 : 0) }
          let isEqual = found == expected
          try #require(isEqual, comment)
        }
      }
    }
  }
}
