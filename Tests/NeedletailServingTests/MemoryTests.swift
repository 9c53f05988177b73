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
      let accountant = try MemoryAccountant(
        MemorySettings(total: 10_000, ceilings: [.codes: 4_000, .cache: 1_000, .log: 0]))
      var held: [MemoryReservation] = []
      var closed: Set<Int> = []
      for _ in 0..<2_000 {
        if random.next(below: 5) < 3 || held.isEmpty {
          let component =
            MemoryComponent.allCases[
              Int(random.next(below: UInt64(MemoryComponent.allCases.count)))]
          let bytes = Int(random.next(below: random.next(below: 20) == 0 ? 12_000 : 700))
          // The model: sums of what is held, and which limits have refused.
          let own = held.filter { $0.component == component }.reduce(0) { $0 + $1.bytes }
          let all = held.reduce(0) { $0 + $1.bytes }
          let limit = [.codes: 4_000, .cache: 1_000, .log: 0][component] ?? 10_000
          let fitsOwn =
            own + bytes <= (closed.contains(component.rawValue) ? limit * 95 / 100 : limit)
          let fitsAll = all + bytes <= (closed.contains(-1) ? 9_500 : 10_000)
          do throws(NeedletailError) {
            held.append(try accountant.reserve(component, bytes: bytes))
            #expect(fitsOwn && fitsAll)
            closed.remove(component.rawValue)
            closed.remove(-1)
          } catch {
            #expect(error.code == .overBudget && !(fitsOwn && fitsAll))
            #expect(error.message.contains("\(bytes) bytes are needed"))
            #expect(error.message.contains("limit of \(fitsOwn ? 10_000 : limit) "))
            if !fitsOwn { closed.insert(component.rawValue) }
            if !fitsAll { closed.insert(-1) }
          }
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
        #expect(accountant.total.used <= 10_000 && accountant.use(of: .codes).used <= 4_000)
      }
      held.removeAll()
      #expect(accountant.total.used == 0)
    }
  }

  @Test("After a refusal at the limit, little is let in only where it stays 5 points below")
  func readmission() throws {
    let accountant = try MemoryAccountant(MemorySettings(total: 1_000))
    func reserve(_ bytes: Int) -> MemoryReservation? {
      try? accountant.reserve(.graph, bytes: bytes)
    }
    let large = try #require(reserve(990))
    #expect(reserve(20) == nil && accountant.total.isClosed)
    // It would fit, and is not let in yet.
    #expect(reserve(5) == nil)
    large.commit(940)
    #expect(reserve(11) == nil)
    let small = reserve(10)
    #expect(small != nil && !accountant.total.isClosed)
    let rest = reserve(50)
    #expect(rest != nil && accountant.total.used == 1_000)
    #expect(reserve(.max) == nil)
    // More than was reserved is there already, and counts.
    small?.commit(60)
    #expect(accountant.total.used == 1_050 && reserve(0) == nil)
  }

  @Test("Many threads together never exceed a limit")
  func threads() async throws {
    let accountant = try MemoryAccountant(MemorySettings(total: 1_000))
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

  @Test("Settings that cannot be are refused")
  func refused() {
    func accepts(_ settings: MemorySettings) -> Bool { (try? MemoryAccountant(settings)) != nil }
    #expect(accepts(MemorySettings(total: 1)))
    #expect(!accepts(MemorySettings(total: 0)))
    #expect(!accepts(MemorySettings(total: .max)))
    #expect(!accepts(MemorySettings(total: 10, ceilings: [.codes: 11])))
    #expect(!accepts(MemorySettings(total: 10, ceilings: [.codes: -1])))
  }
}
