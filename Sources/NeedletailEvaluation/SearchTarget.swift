public import NeedletailCore

/// What the judge measures: anything that answers nearest-neighbour queries.
///
/// The judge never sees an engine. Whoever owns one adapts it to this protocol, so that Needletail and
/// a rival are measured by the same code.
public protocol SearchTarget {
  /// The number of vectors that can be found.
  var count: Int { get }
  /// Components per vector.
  var dimensions: Int { get }
  /// How distances are measured.
  var metric: Metric { get }

  /// Answers every query of a matrix; the call that throughput is measured on.
  ///
  /// - Parameters:
  ///   - queries: `[queries, dimensions]`.
  ///   - k: The neighbours wanted for each query.
  ///   - efSearch: The width of the walk.
  ///   - threads: The most threads that may work at once.
  ///   - neighbors: `[queries, k]`, row-major; a query's answers come first in its row, nearest first.
  ///   - counts: `[queries]`; how many answers each row holds.
  /// - Returns: The work done, summed over the queries.
  /// - Throws: Whatever stops the search; nothing is then known about `neighbors` and `counts`.
  func search(
    batch queries: VectorMatrix, k: Int, efSearch: Int, threads: Int,
    into neighbors: inout [Neighbor], counts: inout [Int]
  ) throws(NeedletailError) -> SearchWork

  /// Answers one query on the calling thread; the call that latency is measured on.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]`.
  ///   - k: The neighbours wanted.
  ///   - efSearch: The width of the walk.
  ///   - neighbors: `[k]`; the answers come first, nearest first.
  /// - Returns: How many answers there are.
  /// - Throws: Whatever stops the search.
  func search(_ query: [Float], k: Int, efSearch: Int, into neighbors: inout [Neighbor])
    throws(NeedletailError) -> Int
}

/// The work that a search did, in units that do not depend on the clock.
public struct SearchWork: Sendable, Hashable {
  /// Distances and estimates computed.
  public var evaluations: Int
  /// Nodes of the graph whose links were read.
  public var hops: Int

  /// Makes a count of work from its parts.
  public init(evaluations: Int, hops: Int) {
    self.evaluations = evaluations
    self.hops = hops
  }
}

/// The answers to all queries of one run.
public struct SearchAnswers: Sendable {
  /// The neighbours wanted for each query.
  public let k: Int
  /// `[queries, k]`, row-major; only the first `counts[q]` of a row mean anything.
  public var neighbors: [Neighbor]
  /// `[queries]`; the answers that each query got.
  public var counts: [Int]

  /// Makes room for the answers to `queries` queries.
  public init(queries: Int, k: Int) {
    self.k = k
    neighbors = Array(repeating: Neighbor(id: 0, distance: .infinity), count: queries * k)
    counts = Array(repeating: 0, count: queries)
  }

  /// The answers to one query, nearest first.
  public subscript(query: Int) -> ArraySlice<Neighbor> {
    neighbors[query * k..<query * k + min(k, max(0, counts[query]))]
  }
}
