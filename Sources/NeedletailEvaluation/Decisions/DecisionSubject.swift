public import NeedletailCore

/// What a decision is about: whoever owns an engine builds and measures candidates for it.
///
/// As with `SearchTarget` the judge never sees the engine.
public protocol DecisionSubject {
  /// The bytes of an index, predicted before anything is built.
  ///
  /// - Returns: `nil` for a design that the engine does not make, such as one whose layout wants another `m`.
  func bytes(of design: IndexDesign, rerank: RerankDepth) -> DesignBytes?

  /// Builds an index, unless it is built already.
  ///
  /// - Returns: seconds that a build takes.
  mutating func build(_ design: IndexDesign) throws(NeedletailError) -> Double

  /// Searches with a candidate whose design was built.
  mutating func measure(_ candidate: DecisionCandidate) throws(NeedletailError)
    -> DecisionMeasurement

  /// Says that a design will not be measured again, so that its index can be put away.
  mutating func putAway(_ design: IndexDesign)
}
