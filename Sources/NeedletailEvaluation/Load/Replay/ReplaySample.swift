public import NeedletailCore

/// Requests drawn out of those that a schedule will send: what indexes are compared on, the same for the same seed.
///
/// Each request is as likely as any other, so that a query that is asked often counts as often.
public struct ReplaySample: Sendable, Hashable {
  /// The rows of the drawn requests' queries, in the order in which they are sent.
  public let queries: [Int]
  /// The neighbours that each of them asks for.
  public let k: Int
  /// Requests that ask for so many.
  public let eligible: Int
  /// Requests in all.
  public let requests: Int

  /// The queries, each once, ascending.
  public var distinct: [Int] { Set(queries).sorted() }

  /// Draws.
  ///
  /// - Parameters:
  ///   - most: Requests to draw, at least 1; fewer where there are fewer.
  ///   - schedule: When requests are sent.
  ///   - mix: What a record leaves open.
  ///   - queries: The number of queries that there are, at least 1.
  ///   - k: The neighbours asked for where a record does not say; others are not drawn.
  ///   - seed: What the run is drawn from.
  /// - Throws: `invalidConfiguration` where a record names a query that is not there, and where nothing asks for `k`.
  /// - Complexity: a pass over all requests.
  /// - Source: Vitter, *Random sampling with a reservoir* (1985), algorithm R.
  public init(
    _ most: Int, of schedule: LoadSchedule, mix: LoadMix, queries: Int, k: Int, seed: UInt64
  ) throws(NeedletailError) {
    try LoadGenerator.check(schedule, queries: queries)
    var asking = LoadAsking(schedule, mix, queries: queries, k: k, seed: seed)
    // Not the numbers that arrivals and mix draw from the same seed.
    var random = SplitMix64(seed: seed ^ 0x7e91_a45a_3b1e_0003)
    var drawn: [(number: Int, query: Int)] = []
    var eligible = 0
    var number = 0
    for arrival in schedule.arrivals(seed: seed) {
      let asked = asking.ask(arrival)
      defer { number += 1 }
      guard asked.k == k else { continue }
      eligible += 1
      if drawn.count < max(1, most) {
        drawn.append((number, asked.query))
      } else {
        let place = Int(random.next(below: UInt64(eligible)))
        if place < drawn.count { drawn[place] = (number, asked.query) }
      }
    }
    guard eligible > 0 else {
      throw NeedletailError(
        .invalidConfiguration,
        "None of the \(Numerals.grouped(number)) requests asks for \(k) neighbours; give a k that the record has."
      )
    }
    self.queries = drawn.sorted { $0.number < $1.number }.map(\.query)
    self.k = k
    self.eligible = eligible
    requests = number
  }
}
