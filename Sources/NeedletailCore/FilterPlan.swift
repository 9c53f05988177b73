/// How a search among the rows of a filter went.
///
/// More may be added: switch with a `default`.
public struct FilterPlan: Sendable, Hashable, CustomStringConvertible {
  /// A stable name, fit for logs and for machines.
  public let description: String
  private init(_ name: String) { description = name }

  /// Every row that the filter lets through was scored.
  public static let exact = FilterPlan("exact")
  /// The walk went over all rows, and those that the filter lets through were answers.
  public static let inFilter = FilterPlan("inFilter")
  /// The walk scored rows that the filter lets through, and looked behind the others for more of them.
  public static let twoHop = FilterPlan("twoHop")
  /// A walk found too few of them near the query, and every row that the filter lets through was scored.
  public static let exactAfterWalk = FilterPlan("exactAfterWalk")
}
