import NeedletailBudgets
import NeedletailCore

@testable import NeedletailServing

/// A point that can be filtered: what a small index for tests holds.
struct Point: Sendable, Hashable {
  var x: Float
  var y: Float
  var isRed: Bool

  init(_ random: inout SplitMix64) {
    // Few places, so that distances are often equal.
    x = Float(random.next(below: 64))
    y = Float(random.next(below: 64))
    isRed = random.next(below: 2) == 0
  }
}

/// Exact answers over points, and the judge that goes with them.
struct PointJudge: AnswerJudge {
  func distances(from item: Point, to keys: [CacheKey]) -> [Float] {
    keys.map { Self.distance(item, $0) ?? .infinity }
  }

  /// The distance of a point from a key's query; nil where the filter leaves it out.
  ///
  /// The simpler the rung, the coarser: so that answers of different rungs are different.
  static func distance(_ point: Point, _ key: CacheKey) -> Float? {
    if !key.filter.isEmpty && !point.isRed { return nil }
    let step: Float =
      switch key.rung {
      case .full, .smallerWindow: 1
      case .withoutRerank: 4
      default: 8
      }
    let (dx, dy) = (point.x - Float(key.query[0]), point.y - Float(key.query[1]))
    let (x, y) = ((dx / step).rounded(.down) * step, (dy / step).rounded(.down) * step)
    return x * x + y * y
  }
}

/// The index itself: points by id, and those that are withdrawn.
struct PointIndex: Sendable {
  var points: [VectorID: Point] = [:]
  var withdrawn: Set<VectorID> = []

  /// The true answer.
  func search(_ key: CacheKey) -> [Neighbor] {
    var found: [Neighbor] = []
    for (id, point) in points where !withdrawn.contains(id) {
      if let distance = PointJudge.distance(point, key) {
        found.append(Neighbor(id: id, distance: distance))
      }
    }
    found.sort(by: Neighbor.precedes)
    return Array(found.prefix(key.k))
  }

  /// Whether an answer is what a search at its own rung gives now, and that rung will do.
  func isTrue(_ answer: CachedAnswer, _ key: CacheKey) -> Bool {
    answer.rung <= key.rung && answer.neighbors == search(key.at(answer.rung))
  }

  /// Makes a random change; gives what the cache must be told.
  mutating func change(_ random: inout SplitMix64, ids: UInt64) -> CacheChange<Point> {
    let id = random.next(below: ids)
    let isThere = points[id] != nil
    switch random.next(below: 10) {
    case 0 where withdrawn.contains(id):
      withdrawn.remove(id)
      if let point = points[id] { return .inserted(id, point) }
      return .removed(id)
    case 0, 1:
      withdrawn.insert(id)
      return .withdrawn(id)
    case 2, 3, 4:
      points[id] = nil
      return .removed(id)
    default:
      let point = Point(&random)
      points[id] = point
      if withdrawn.contains(id) { return .removed(id) }
      return isThere ? .upserted(id, point) : .inserted(id, point)
    }
  }
}

extension ResultCache {
  /// One of a few hundred questions; where `rungs` are given, at one of them.
  func key(
    _ random: inout SplitMix64, questions: UInt64, rungs: [Rung] = [.full]
  ) -> CacheKey {
    let rung =
      rungs.count < 2 ? rungs[0] : rungs[Int(random.next(below: UInt64(rungs.count)))]
    let number = random.next(below: questions)
    let query = [UInt8(number % 17 * 4), UInt8(number % 13 * 5)]
    return key(
      query: query, filter: number % 3 == 0 ? [1] : [], k: [1, 4, 10][Int(number % 5) % 3],
      rung: rung)
  }
}

extension CacheShard {
  /// Takes out all entries that hold an id; gives how many of them were fresh.
  mutating func removeHolders(of id: VectorID) -> Int {
    var work = Int.max
    return removeHolders(of: id, work: &work)
  }

  /// Takes out all entries; gives how many of them were fresh.
  mutating func removeAll() -> Int {
    var work = Int.max
    return removeAll(from: 0, before: .max, work: &work).fresh
  }
}
