/// Whether something that a budget asks for held.
public struct LoadVerdict: Sendable, Hashable, Codable {
  /// What was asked for.
  public var name: String
  /// Whether it held.
  public var isMet: Bool
  /// What was found, and the limit.
  public var finding: String

  /// Makes a verdict.
  public init(_ name: String, isMet: Bool, finding: String) {
    self.name = name
    self.isMet = isMet
    self.finding = finding
  }
}
