/// At most so many answers for each value of a category: results of many sellers, not of one.
///
/// Rows without the category, or where it is a value of another kind, are not capped.
public struct GroupCap: Sendable, Hashable {
  /// The name of the attribute: a category.
  public var attribute: String
  /// The most answers that share a value, at least 1.
  public var limit: Int

  /// Makes a cap from its parts.
  public init(_ attribute: String, limit: Int) {
    self.attribute = attribute
    self.limit = limit
  }

  /// Refuses a cap that lets nothing through.
  ///
  /// - Throws: `invalidConfiguration`, with the number.
  package func validate() throws(NeedletailError) {
    guard limit >= 1 else {
      throw NeedletailError(
        .invalidConfiguration,
        "The cap on answers of one \(attribute) is \(limit); it must be at least 1.")
    }
  }
}
