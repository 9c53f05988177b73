import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Result cache: who goes")
struct CacheOrderTests {
  @Test(
    "Whatever comes, goes and changes, bytes are within the capacity and every entry is in one list: by seed",
    arguments: 1...3)
  func model(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var memory = PopularityMemory(entries: 100)
    var order = CacheOrder(capacity: 10_000, policy: .lasting)
    var held: [Int: Int] = [:]
    var free: [Int] = []
    var refused = 0
    for step in 0..<40_000 {
      let slot = held.keys.sorted().randomElement(using: &random)
      switch random.next(below: 100) {
      case 0: order.policy = CachePolicy.allCases.randomElement(using: &random) ?? .lasting
      case 1..<30:
        if let slot {
          memory.record(order.hash(slot))
          order.touch(slot)
        }
      case 30..<35: if let slot { order.markStale(slot) }
      case 35..<40:
        if let slot {
          order.remove(slot)
          held[slot] = nil
          free.append(slot)
        }
      default:
        let slot = free.popLast() ?? held.count
        let byteCount = 1 + Int(random.next(below: 500))
        order.add(slot, hash: random.next(below: 1_000), byteCount: byteCount)
        held[slot] = byteCount
        order.makeRoom(memory)
        for departure in order.leaving {
          held[departure.slot] = nil
          free.append(departure.slot)
          if departure.isRefused { refused += 1 }
        }
        order.leaving.removeAll()
        #expect(order.byteCount <= 10_000)
      }
      guard step % 100 == 0 else { continue }
      var seen: Set<Int> = []
      for region in CacheOrder.Region.allCases {
        var next = order.first(region)
        while let slot = next, seen.insert(slot).inserted { next = order.next(slot) }
      }
      #expect(seen == Set(held.keys) && order.byteCount == held.values.reduce(0, +))
    }
    #expect(refused > 100 && held.count > 20)
  }

  @Test("Another policy moves entries over a few at a time, and drives none out at once")
  func gradual() {
    let memory = PopularityMemory(entries: 1_000)
    var order = CacheOrder(capacity: 1_000, policy: .recent)
    for slot in 0..<1_000 { order.add(slot, hash: UInt64(slot), byteCount: 1) }
    order.policy = .lasting
    func window() -> Int {
      var (count, next) = (0, order.first(.window))
      while let slot = next { (count, next) = (count + 1, order.next(slot)) }
      return count
    }
    var before = window()
    #expect(before == 1_000)
    while before > order.windowCapacity {
      order.makeRoom(memory)
      #expect(order.leaving.isEmpty && order.byteCount == 1_000)
      let after = window()
      #expect(after < before && after >= before - 4)
      before = after
    }
    #expect(before == 15)
  }

  @Test("What went stale goes first, and a newcomer drives out only what is less popular")
  func who() {
    var memory = PopularityMemory(entries: 1_000)
    var order = CacheOrder(capacity: 64, policy: .lasting)
    for slot in 0..<64 {
      for _ in 0..<3 { memory.record(UInt64(slot)) }
      order.add(slot, hash: UInt64(slot), byteCount: 1)
      order.makeRoom(memory)
    }
    func leave(_ slot: Int) -> CacheOrder.Departure? {
      order.add(slot, hash: UInt64(slot), byteCount: 1)
      order.makeRoom(memory)
      defer { order.leaving.removeAll() }
      #expect(order.leaving.count <= 1)
      return order.leaving.first
    }
    // What leaves the window stands against the others: it is as popular as they are, and no more.
    #expect(leave(64) == .init(slot: 63, isRefused: true))
    order.markStale(40)
    // Nobody asked for 64 and 65: the one finds an answer that went stale, the other none.
    #expect(leave(65) == .init(slot: 40, isRefused: false))
    for _ in 0..<9 { memory.record(66) }
    #expect(leave(66) == .init(slot: 65, isRefused: true))
    let last = leave(67)
    #expect(last?.isRefused == false && last?.slot != 66)
  }
}
