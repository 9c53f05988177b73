/// Where more recall no longer pays.
///
/// A step pays when it divides the misses by more than it multiplies the work by. The product of work and misses says so
/// without weights or units: it falls with every step that pays, and where it is least is where to stop.
public struct StopRule: Sendable, Hashable, Encodable {
  /// The place in the front.
  public var place: Int
  /// Why, in a sentence.
  public var reason: String
  /// Microseconds of reckoned work that a further point of recall costs; `nil` at the end of the front.
  public var microsecondsPerPoint: Double?

  /// Finds the place of the least `cost · (misses + resolution)`, of equals the cheaper; `nil` for an empty front.
  ///
  /// - Parameters:
  ///   - front: by ascending work and recall.
  ///   - resolution: half the share of one answer among all that were judged: misses of which a sample can see
  ///     nothing are still there.
  public init?(_ front: [FrontPoint], resolution: Double) {
    let products = front.map { $0.cost * (1 - $0.recall + max(0, resolution)) }
    guard let least = products.min(), let place = products.firstIndex(of: least) else { return nil }
    self.place = place
    let here = front[place]
    let name =
      "efSearch \(here.judged.candidate.efSearch), recall \(Numerals.fixed(here.recall, 4))"
    guard place + 1 < front.count else {
      reason =
        "Stop at \(name): of what was measured within the budget nothing finds more, and beside all that costs less it "
        + "saves a greater share of the misses than it adds to the work."
      return
    }
    let next = front[place + 1]
    let price = (next.cost - here.cost) / (next.recall - here.recall) / 100
    microsecondsPerPoint = price
    let work = Numerals.fixed((next.cost / here.cost - 1) * 100, 1)
    let misses = Numerals.fixed((next.recall - here.recall) / (1 - here.recall) * 100, 1)
    reason =
      "Stop at \(name): further than here a point of recall costs \(Numerals.measured(price)) µs, and the next step takes "
      + "\(work) % more work for \(misses) % fewer misses."
  }
}
