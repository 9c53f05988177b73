import NeedletailBudgets

/// As an object with the names of the classes: `{"critical": 3, …}`; all of them have to be there.
extension PerClass: Codable where Value: Codable {
  /// Reads the object.
  public init(from decoder: any Decoder) throws {
    let named = try [PriorityClass: Value](from: decoder)
    func value(_ priority: PriorityClass) throws -> Value {
      guard let value = named[priority] else {
        throw DecodingError.missing("class", priority.rawValue, decoder)
      }
      return value
    }
    self.init(
      try value(.criticalPlus), try value(.critical), try value(.sheddablePlus),
      try value(.sheddable))
  }

  /// Writes the object.
  public func encode(to encoder: any Encoder) throws {
    var named: [PriorityClass: Value] = [:]
    for priority in PriorityClass.allCases { named[priority] = self[priority] }
    try named.encode(to: encoder)
  }
}

/// As an object with the names of the rungs: `{"full": 3, …}`; all of them have to be there.
extension PerRung: Codable where Value: Codable {
  /// Reads the object.
  public init(from decoder: any Decoder) throws {
    let named = try [Rung: Value](from: decoder)
    var values: [Value] = []
    for rung in Rung.allCases {
      guard let value = named[rung] else {
        throw DecodingError.missing("rung", rung.rawValue, decoder)
      }
      values.append(value)
    }
    self.init { values[$0.order] }
  }

  /// Writes the object.
  public func encode(to encoder: any Encoder) throws {
    var named: [Rung: Value] = [:]
    for rung in Rung.allCases { named.updateValue(self[rung], forKey: rung) }
    try named.encode(to: encoder)
  }
}

/// As an object: `buckets` has the counts above zero by the bucket's end in nanoseconds; `count`, `p50`, `p95` and `p99` (nanoseconds)
/// follow from them, for readers that want no more.
extension LatencyCounts: Codable {
  private enum CodingKeys: String, CodingKey { case count, p50, p95, p99, buckets }

  /// More than a service answers in a thousand years; sums of them fit.
  private static let mostAnswers = 1 << 55

  /// Reads the object.
  public init(from decoder: any Decoder) throws {
    self.init()
    let named = try decoder.container(keyedBy: CodingKeys.self)
      .decode([String: Int].self, forKey: .buckets)
    var places: [String: Int] = [:]
    for place in buckets.indices { places["\(Self.bound(place))"] = place }
    for (name, count) in named {
      guard let place = places[name], (0...Self.mostAnswers).contains(count) else {
        throw DecodingError.dataCorrupted(
          .init(
            codingPath: decoder.codingPath,
            debugDescription: "\(count) answers in a bucket that ends at \(name) ns: no such count."
          ))
      }
      buckets[place] = count
    }
  }

  /// Writes the object.
  public func encode(to encoder: any Encoder) throws {
    var named: [String: Int] = [:]
    for (place, count) in buckets.enumerated() where count > 0 {
      named["\(Self.bound(place))"] = count
    }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(count, forKey: .count)
    try container.encode(quantile(0.5), forKey: .p50)
    try container.encode(quantile(0.95), forKey: .p95)
    try container.encode(quantile(0.99), forKey: .p99)
    try container.encode(named, forKey: .buckets)
  }
}

extension DecodingError {
  fileprivate static func missing(
    _ kind: String, _ name: String, _ decoder: any Decoder
  ) -> DecodingError {
    .dataCorrupted(
      .init(codingPath: decoder.codingPath, debugDescription: "The \(kind) \(name) is missing."))
  }
}
