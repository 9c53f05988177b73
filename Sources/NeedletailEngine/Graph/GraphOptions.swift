package import NeedletailCore

/// What near means between the rows of an inner-product index.
///
/// A search for the largest product has no notion of two rows being near. Figures: NDL-0001.
package enum ProductLinks: UInt32, Sendable, Hashable, CaseIterable {
  /// Squared L2 after the reduction: one more component `√(M²−‖x‖²)` makes all rows equally long.
  case lifted = 0
  /// The larger the product, the nearer.
  case product = 1
  /// The smaller the angle, the nearer.
  case angle = 2
  /// Half of the links by `lifted`, half by `product`.
  case liftedAndProduct = 3
  /// Half of the links by `angle`, half by `product`.
  case angleAndProduct = 4

  /// A name for people.
  package var name: String {
    switch self {
    case .lifted: "distance after the reduction to L2"
    case .product: "product"
    case .angle: "angle"
    case .liftedAndProduct: "distance after the reduction to L2, and product"
    case .angleAndProduct: "angle and product"
    }
  }

  /// The rules by which links are chosen, each for an equal share.
  var parts: [ProductLinks] {
    switch self {
    case .lifted, .product, .angle: [self]
    case .liftedAndProduct: [.lifted, .product]
    case .angleAndProduct: [.angle, .product]
    }
  }
}

/// How a graph is built.
///
/// Names as in Malkov & Yashunin (2018).
package struct GraphOptions: Sendable, Hashable {
  /// Links a new row gets per level; level 0 keeps up to `2·m`.
  ///
  /// Default 16.
  package var m = 16
  /// Width of the candidate list when a row is linked.
  ///
  /// Default 320. Evaluations at recall 0.90 / 0.95 / 0.99, walking level 0 in exact distances, over those of a graph
  /// built with 200: debian-384 (three seeds) 1.00 / 0.98 / 0.92, sift-200k 1.00 / 1.00 / 0.98. A search of a mixture of
  /// 10 000 clusters (530 000 × 128) misses a tenth fewer answers. The build takes 1.4 times as long.
  package var efConstruction = 320
  /// Looks for links among the candidates' own links too (Algorithm 4).
  ///
  /// Default off.
  package var extendsCandidates = false
  /// Fills free places with candidates that the heuristic turned down (Algorithm 4).
  ///
  /// Default off.
  package var keepsPruned = false
  /// What near means when rows of an inner-product index are linked.
  ///
  /// Default `.liftedAndProduct`.
  package var productLinks = ProductLinks.liftedAndProduct
  /// Where levels and the order of insertion come from.
  ///
  /// Default 1.
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
