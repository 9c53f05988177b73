import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Result cache: warm start")
struct CacheSavingTests {
  private func cache() throws -> ResultCache<PointJudge> {
    try ResultCache(ResultCacheSettings(capacity: 1 << 20), judge: PointJudge())
  }

  private func filled(_ count: Int) throws -> (ResultCache<PointJudge>, PointIndex) {
    let cache = try cache()
    var random = SplitMix64(seed: 6)
    var index = PointIndex()
    for id in 0..<UInt64(40) { index.points[id] = Point(&random) }
    for _ in 0..<count {
      let key = cache.key(&random, questions: 1_000)
      let found = cache.lookup(key, deadline: 0, at: 0, done: { _ in })
      if case .lead(let lead) = found { lead.finish(index.search(key)) }
    }
    return (cache, index)
  }

  @Test("What was saved is there again, bit for bit; of another content only its questions")
  func roundTrip() throws {
    let (cache, index) = try filled(100)
    let bytes = try #require(cache.saved(identity: [1, 2, 3]))
    let warm = try self.cache()
    let start = try warm.restore(bytes, identity: [1, 2, 3])
    #expect(start.answers == cache.count && start.questions.isEmpty && cache.count > 50)
    var random = SplitMix64(seed: 6)
    for _ in 0..<40 { _ = Point(&random) }
    for _ in 0..<100 {
      let key = warm.key(&random, questions: 1_000)
      let found = warm.lookup(key, deadline: 0, at: 0, done: { _ in })
      guard case .hit(let answer) = found else {
        Issue.record("an answer is missing")
        return
      }
      #expect(answer.neighbors == index.search(key))
    }
    // Changes after the restart end them as they end others.
    let before = warm.count
    #expect(warm.apply([.removed(5)], at: 0) == before - warm.count && warm.count < before)
    let other = try self.cache()
    let cold = try other.restore(bytes, identity: [1, 2])
    #expect(cold.answers == 0 && cold.questions.count == cache.count && other.count == 0)
  }

  @Test(
    "Every length and every flipped bit of a saved cache is refused; none traps, also with the checksum mended"
  )
  func hostile() throws {
    let (cache, _) = try filled(4)
    let bytes = try #require(cache.saved(identity: [7]))
    func refuses(_ bytes: [UInt8]) -> Bool {
      do throws(NeedletailError) {
        _ = try CacheBytes.decode(bytes)
        return false
      } catch { return error.code == .corrupted || error.code == .unsupportedFormat }
    }
    #expect(!refuses(bytes))
    for length in 0..<bytes.count { #expect(refuses(Array(bytes[..<length]))) }
    var accepted = 0
    for bit in 0..<(bytes.count * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(refuses(damaged))
      if !refuses(mended(damaged)) { accepted += 1 }
    }
    // Ids, distances and queries are free to be others; what counts things is not.
    #expect(accepted > 0)
    var random = SplitMix64(seed: 3)
    for _ in 0..<20_000 {
      var damaged = bytes
      for _ in 0...random.next(below: 4) {
        let place = Int(random.next(below: UInt64(bytes.count)))
        damaged[place] = UInt8(truncatingIfNeeded: random.next())
      }
      if random.next(below: 3) == 0 { damaged.removeLast(Int(random.next(below: 40))) }
      _ = refuses(mended(damaged))
    }
  }

  private func mended(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count >= 8 else { return bytes }
    var bytes = bytes
    let sum = CacheBytes.checksum(bytes.span.extracting(..<(bytes.count - 8)))
    for place in 0..<8 {
      bytes[bytes.count - 8 + place] = UInt8(truncatingIfNeeded: sum >> UInt64(8 * place))
    }
    return bytes
  }

  @Test("Answers beyond the room of a smaller cache are left out")
  func smaller() throws {
    let (cache, _) = try filled(1_000)
    let bytes = try #require(cache.saved(identity: []))
    var settings = ResultCacheSettings(capacity: 64 << 10)
    settings.shards = 1
    let small = try ResultCache(settings, judge: PointJudge())
    let start = try small.restore(bytes, identity: [])
    #expect(start.answers > 20 && start.answers < cache.count)
    #expect(start.answers + start.questions.count == cache.count)
    #expect(small.byteCount <= 64 << 10)
  }

  @Test("Settings that cannot be are refused")
  func refused() {
    func accepts(_ change: (inout ResultCacheSettings) -> Void) -> Bool {
      var settings = ResultCacheSettings(capacity: 1 << 20)
      change(&settings)
      do throws(NeedletailError) {
        _ = try ResultCache(settings, judge: PointJudge())
        return true
      } catch { return error.code != .invalidConfiguration }
    }
    #expect(accepts { $0.shards = 3 })
    #expect(accepts { $0.shards = 1 })
    #expect(!accepts { $0.shards = 0 })
    #expect(!accepts { $0.capacity = 100 })
    #expect(!accepts { $0.capacity = .max })
    #expect(!accepts { $0.changesKept = 0 })
    #expect(!accepts { $0.staleAge = -1 })
  }
}
