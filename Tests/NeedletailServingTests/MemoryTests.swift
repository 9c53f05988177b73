import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Memory accountant")
struct MemoryTests {
  @Test(
    "Against a plain model, by seed: limits hold, refusals change nothing, readmission is 5 points below"
  )
  func model() throws {
    for seed in 0..<UInt64(50) {
      var random = SplitMix64(seed: seed)
      let accountant = MemoryAccountant(MemoryCeilings(cache: 1_000, log: 0, total: 10_000))
      var held: [MemoryReservation] = []
      // The least that each limit has refused to each component.
      var byOwn: [MemoryComponent: Int] = [:]
      var byTotal: [MemoryComponent: Int] = [:]
      for _ in 0..<2_000 {
        if random.next(below: 5) < 3 || held.isEmpty {
          let component =
            MemoryComponent.allCases[
              Int(random.next(below: UInt64(MemoryComponent.allCases.count)))]
          let bytes = Int(random.next(below: random.next(below: 20) == 0 ? 12_000 : 700))
          let own = held.filter { $0.component == component }.reduce(0) { $0 + $1.bytes }
          let all = held.reduce(0) { $0 + $1.bytes }
          let limit = [.cache: 1_000, .log: 0][component] ?? .max
          let room = limit / 20 * (byOwn[component].map { bytes >= $0 } ?? false ? 19 : 20)
          let fitsOwn = limit == .max || own + bytes <= room
          let isAgain = byTotal[component].map { bytes >= $0 } ?? false
          let fitsAll = all + bytes <= (isAgain ? 9_500 : 10_000)
          do throws(NeedletailError) {
            held.append(try accountant.reserve(component, bytes: bytes))
            #expect(fitsOwn && fitsAll)
            if let least = byOwn[component], bytes >= least { byOwn[component] = nil }
            if let least = byTotal[component], bytes >= least { byTotal[component] = nil }
          } catch {
            #expect(error.code == .overBudget && !(fitsOwn && fitsAll))
            #expect(error.message.contains("\(bytes) bytes are needed"))
            #expect(error.message.contains("limit of \(fitsOwn ? 10_000 : limit) "))
            if !fitsOwn { byOwn[component] = min(bytes, byOwn[component] ?? .max) }
            if !fitsAll { byTotal[component] = min(bytes, byTotal[component] ?? .max) }
          }
          let least = [byOwn[component], byTotal[component]].compactMap { $0 }.min()
          #expect(accountant.use(of: component).closedFrom == least)
        } else {
          let reservation = held.remove(at: Int(random.next(below: UInt64(held.count))))
          if random.next(below: 2) == 0 {
            reservation.commit(reservation.bytes * 97 / 100)
            held.append(reservation)
          } else if random.next(below: 2) == 0 {
            reservation.release()
            reservation.release()
            reservation.commit(5)
            #expect(reservation.bytes == 0)
          }
        }
        #expect(accountant.total.used == held.reduce(0) { $0 + $1.bytes })
        #expect(accountant.total.used <= 10_000 && accountant.use(of: .cache).used <= 1_000)
      }
      held.removeAll()
      #expect(accountant.total.used == 0)
    }
  }

  @Test("What was refused is let in again 5 points below; smaller and other requests go on")
  func readmission() throws {
    let accountant = MemoryAccountant(MemoryCeilings(total: 1_000))
    func reserve(_ bytes: Int, _ component: MemoryComponent = .graph) -> MemoryReservation? {
      try? accountant.reserve(component, bytes: bytes)
    }
    let large = try #require(reserve(980))
    #expect(reserve(2_000) == nil && accountant.use(of: .graph).closedFrom == 2_000)
    // Far too large a request stops nobody.
    let other = try #require(reserve(1, .scratch))
    let next = try #require(reserve(9))
    #expect(reserve(15) == nil && accountant.use(of: .graph).closedFrom == 15)
    #expect(accountant.use(of: .scratch).closedFrom == nil)
    large.commit(930)
    // 15 would fit, and are not let in yet: 5 points would not stay free. Fewer are, and so is another component.
    #expect(reserve(15) == nil)
    let fewer = try #require(reserve(14))
    let scratch = try #require(reserve(16, .scratch))
    #expect(accountant.total.used == 970)
    for reservation in [other, next, fewer, scratch] { reservation.release() }
    #expect(reserve(21) == nil)
    let again = try #require(reserve(20))
    #expect(accountant.use(of: .graph).closedFrom == nil && accountant.total.used == 950)
    // After that, all of the limit is there for use.
    let rest = try #require(reserve(50))
    #expect(accountant.total.used == 1_000 && reserve(.max) == nil)
    // More than was reserved is there already, and counts.
    again.commit(70)
    #expect(accountant.total.used == 1_050 && reserve(0) == nil)
    rest.release()
  }

  @Test("The ledger and the ceilings have one rule: what was predicted to fit is let in")
  func oneRule() throws {
    for seed in 0..<UInt64(200) {
      var random = SplitMix64(seed: seed)
      let ceilings = MemoryCeilings(
        codes: 1 + Int(random.next(below: 1_000)), total: 1 + Int(random.next(below: 1_000)),
        headroom: random.nextUnit() * 0.9)
      let bytes = Int(random.next(below: 1_200))
      let accountant = MemoryAccountant(ceilings)
      let reservation = try? accountant.reserve(.codes, bytes: bytes)
      let isPredicted = (try? ceilings.check(predicted: MemoryUse([.codes: bytes]))) != nil
      #expect((reservation != nil) == isPredicted, "seed \(seed)")
      reservation?.release()
      // Of a thousandfold, all of it is refused; then the same bytes must leave the head-room.
      #expect(throws: NeedletailError.self) { try accountant.reserve(.codes, bytes: 1_000_000) }
      let again = try? accountant.reserve(.codes, bytes: 1_000_000)
      #expect(again == nil)
    }
    // Without a ceiling there is none.
    let endless = MemoryAccountant(MemoryCeilings())
    let all = try endless.reserve(.ids, bytes: .max)
    #expect(endless.total.limit == nil && all.bytes == .max)
    #expect(throws: NeedletailError.self) { try endless.reserve(.log, bytes: 1) }
  }

  @Test("Many threads together never exceed a limit")
  func threads() async {
    let accountant = MemoryAccountant(MemoryCeilings(total: 1_000))
    let refused = await withTaskGroup(of: Int.self) { group in
      for seed in 0..<UInt64(4) {
        group.addTask {
          var random = SplitMix64(seed: seed)
          var refused = 0
          for _ in 0..<2_000 {
            let reservation = try? accountant.reserve(
              .scratch, bytes: Int(random.next(below: 600)))
            #expect(accountant.total.used <= 1_000)
            if reservation == nil { refused += 1 }
          }
          return refused
        }
      }
      return await group.reduce(0, +)
    }
    #expect(refused >= 0 && accountant.total.used == 0)
  }
}
