/// The caller's 64-bit identity of a vector; stable for ever.
public typealias VectorID = UInt64

/// One answer of a search: whose vector it is, and how far it is from the query.
public struct Neighbor: Sendable, Hashable {
  /// The identity under which the vector was added.
  public var id: VectorID
  /// The distance under the index's metric; lower is nearer.
  public var distance: Float

  /// Makes an answer from its parts.
  public init(id: VectorID, distance: Float) {
    self.id = id
    self.distance = distance
  }

  /// The order of answers: by distance, NaN last, ties by id.
  @inlinable
  public static func precedes(_ a: Neighbor, _ b: Neighbor) -> Bool {
    if a.distance != b.distance {
      if a.distance.isNaN { return b.distance.isNaN && a.id < b.id }
      return b.distance.isNaN || a.distance < b.distance
    }
    return a.id < b.id
  }
}
