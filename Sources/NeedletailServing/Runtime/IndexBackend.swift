public import Needletail
import NeedletailBudgets
import NeedletailCore

/// An index, with the settings of each rung; and a lighter one beside it, where there is one.
struct IndexBackend: SearchBackend {
  let index: VectorIndex
  /// Smaller codes of the same items, or of lighter embeddings of them.
  let lighter: LighterIndex?
  private(set) var full: SearchOptions
  private(set) var smaller: SmallerWindow
  let dimensions: Int
  let metric: Metric?
  private(set) var leastWindow: Double
  let fullWidth: Int
  /// Segments that are damaged, and not searched any more.
  private let quarantine: Quarantine

  /// - Throws: `notFound` for an index without rows, or a recall that was never measured; `dimensionMismatch` for a lighter one
  ///   that does not fit.
  init(
    _ index: VectorIndex, lighter: LighterIndex?, full: SearchOptions, smaller: SmallerWindow
  ) throws(NeedletailError) {
    let snapshot = try index.snapshot()
    self.index = index
    self.lighter = lighter
    quarantine = Quarantine()
    self.full = full
    self.full.budget = nil
    self.smaller = smaller
    dimensions = snapshot.dimensions
    metric = snapshot.metric
    let k = snapshot.tuning?.k ?? 10
    if let recall = full.recall {
      fullWidth = max(1, try snapshot.efSearch(reaching: recall, k: k))
    } else {
      fullWidth = max(1, full.efSearch)
    }
    leastWindow = Self.share(smaller, of: fullWidth, snapshot)
    try lighter?.check(against: snapshot)
  }

  /// The share of the full width that a smaller window has: half of it, where nobody measured what it takes.
  private static func share(
    _ window: SmallerWindow, of full: Int, _ snapshot: Snapshot
  ) -> Double {
    let width: Int? =
      switch window {
      case .efSearch(let width): width
      case .recall(let recall):
        try? snapshot.efSearch(reaching: recall, k: snapshot.tuning?.k ?? 10)
      }
    return min(1, max(0.01, Double(width ?? (full + 1) / 2) / Double(full)))
  }

  func adopting(_ window: SmallerWindow) throws(NeedletailError) -> any SearchBackend {
    var other = self
    other.smaller = window
    other.leastWindow = Self.share(window, of: fullWidth, try index.snapshot())
    return other
  }

  func check(_ envelope: ComplexityEnvelope) throws(NeedletailError) {
    let graph = index.configuration.graph
    try envelope.check(
      ComplexityRequest(
        dimensions: dimensions, m: graph.m, efConstruction: graph.efConstruction,
        efSearch: fullWidth))
  }

  var rungs: [Rung] {
    [.full, .smallerWindow, .withoutRerank] + (lighter == nil ? [] : [.lighterCodes])
  }

  func search(_ request: BackendRequest) throws(NeedletailError) -> BackendAnswer {
    if request.rung == .lighterCodes, let lighter {
      return try lighter.search(request, showing: try index.snapshot())
    }
    let snapshot = quarantine.leavingOut(of: try index.snapshot())
    return try Self.search(snapshot, request, try options(request))
  }

  func width(_ options: SearchOptions, k: Int) throws(NeedletailError) -> Int {
    guard let recall = options.recall else { return options.efSearch }
    return try index.snapshot().efSearch(reaching: recall, k: k)
  }

  func refresh() throws(NeedletailError) {
    try index.refresh()
    try lighter?.index.refresh()
  }

  func snapshot() -> Snapshot? { (try? index.snapshot()).map { quarantine.leavingOut(of: $0) } }

  /// Searches a segment no more: every answer says from now on that parts were left out.
  ///
  /// - Returns: whether it was searched until now.
  func leaveOut(segment: String) -> Bool { quarantine.add(segment) }

  static func search(
    _ snapshot: Snapshot, _ request: BackendRequest, _ options: SearchOptions
  ) throws(NeedletailError) -> BackendAnswer {
    var options = options
    if let latency = request.latency { options.budget = SearchBudget(latency: latency) }
    if let filter = request.filter {
      let begin = MonotonicClock().now
      let compiled = try snapshot.compile(filter)
      let took = MonotonicClock().now - begin
      if let latency = request.latency {
        options.budget = SearchBudget(latency: max(.nanoseconds(1), latency - .nanoseconds(took)))
      }
      var results: [SearchResult] = []
      for query in request.queries {
        results.append(
          try snapshot.search(query, k: request.k, filter: compiled, options: options))
      }
      var answer = BackendAnswer(
        results: results, generation: snapshot.generation, filterNanoseconds: took)
      answer.searched = (snapshot, compiled)
      return answer
    }
    guard request.queries.count > 1 else {
      let query = request.queries.first ?? []
      let result = try snapshot.search(query, k: request.k, options: options)
      var answer = BackendAnswer(results: [result], generation: snapshot.generation)
      answer.searched = (snapshot, nil)
      return answer
    }
    let rows = try VectorMatrix(request.queries.flatMap(\.self), dimensions: snapshot.dimensions)
    var answer = BackendAnswer(
      results: try snapshot.search(batch: rows, k: request.k, options: options),
      generation: snapshot.generation)
    answer.searched = (snapshot, nil)
    return answer
  }

  /// How the service's own index is searched for a request.
  func options(_ request: BackendRequest) throws(NeedletailError) -> SearchOptions {
    var options = request.search ?? full
    options.budget = nil
    options.measuresTime = request.latency == nil && request.queries.count == 1
    guard request.rung > .full else { return options }
    if request.rung == .withoutRerank { options.rerank = .none }
    if case .recall(let recall) = smaller, let whole = options.recall,
      request.window <= leastWindow
    {
      options.recall = min(recall, whole)
    } else {
      let width = try request.search.map { (own) throws(NeedletailError) -> Int in
        try self.width(own, k: request.k)
      }
      let whole = max(1, width ?? fullWidth)
      options.recall = nil
      options.efSearch = max(1, min(whole, Int((Double(whole) * request.window).rounded(.up))))
    }
    return options
  }
}

/// The segments of an index that are left out, because they are damaged.
private final class Quarantine: Sendable {
  private let segments = Guarded<Set<String>>([])

  /// Returns whether the segment was not there yet.
  func add(_ segment: String) -> Bool { segments.withLock { $0.insert(segment).inserted } }

  func leavingOut(of snapshot: Snapshot) -> Snapshot {
    let segments = segments.withLock { $0 }
    return segments.isEmpty ? snapshot : snapshot.leavingOut(segments: segments)
  }
}

/// A second index of the same items that takes less time: fewer bits, or fewer components.
///
/// Its answers carry its own distances.
public struct LighterIndex: Sendable {
  /// The index; its ids are those of the index that it stands in for.
  public var index: VectorIndex
  /// How it is searched.
  public var options: SearchOptions
  /// Makes a query of the index that it stands in for one of its own; `nil`: they are the same.
  public var transform: (@Sendable ([Float]) -> [Float])?

  /// Names a lighter index.
  public init(
    _ index: VectorIndex, options: SearchOptions = SearchOptions(efSearch: 32),
    transform: (@Sendable ([Float]) -> [Float])? = nil
  ) {
    self.index = index
    self.options = options
    self.transform = transform
  }

  func check(against snapshot: Snapshot) throws(NeedletailError) {
    let own = try index.snapshot()
    guard transform != nil || own.dimensions == snapshot.dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        "The lighter index has \(own.dimensions) dimensions, the index \(snapshot.dimensions): say how a"
          + " query is transformed.")
    }
    guard transform != nil || own.metric == snapshot.metric else {
      throw NeedletailError(
        .invalidConfiguration,
        "The lighter index has the metric \(own.metric), the index \(snapshot.metric): what is near in one is"
          + " not in the other. Build it with the same, or say how a query is transformed.")
    }
  }

  /// Searches, and leaves out what the index that it stands in for does not show.
  ///
  /// - Complexity: beside the search, a look for each neighbour.
  func search(
    _ request: BackendRequest, showing snapshot: Snapshot
  ) throws(NeedletailError) -> BackendAnswer {
    var request = request
    if let transform { request.queries = request.queries.map(transform) }
    var options = options
    // A cap is part of what is asked for, and not of how well.
    if let own = request.search { options.cap = own.cap }
    var answer = try IndexBackend.search(try index.snapshot(), request, options)
    for place in answer.results.indices {
      answer.results[place].neighbors.removeAll { !snapshot.contains($0.id) }
    }
    answer.generation = snapshot.generation
    // Its distances are its own: nothing here can tell what is right.
    answer.searched = nil
    return answer
  }
}
