import NeedletailBudgets
import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailServing

@Suite("Result cache: saved behind, for a warm start")
struct CacheSaverTests {
  /// An index of points with the number of its last change, and the cache before it.
  private final class World: Sendable {
    let cache: ResultCache<PointJudge>
    let index: Shared<PointIndex>
    let number = Shared<UInt64>(0)

    init(_ index: PointIndex? = nil) throws {
      cache = try ResultCache(ResultCacheSettings(capacity: 1 << 20), judge: PointJudge())
      var random = SplitMix64(seed: 6)
      var points = PointIndex()
      for id in 0..<UInt64(40) { points.points[id] = Point(&random) }
      self.index = Shared(index ?? points)
    }

    var identity: [UInt8] { [7, UInt8(truncatingIfNeeded: number.value)] }

    func ask(_ count: Int, seed: UInt64) {
      var random = SplitMix64(seed: seed)
      for _ in 0..<count {
        let key = cache.key(&random, questions: 1_000, rungs: Rung.searching)
        if case .lead(let lead) = cache.lookup(key, deadline: 0, at: 0, done: { _ in }) {
          lead.finish(index.value.search(key))
        }
      }
    }

    func change(seed: UInt64) {
      var random = SplitMix64(seed: seed)
      let change = index.change { $0.change(&random, ids: 60) }
      cache.apply([change], at: 0)
      number.change { $0 += 1 }
    }

    /// Whether every fresh answer is what a search gives.
    var isTrue: Bool {
      cache.shards.allSatisfy { shard in
        shard.state.withLock { state in
          var isTrue = true
          state.forEach { _, entry in
            let answer = entry.answer
            if answer.neighbors != index.value.search(answer.key) { isTrue = false }
          }
          return isTrue
        }
      }
    }
  }

  @Test("Saved when it is time and anything has changed, and not otherwise")
  func schedule() throws {
    let (world, disk) = (try World(), InMemoryFileSystem())
    try disk.makeDirectory("d")
    try disk.synchronizeDirectory("/")
    let saver = CacheSaver(world.cache, path: "d/cache", in: disk, interval: 100)
    func save(_ now: Nanoseconds) throws -> CacheSave {
      try saver.saveIfDue(at: now) { world.identity }
    }
    world.ask(50, seed: 1)
    let bytes = try #require(world.cache.saved(identity: world.identity))
    #expect(try save(5) == .answers(byteCount: bytes.count))
    #expect(disk.contents("d/cache") == bytes && disk.allFiles() == ["d/cache"])
    world.ask(50, seed: 2)
    #expect(try save(104) == .early)
    guard case .answers(let count) = try save(105), count > bytes.count else {
      Issue.record("not saved again")
      return
    }
    #expect(try save(204) == .early && save(205) == .unchanged && save(304) == .early)
    // A change that touches no answer is another content all the same.
    world.cache.apply([.removed(1_000)], at: 0)
    world.number.change { $0 += 1 }
    #expect(try save(305) == .answers(byteCount: count) && save(405) == .unchanged)
    #expect(try saver.save { world.identity } == .unchanged)
    world.change(seed: 3)
    guard case .answers = try saver.save(identity: { world.identity }) else {
      Issue.record("not saved at the end")
      return
    }
    // Durable: all is there after the power was cut.
    disk.crash()
    let warm = try World(world.index.value)
    let start = CacheSaver(warm.cache, path: "d/cache", in: disk).restore(identity: world.identity)
    #expect(start.fault == nil && start.found.answers > 30 && warm.isTrue)
  }

  @Test("While changes never end, the questions are saved; no answer is taken from them")
  func questions() throws {
    let (world, disk) = (try World(), InMemoryFileSystem())
    let saver = CacheSaver(world.cache, path: "cache", in: disk, interval: 10)
    world.ask(50, seed: 1)
    // Somebody else changes something between any two looks.
    guard
      case .questions = try saver.saveIfDue(
        at: 0,
        identity: {
          world.change(seed: world.number.value)
          return world.identity
        })
    else {
      Issue.record("answers were saved while they changed")
      return
    }
    // A change is visible that the cache does not know.
    world.ask(5, seed: 9)
    guard case .questions = try saver.saveIfDue(at: 10, identity: { nil }) else {
      Issue.record("answers were saved without an identity")
      return
    }
    #expect(try saver.saveIfDue(at: 20, identity: { nil }) == .unchanged)
    for identity in [world.identity, []] {
      let warm = try World(world.index.value)
      let start = CacheSaver(warm.cache, path: "cache", in: disk).restore(identity: identity)
      #expect(start.fault == nil && start.found.answers == 0 && warm.cache.count == 0)
      #expect(start.found.questions.count == world.cache.count && world.cache.count > 20)
    }
    guard case .answers = try saver.saveIfDue(at: 30, identity: { world.identity }) else {
      Issue.record("answers were not saved when changes had ended")
      return
    }
    // Nor do the same questions alone take the place of their answers.
    #expect(try saver.saveIfDue(at: 40, identity: { nil }) == .unchanged)
  }

  @Test("The most popular questions come first")
  func order() throws {
    let (world, disk) = (try World(), InMemoryFileSystem())
    let popular = world.cache.key(query: [200, 200], k: 4, rung: .full)
    world.ask(100, seed: 1)
    for _ in 0..<9 {
      let found = world.cache.lookup(popular, deadline: 0, at: 0, done: { _ in })
      if case .lead(let lead) = found { lead.finish(world.index.value.search(popular)) }
    }
    world.ask(100, seed: 2)
    _ = try CacheSaver(world.cache, path: "cache", in: disk).save { world.identity }
    let cold = try World()
    let start = CacheSaver(cold.cache, path: "cache", in: disk).restore(identity: [])
    #expect(start.found.questions.first?.query == [200, 200])
  }

  @Test(
    "A file of another content gives its questions and is gone, so that its identity cannot come true again"
  )
  func otherContent() throws {
    let (world, disk) = (try World(), InMemoryFileSystem())
    world.ask(50, seed: 1)
    _ = try CacheSaver(world.cache, path: "cache", in: disk).save { [7, 6] }
    let first = try World()
    let start = CacheSaver(first.cache, path: "cache", in: disk).restore(identity: [7, 5])
    #expect(start.fault == nil && start.found.answers == 0)
    #expect(start.found.questions.count == world.cache.count && first.cache.count == 0)
    disk.crash()
    let second = try World()
    let again = CacheSaver(second.cache, path: "cache", in: disk).restore(identity: [7, 6])
    #expect(again.fault == nil && again.found.answers == 0 && again.found.questions.isEmpty)
  }

  @Test("Every cut and every flipped bit of the file is reported, and the start is empty")
  func damaged() throws {
    let (world, disk) = (try World(), InMemoryFileSystem())
    world.ask(2, seed: 1)
    _ = try CacheSaver(world.cache, path: "cache", in: disk).save { world.identity }
    let bytes = try #require(disk.contents("cache"))
    let warm = try World()
    let saver = CacheSaver(warm.cache, path: "cache", in: disk)
    func isReported(_ bytes: [UInt8]) throws -> Bool {
      try disk.setContents("cache", bytes)
      let start = saver.restore(identity: world.identity)
      return start.found.answers == 0 && start.found.questions.isEmpty && warm.cache.count == 0
        && [.corrupted, .unsupportedFormat].contains(start.fault?.code)
        && start.fault?.location?.path == "cache"
    }
    for count in bytes.indices { #expect(try isReported(Array(bytes[..<count]))) }
    for bit in 0..<(bytes.count * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(try isReported(damaged))
    }
    // The next time, there is a whole file again.
    warm.ask(6, seed: 1)
    _ = try saver.save { world.identity }
    let next = try World()
    let start = CacheSaver(next.cache, path: "cache", in: disk).restore(identity: world.identity)
    #expect(start.fault == nil && start.found.answers == warm.cache.count && next.isTrue)
  }

  @Test("Whatever call fails, and wherever the power is cut, there is the old file or the new one")
  func faults() throws {
    var call = 0
    var (failed, old, new) = (0, 0, 0)
    for isPermanent in [false, true] {
      call = 0
      while true {
        call += 1
        let disk = SimulatedDisk(seed: UInt64(call))
        let world = try World()
        let saver = CacheSaver(world.cache, path: "cache", in: disk)
        world.ask(20, seed: 1)
        _ = try saver.save { world.identity }
        let before = (world.identity, world.index.value)
        world.change(seed: 4)
        world.ask(20, seed: 2)
        disk.arm(.init(call: call, isPermanent: isPermanent, isTorn: true))
        let isSaved: Bool
        do throws(NeedletailError) {
          _ = try saver.save { world.identity }
          isSaved = true
        } catch {
          #expect(error.code == .io)
          failed += 1
          isSaved = false
        }
        guard disk.hasFired else {
          #expect(isSaved)
          break
        }
        let after = (world.identity, world.index.value)
        if !isPermanent {
          // The process goes on, and succeeds the next time.
          disk.arm(nil)
          let later = try saver.save { world.identity }
          #expect(isSaved ? later == .unchanged : later != .unchanged && later != .early)
        }
        disk.crash(seed: UInt64(call))
        let found = [before, after].map { identity, index in
          // Each on its own, since looking for another content removes the file.
          guard let warm = try? World(index), let bytes = disk.contents("cache") else { return 0 }
          let copy = InMemoryFileSystem()
          try? copy.setContents("cache", bytes)
          let start = CacheSaver(warm.cache, path: "cache", in: copy).restore(identity: identity)
          #expect(start.fault == nil && warm.isTrue)
          return start.found.answers
        }
        #expect((found[0] > 0) != (found[1] > 0), "call \(call)")
        if found[0] > 0 { old += 1 } else { new += 1 }
        if !isPermanent { #expect(found[1] > 0) }
      }
    }
    #expect(failed > 8 && old > 3 && new > 3, "\(failed) \(old) \(new)")
  }

  /// Every state that the index ever had, and whether one is visible that the cache was not told of.
  private struct History: Sendable {
    var states: [PointIndex]
    var settled = true
  }

  @Test("What is saved beside threads that read and write is true of the content that it names")
  func threads() async throws {
    let (world, disk) = (try World(), InMemoryFileSystem())
    let (cache, history) = (world.cache, Shared(History(states: [world.index.value])))
    let isOver = Shared(false)
    let saved = Shared(0)
    @Sendable func number(_ place: Int) -> [UInt8] { [UInt8(place & 255), UInt8(place >> 8)] }
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        var random = SplitMix64(seed: 1)
        for step in 0..<400 {
          let change = history.change { history in
            history.settled = false
            var state = history.states[history.states.count - 1]
            let change = state.change(&random, ids: 60)
            history.states.append(state)
            return change
          }
          await Task.yield()
          cache.apply([change], at: Int64(step))
          history.change { $0.settled = true }
          for _ in 0..<random.next(below: 20) { await Task.yield() }
          // Or a slow saver would never find a moment without changes.
          while saved.value < step / 40 { await Task.yield() }
        }
        isOver.change { $0 = true }
      }
      group.addTask {
        var random = SplitMix64(seed: 2)
        while !isOver.value {
          let key = cache.key(&random, questions: 300, rungs: Rung.searching)
          if case .lead(let lead) = cache.lookup(key, deadline: 0, at: 0, done: { _ in }) {
            let state = history.change { $0.states[$0.states.count - 1] }
            lead.finish(state.search(key))
          }
          await Task.yield()
        }
      }
      group.addTask {
        let saver = CacheSaver(cache, path: "cache", in: disk)
        while !isOver.value {
          let outcome = try? saver.save {
            history.change { $0.settled ? number($0.states.count - 1) : nil }
          }
          if case .answers = outcome, let bytes = disk.contents("cache") {
            saved.change { $0 += 1 }
            do throws(NeedletailError) {
              let found = try CacheBytes.decode(bytes)
              let place = Int(found.identity[0]) | Int(found.identity[1]) << 8
              let state = history.change { $0.states[place] }
              for entry in found.entries {
                let key = cache.key(
                  query: entry.query, filter: entry.filter, k: entry.k, rung: entry.rung)
                #expect(entry.neighbors == state.search(key))
              }
            } catch { Issue.record(error) }
          }
          await Task.yield()
        }
        #expect(saved.value >= 9)
      }
    }
  }

  @Test("A disk that cannot be read is reported, and the start is empty")
  func unreadable() throws {
    let (world, base) = (try World(), InMemoryFileSystem())
    world.ask(6, seed: 1)
    _ = try CacheSaver(world.cache, path: "cache", in: base).save { world.identity }
    for operation in [FaultyFileSystem.Operation.kind, .map] {
      let disk = FaultyFileSystem(base, fault: .init(call: 1, operations: [operation]))
      let warm = try World()
      let start = CacheSaver(warm.cache, path: "cache", in: disk).restore(identity: world.identity)
      #expect(start.fault?.code == .io && warm.cache.count == 0)
    }
    // Without a file there is nothing to report.
    let warm = try World()
    let start = CacheSaver(warm.cache, path: "none", in: base).restore(identity: world.identity)
    #expect(start.fault == nil && start.found.answers == 0)
  }
}
