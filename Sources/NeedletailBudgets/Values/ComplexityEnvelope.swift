public import NeedletailCore

/// How complex an index or a request may be.
public struct ComplexityEnvelope: Sendable, Hashable {
  /// The most components of a vector.
  public var dimensions: Int
  /// The most links of a row on an upper level.
  public var m: Int
  /// The widest candidate list of a build.
  public var efConstruction: Int
  /// The widest candidate list of a search.
  public var efSearch: Int
  /// The most neighbours of one query; by default as many as the widest search can find.
  public var k: Int
  /// The most ids and values of one filter.
  public var filterSize: Int
  /// The most bytes of one vector in the index, codes, links and precise row together; `nil`: no limit.
  public var bytesPerVector: Int?
  /// The longest build; `nil`: no limit.
  public var buildTime: Duration?

  /// What the engine itself takes: the default of every limit.
  public static let limits = ComplexityEnvelope()

  /// Makes an envelope; `PerformanceBudget` checks that it asks no more than the engine takes.
  public init(
    dimensions: Int = Limits.dimensions, m: Int = Limits.m,
    efConstruction: Int = Limits.searchWidth,
    efSearch: Int = Limits.searchWidth, k: Int? = nil,
    filterSize: Int = Limits.idsPerFilter, bytesPerVector: Int? = nil, buildTime: Duration? = nil
  ) {
    self.dimensions = dimensions
    self.m = m
    self.efConstruction = efConstruction
    self.efSearch = efSearch
    self.k = k ?? min(Limits.neighborsPerQuery, efSearch)
    self.filterSize = filterSize
    self.bytesPerVector = bytesPerVector
    self.buildTime = buildTime
  }

  /// Refuses a request that is beyond the envelope, before anything is allocated for it.
  ///
  /// - Throws: `capacityExceeded`, naming each field that is beyond, by how much, and the limit;
  ///   `invalidConfiguration` for a number that is below what it can be.
  /// - Complexity: a comparison for each number that is asked for.
  public func check(_ request: ComplexityRequest) throws(NeedletailError) {
    var isBelow = false
    var isBeyond = false
    visit(request) { _, asked, limit, least in
      if asked < least { isBelow = true } else if asked > limit { isBeyond = true }
    }
    let time = request.buildTime ?? .zero
    if time < .zero { isBelow = true }
    if let buildTime, time > buildTime { isBeyond = true }
    if isBelow || isBeyond { throw refusal(of: request, isBelow: isBelow) }
  }

  /// Calls `body` with every number that the request names: field, asked, limit, least.
  private func visit(_ request: ComplexityRequest, _ body: (String, Int, Int, Int) -> Void) {
    if let asked = request.dimensions { body("dimensions", asked, dimensions, 1) }
    if let asked = request.m { body("m", asked, m, 1) }
    if let asked = request.efConstruction { body("efConstruction", asked, efConstruction, 1) }
    if let asked = request.efSearch { body("efSearch", asked, efSearch, 1) }
    if let asked = request.k { body("k", asked, k, 1) }
    if let asked = request.filterSize { body("filterSize", asked, filterSize, 0) }
    if let asked = request.bytesPerVector {
      body("bytesPerVector", asked, bytesPerVector ?? .max, 1)
    }
  }

  private func refusal(of request: ComplexityRequest, isBelow: Bool) -> NeedletailError {
    var found: [String] = []
    visit(request) { field, asked, limit, least in
      if asked < least {
        found.append("\(field) is \(asked), and is at least \(least)")
      } else if asked > limit {
        found.append("\(field) is \(asked), \(asked - limit) more than the \(limit) allowed")
      }
    }
    if let time = request.buildTime {
      if time < .zero {
        found.append("buildTime is \(time), and is at least 0 s")
      } else if let buildTime, time > buildTime {
        found.append(
          "buildTime is \(Units.text(time)), \(Units.text(time - buildTime)) more than the "
            + "\(Units.text(buildTime)) allowed")
      }
    }
    return NeedletailError(
      isBelow ? .invalidConfiguration : .capacityExceeded,
      "Outside the budget's envelope: \(found.joined(separator: "; ")). Ask for what it allows, or change the"
        + " budget.")
  }
}

/// What somebody asks for, as far as the envelope has a say in it; `nil`: not asked.
public struct ComplexityRequest: Sendable, Hashable {
  /// Components of a vector.
  public var dimensions: Int?
  /// Links of a row on an upper level.
  public var m: Int?
  /// The candidate list of a build.
  public var efConstruction: Int?
  /// The candidate list of a search.
  public var efSearch: Int?
  /// Neighbours of a query.
  public var k: Int?
  /// Ids and values of a filter.
  public var filterSize: Int?
  /// Bytes of a vector in the index.
  public var bytesPerVector: Int?
  /// The time that a build is predicted to take.
  public var buildTime: Duration?

  /// Makes a request.
  public init(
    dimensions: Int? = nil, m: Int? = nil, efConstruction: Int? = nil, efSearch: Int? = nil,
    k: Int? = nil, filterSize: Int? = nil, bytesPerVector: Int? = nil, buildTime: Duration? = nil
  ) {
    self.dimensions = dimensions
    self.m = m
    self.efConstruction = efConstruction
    self.efSearch = efSearch
    self.k = k
    self.filterSize = filterSize
    self.bytesPerVector = bytesPerVector
    self.buildTime = buildTime
  }
}

extension ComplexityEnvelope: BudgetRecord {
  package static var blank: ComplexityEnvelope { ComplexityEnvelope() }
  package static var fields: [Field<ComplexityEnvelope>] {
    [
      Field(
        "dimensions", \.dimensions, .whole(1...Limits.dimensions, example: 768), tighter: .lower),
      Field("m", \.m, .whole(2...Limits.m, example: 32), tighter: .lower),
      Field(
        "efConstruction", \.efConstruction, .whole(1...Limits.searchWidth, example: 400),
        tighter: .lower),
      Field(
        "efSearch", \.efSearch, .whole(1...Limits.searchWidth, example: 512), tighter: .lower),
      Field("k", \.k, .whole(1...Limits.neighborsPerQuery, example: 100), tighter: .lower),
      Field(
        "filterSize", \.filterSize, .whole(0...Limits.idsPerFilter, example: 100_000),
        tighter: .lower),
      Field("bytesPerVector", \.bytesPerVector, .bytes, tighter: .lower),
      Field(
        "buildTime", \.buildTime,
        .duration(.milliseconds(1)...(.seconds(31 * 86_400)), example: "\"30m\""), tighter: .lower),
    ]
  }

  package mutating func complete(
    given keys: Set<String>, _ path: DocumentPath, _ faults: inout FaultList
  ) {
    if !keys.contains("k") { k = min(k, efSearch) }
  }
}
