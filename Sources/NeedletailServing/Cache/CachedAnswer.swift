public import NeedletailCore

/// An answer out of the cache.
public struct CachedAnswer: Sendable, Hashable {
  /// The neighbours, as the search gave them.
  public var neighbors: [Neighbor]
  /// Whether something has changed that this answer does not know; never so unless it was asked for.
  public var isStale: Bool

  /// Makes an answer from its parts.
  public init(neighbors: [Neighbor], isStale: Bool = false) {
    self.neighbors = neighbors
    self.isStale = isStale
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
  /// `.infinity` where the key's filter leaves the item out; NaN where it cannot be told, which ends the answer. Called without a
  /// lock, by the thread that applies a change or finishes a search.
  func distances(from item: Item, to keys: [CacheKey]) -> [Float]
}
