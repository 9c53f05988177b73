public import NeedletailCore

/// What is asked, how much it matters, and by whom.
public struct LoadMix: Sendable, Hashable {
  /// Which queries are asked how often.
  public enum Popularity: Sendable, Hashable {
    /// All alike.
    case uniform
    /// The r-th most popular one as often as `1/r^exponent`.
    case zipf(Double)
  }

  /// A tenant and its part of the requests.
  public struct Tenant: Sendable, Hashable {
    /// What it is called.
    public var name: String
    /// Its part, beside the other tenants'.
    public var weight: Double

    /// Makes a tenant.
    public init(name: String, weight: Double) {
      self.name = name
      self.weight = weight
    }
  }

  /// The part of each priority class, in the order of `LoadPriority.allCases`.
  public var priorities: [Double] = [0, 1, 0, 0]
  /// The tenants; none: they are not told apart.
  public var tenants: [Tenant] = []
  /// Which queries are asked how often.
  public var popularity = Popularity.uniform

  /// Makes the usual mix: critical requests, of nobody in particular, for all queries alike.
  public init() {}

  /// Reads a mix.
  ///
  /// - Parameters:
  ///   - priorities: `criticalPlus=5,critical=60,sheddable=35`, parts of any sum; classes that are not named get none.
  ///   - tenants: `shop=10,mobile=1`, parts of any sum.
  ///   - popularity: `uniform`, or `zipf:0.9`.
  /// - Throws: `invalidConfiguration` with what to write instead.
  public init(
    priorities: String? = nil, tenants: String? = nil, popularity: String? = nil
  ) throws(NeedletailError) {
    if let priorities { self.priorities = try Self.priorities(priorities) }
    if let tenants { self.tenants = try Self.tenants(tenants) }
    if let popularity { self.popularity = try Self.popularity(popularity) }
  }

  private static func priorities(_ text: String) throws(NeedletailError) -> [Double] {
    let example = "critical=60,sheddable=40"
    var parts = LoadPriority.allCases.map { _ in 0.0 }
    for (name, value) in try LoadText.pairs(text, option: "--priorities", example: example) {
      guard let priority = LoadPriority(name: name) else {
        let known = LoadPriority.allCases.map(\.name).joined(separator: ", ")
        throw NeedletailError(
          .invalidConfiguration, "--priorities names “\(name)”; known are \(known).")
      }
      parts[priority.rawValue] = try part(value, of: name, "--priorities", example)
    }
    guard parts.contains(where: { $0 > 0 }) else {
      throw NeedletailError(
        .invalidConfiguration, "--priorities gives every class 0; write it like \(example).")
    }
    return parts
  }

  private static func tenants(_ text: String) throws(NeedletailError) -> [Tenant] {
    let example = "shop=10,mobile=1"
    var tenants: [Tenant] = []
    for (name, value) in try LoadText.pairs(text, option: "--tenants", example: example) {
      guard tenants.count < ArrivalLog.mostTenants else {
        throw NeedletailError(
          .invalidConfiguration,
          "--tenants names more than \(ArrivalLog.mostTenants) tenants; join the small ones.")
      }
      tenants.append(
        Tenant(name: name, weight: try part(value, of: name, "--tenants", example)))
    }
    guard tenants.contains(where: { $0.weight > 0 }) else {
      throw NeedletailError(
        .invalidConfiguration, "--tenants gives everybody 0; write it like \(example).")
    }
    return tenants
  }

  private static func part(
    _ text: String, of name: String, _ option: String, _ example: String
  ) throws(NeedletailError) -> Double {
    guard let value = LoadText.number(text), value <= 1e9 else {
      throw NeedletailError(
        .invalidConfiguration,
        "\(option) gives \(name) “\(text)”; a part is a number from 0 on, like \(example).")
    }
    return value
  }

  private static func popularity(_ text: String) throws(NeedletailError) -> Popularity {
    if text == "uniform" { return .uniform }
    guard text.hasPrefix("zipf:"), let exponent = LoadText.number(text.dropFirst(5)),
      exponent <= 5
    else {
      throw NeedletailError(
        .invalidConfiguration,
        "--popularity is “\(text)”; write uniform, or zipf:0.9 with an exponent from 0 to 5.")
    }
    return .zipf(exponent)
  }
}
