/// What a scale run gathered: prefixes of several sets, each built and searched at several widths.
///
/// The document that `Benchmarks/Scale` writes; figures that are not needed here are passed over.
package struct ScaleFigures: Sendable, Codable {
  /// The recall at which costs are compared, between 0 and 1.
  package var recall: Double
  /// The neighbours asked for.
  package var k: Int
  /// Threads of the builds; searches run on one.
  package var buildThreads: Int
  /// The sets.
  package var sets: [Set]

  /// One set.
  package struct Set: Sendable, Codable {
    /// Its name.
    package var name: String
    /// `l2`, `ip` or `cosine`.
    package var metric: String
    /// Components of a row.
    package var dimensions: Int
    /// The number of queries.
    package var queries: Int
    /// Its prefixes.
    package var prefixes: [Prefix]
    /// Where it was measured, if that was told.
    package var machine: Machine?
  }

  /// One prefix of a set: its first rows, as an index of their own.
  package struct Prefix: Sendable, Codable {
    /// The number of rows.
    package var rows: Int
    /// Seconds of the whole `build` command on the clock.
    package var buildSeconds: Double
    /// Seconds of processors that it took.
    package var buildProcessorSeconds: Double
    /// Bytes of the index's directory.
    package var fileBytes: Int
    /// Bytes that a search holds in memory, precise rows in their file excluded.
    package var residentBytes: Int
    /// The sweep.
    package var points: [Point]
  }

  /// One width of the walk.
  package struct Point: Sendable, Codable {
    /// The share of right answers.
    package var recall: Double
    /// Queries a second, on one thread.
    package var queriesPerSecond: Double
    /// Evaluations of a query, on average.
    package var evaluationsPerQuery: Double
  }
}
