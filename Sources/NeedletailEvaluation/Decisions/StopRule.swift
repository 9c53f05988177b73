#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where more recall no longer pays: where a further point of it costs more than a whole search does.
///
/// `100 · recall − ln cost` rises with every step that is worth it, and one stops where it is highest: a
/// point of recall then counts as much as the work times e. Of any point further on it holds that
/// `Δcost / Δ(100 · recall) ≥ cost` here, because `ln(1 + x) ≤ x`.
public struct StopRule: Sendable, Hashable, Encodable {
  /// The place in the front.
  public var place: Int
  /// Why, in a sentence.
  public var reason: String
  /// Microseconds of reckoned work that a further point (a hundredth) of recall costs, by the next point of the
  /// front; `nil` at its end.
  public var microsecondsPerPoint: Double?

  /// What is highest where to stop: `100 · recall − ln cost`, with the cost in microseconds.
  static func worth(recall: Double, cost: Double) -> Double { 100 * recall - log(max(cost, 1e-9)) }

  /// Finds the place, of equals the cheaper; `nil` for an empty front.
  ///
  /// - Parameter front: by ascending work and recall.
  public init?(_ front: [FrontPoint]) {
    let worths = front.map { Self.worth(recall: $0.recall, cost: $0.cost) }
    guard let most = worths.max(), let place = worths.firstIndex(of: most) else { return nil }
    self.place = place
    let here = front[place]
    let name =
      "efSearch \(here.judged.candidate.efSearch), recall \(Numerals.fixed(here.recall, 4))"
    guard place + 1 < front.count else {
      reason = "Stop at \(name): of what was measured within the budget, nothing finds more."
      return
    }
    let next = front[place + 1]
    let price = (next.cost - here.cost) / (next.recall - here.recall) / 100
    microsecondsPerPoint = price
    reason =
      "Stop at \(name): further than here a point of recall costs \(Numerals.measured(price)) µs, "
      + "\(Numerals.measured(price / here.cost)) times what a whole search takes."
  }
}
