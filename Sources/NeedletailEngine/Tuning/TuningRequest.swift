package import NeedletailCore

/// What a tuning is asked for.
package struct TuningRequest: Sendable {
  /// Answers a query; the recall that is measured is recall at this many.
  package var k = 10
  /// The recalls to find settings for, ascending.
  package var targets = TuningRequest.grid
  /// Queries like those to come; `nil`: rows of the index, each kept out of its own search.
  package var queries: VectorMatrix?
  /// The true neighbours of the queries, `[queries, truthWidth]`, nearest first; empty: they are looked for.
  package var truth: [VectorID] = []
  /// True neighbours a query in `truth`; at least `k`.
  package var truthWidth = 0
  /// The time after which no further measurement begins.
  package var timeLimit = Duration.seconds(30)

  package init() {}

  /// The recalls that are tuned for.
  package static let grid = [0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995]

  /// Refuses what cannot be measured, before any work.
  ///
  /// - Throws: `invalidConfiguration`, `capacityExceeded`, `dimensionMismatch`, with the numbers.
  package func validate(dimensions: Int) throws(NeedletailError) {
    try SearchParameters(k: k, efSearch: 1).validate()
    guard !targets.isEmpty, targets.count <= 60, zip(targets, targets.dropFirst()).allSatisfy(<),
      targets.allSatisfy({ $0 > 0 && $0 <= 1 })
    else {
      throw NeedletailError(
        .invalidConfiguration,
        "The recalls to tune for are \(targets); give 1 to 60 of them, ascending, above 0 and at most 1."
      )
    }
    guard timeLimit > .zero else {
      throw NeedletailError(
        .invalidConfiguration, "The time to tune in is \(timeLimit); it must be positive.")
    }
    guard let queries else {
      guard truth.isEmpty else {
        throw NeedletailError(
          .invalidConfiguration, "True neighbours are given without the queries that they answer.")
      }
      return
    }
    guard queries.count > 0 else {
      throw NeedletailError(.invalidConfiguration, "There are no queries to tune with.")
    }
    guard queries.dimensions == dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        "The queries have \(queries.dimensions) components; the index has \(dimensions) dimensions."
      )
    }
    let (expected, overflow) = queries.count.multipliedReportingOverflow(by: truthWidth)
    guard truth.isEmpty || (!overflow && truth.count == expected) else {
      throw NeedletailError(
        .dimensionMismatch,
        "\(truth.count) true neighbours are not \(truthWidth) for each of \(queries.count) queries."
      )
    }
  }
}
