package import NeedletailCore

/// How a graph is built. Names and defaults as in Malkov & Yashunin (2018).
package struct GraphOptions: Sendable, Hashable {
  /// Links a new row gets per level; level 0 keeps up to `2·m`. Default 16.
  package var m = 16
  /// Width of the candidate list when a row is linked. Default 200.
  package var efConstruction = 200
  /// Looks for links among the candidates' own links too (Algorithm 4). Default off.
  package var extendsCandidates = false
  /// Fills free places with candidates that the heuristic turned down (Algorithm 4). Default off.
  package var keepsPruned = false
  /// Links inner-product rows by the plain product, not by the L2 reduction; for measuring. Default off.
  package var linksByPlainProduct = false
  /// Where levels and the order of insertion come from. Default 1.
  package var seed: UInt64 = 1

  package init() {}

  /// Refuses options that make no graph.
  ///
  /// - Throws: `invalidConfiguration` or `capacityExceeded`, naming the option, its value and the range.
  package func validate() throws(NeedletailError) {
    guard m >= 2 else {
      throw NeedletailError(.invalidConfiguration, "m is \(m); it must be at least 2.")
    }
    guard m <= Limits.m else {
      throw NeedletailError(.capacityExceeded, "m is \(m); the most is \(Limits.m).")
    }
    guard efConstruction >= 1 else {
      throw NeedletailError(
        .invalidConfiguration, "efConstruction is \(efConstruction); it must be at least 1.")
    }
    guard efConstruction <= Limits.searchWidth else {
      throw NeedletailError(
        .capacityExceeded,
        "efConstruction is \(efConstruction); the most is \(Limits.searchWidth).")
    }
  }
}
