public import NeedletailBudgets
public import NeedletailCore

/// An answer out of the cache.
public struct CachedAnswer: Sendable, Hashable {
  /// The neighbours, as the search gave them.
  public var neighbors: [Neighbor]
  /// The rung at which it was searched for: the one that was asked for, or a better one.
  public var rung: Rung
  /// Whether something has changed that this answer does not know, or it counts as new no longer; never so unless it was asked for.
  public var isStale: Bool

  /// Makes an answer from its parts.
  public init(neighbors: [Neighbor], rung: Rung, isStale: Bool = false) {
    self.neighbors = neighbors
    self.rung = rung
    self.isStale = isStale
  }
}

/// An answer as it is kept, never changed: one reference to it is all that is taken under a lock.
final class KeptAnswer: Sendable {
  let key: CacheKey
  let neighbors: [Neighbor]
  /// Changes up to this one were looked at.
  let version: UInt64

  init(_ key: CacheKey, _ neighbors: [Neighbor], version: UInt64) {
    self.key = key
    self.neighbors = neighbors
    self.version = version
  }

  /// Whether neighbours are what a search gives: finite distances, in order, no id twice, no more than were asked for.
  ///
  /// Nothing else is kept: what decides whether a change touches an answer relies on it.
  static func canKeep(_ key: CacheKey, _ neighbors: [Neighbor]) -> Bool {
    guard key.isKeepable, neighbors.count <= key.k else { return false }
    var ids: Set<VectorID> = []
    for place in neighbors.indices {
      guard neighbors[place].distance.isFinite, ids.insert(neighbors[place].id).inserted,
        place == 0 || Neighbor.precedes(neighbors[place - 1], neighbors[place])
      else { return false }
    }
    return true
  }

  /// Whether an item that is there now, at this distance, makes another answer.
  func isTouched(by id: VectorID, at distance: Float) -> Bool {
    if let held = neighbors.first(where: { $0.id == id }) {
      // Bit for bit, as a search would give it.
      return held.distance.bitPattern != distance.bitPattern
    }
    if distance.isNaN { return true }
    guard distance < .infinity else { return false }
    guard neighbors.count == key.k, let last = neighbors.last else { return true }
    return Neighbor.precedes(Neighbor(id: id, distance: distance), last)
  }
}

/// What changed in the index, as far as answers are concerned.
public enum CacheChange<Item: Sendable>: Sendable {
  /// An item that was not there is there; also one that was withdrawn and comes back.
  case inserted(VectorID, Item)
  /// An item is there in a new version, whether it was there before or not.
  case upserted(VectorID, Item)
  /// An item is no longer there.
  case removed(VectorID)
  /// An item must not be shown any more.
  case withdrawn(VectorID)
  /// Anything may have changed: another index was put in the place of this one.
  case everything
}

/// Knows how far a changed item is from a query that was asked.
public protocol AnswerJudge: Sendable {
  /// What is inserted: a row, and whatever filters look at.
  associatedtype Item: Sendable

  /// The distances from one item to the query of each key, in their order, as a search would give them.
  ///
  /// `.infinity` where the key's filter leaves the item out; NaN where it cannot be told, which ends the answer: also where a
  /// distance overflows, and where more than the distance counts, such as a cap for each group. Called without a lock, by the
  /// thread that applies a change or finishes a search, with at most 64 keys.
  func distances(from item: Item, to keys: [CacheKey]) -> [Float]
}
