public import CNeedletail
import Needletail

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_search(
  _ index: OpaquePointer?, _ query: UnsafePointer<Float>?, _ dimensions: UInt64, _ k: UInt64,
  _ options: UnsafePointer<needletail_search_options>?, _ ids: UnsafeMutablePointer<UInt64>?,
  _ distances: UnsafeMutablePointer<Float>?, _ found: UnsafeMutablePointer<UInt64>?,
  _ statistics: UnsafeMutablePointer<needletail_search_statistics>?
) -> needletail_status {
  reporting { () throws(NeedletailError) in
    let snapshot = unsafe try object(OpenIndex.self, required(index, "index")).snapshot
    let output = unsafe try Output(ids, distances, found, statistics, queries: 1, k: k)
    let query = unsafe try required(query, "query")
    let components = try count(dimensions, "dimensions")
    // Compared before anything is read: the caller's memory ends where the caller says.
    guard components == snapshot.dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        "The query has \(components) components; the index has \(snapshot.dimensions) dimensions.")
    }
    let chosen = unsafe try SearchChoice(options)
    unsafe try answer(
      UnsafeBufferPointer(start: query, count: components), snapshot, chosen.options, output)
  }
}

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_search_batch(
  _ index: OpaquePointer?, _ queries: UnsafePointer<needletail_queries>?, _ k: UInt64,
  _ options: UnsafePointer<needletail_search_options>?, _ ids: UnsafeMutablePointer<UInt64>?,
  _ distances: UnsafeMutablePointer<Float>?, _ found: UnsafeMutablePointer<UInt64>?,
  _ statistics: UnsafeMutablePointer<needletail_search_statistics>?
) -> needletail_status {
  reporting { () throws(NeedletailError) in
    let snapshot = unsafe try object(OpenIndex.self, required(index, "index")).snapshot
    let given = unsafe try required(queries, "queries").pointee
    let chosen = unsafe try SearchChoice(options)
    let matrix = unsafe try borrowed(given, dimensions: snapshot.dimensions, "queries")
    let output = unsafe try Output(ids, distances, found, statistics, queries: matrix.count, k: k)
    unsafe try answer(matrix, snapshot, chosen, output)
  }
}

/// The caller's options in the words of the engine.
struct SearchChoice {
  var options = SearchOptions()
  var threads = 1

  @unsafe
  init(_ pointer: UnsafePointer<needletail_search_options>?) throws(NeedletailError) {
    guard unsafe pointer != nil else { return }
    let given = unsafe try CNeedletailInterface.options(pointer, "options")
    guard given.reserved == 0 else {
      throw refusal("options->reserved is \(given.reserved); leave it 0.")
    }
    threads = min(max(1, Int(given.threads)), Limits.threads)
    if given.ef != 0 { options.efSearch = try count(given.ef, "options->ef") }
    if given.recall != 0 {
      guard given.recall > 0, given.recall <= 1 else {
        throw refusal("options->recall is \(given.recall); it is above 0 and at most 1, or 0.")
      }
      guard given.ef == 0 else {
        throw refusal(
          "options->ef is \(given.ef) and options->recall \(given.recall); set one of them.")
      }
      // The decimal that was written: 0.9 as a float is a little more than 0.9, and would miss the setting.
      options.recall = Double("\(given.recall)") ?? Double(given.recall)
    }
    if given.rerank == Int64(NEEDLETAIL_RERANK_NONE) {
      options.rerank = .none
    } else if given.rerank != 0 {
      guard given.rerank > 0 else {
        throw refusal("options->rerank is \(given.rerank); it is -1, 0, or a number of candidates.")
      }
      options.rerank = .precise(candidates: Int(given.rerank))
    }
    if given.evaluation_limit != 0 {
      options.budget = SearchBudget(evaluations: Int(clamping: given.evaluation_limit))
    }
  }
}

/// Where the answers to some queries go.
@safe
struct Output {
  // SAFETY: checked for NULL, alignment and extent; that there is as much memory is the caller's word.
  let ids: UnsafeMutablePointer<UInt64>
  let distances: UnsafeMutablePointer<Float>
  let found: UnsafeMutablePointer<UInt64>?
  let statistics: UnsafeMutablePointer<needletail_search_statistics>?
  let k: Int

  @unsafe
  init(
    _ ids: UnsafeMutablePointer<UInt64>?, _ distances: UnsafeMutablePointer<Float>?,
    _ found: UnsafeMutablePointer<UInt64>?,
    _ statistics: UnsafeMutablePointer<needletail_search_statistics>?, queries: Int, k: UInt64
  ) throws(NeedletailError) {
    guard k >= 1, k <= UInt64(Limits.neighborsPerQuery) else {
      throw NeedletailError(
        k < 1 ? .invalidConfiguration : .capacityExceeded,
        "k is \(k); it is 1 to \(Limits.neighborsPerQuery).")
    }
    self.k = Int(k)
    unsafe self.ids = try required(ids, "ids")
    unsafe self.distances = try required(distances, "distances")
    unsafe self.found = try optional(found, "found")
    unsafe self.statistics = try optional(statistics, "statistics")
    try unsafe checkExtent(
      UInt(bitPattern: self.ids), rows: queries, columns: self.k, byteCount: 8, "ids")
    if let found = unsafe found {
      try checkExtent(UInt(bitPattern: found), rows: queries, columns: 1, byteCount: 8, "found")
    }
    if let place = unsafe self.statistics {
      unsafe try fill(place, needletail_search_statistics(), "statistics")
    }
  }

  /// Writes the answers to one query, and marks the places of those that are missing.
  func write(_ neighbors: UnsafeBufferPointer<Neighbor>, query: Int) {
    let first = query &* k
    let present = min(neighbors.count, k)
    for i in 0..<present {
      unsafe ids[first &+ i] = neighbors[i].id
      unsafe distances[first &+ i] = neighbors[i].distance
    }
    for i in present..<k {
      unsafe ids[first &+ i] = .max
      unsafe distances[first &+ i] = .infinity
    }
    if let found = unsafe found { unsafe found[query] = UInt64(present) }
  }

  func add(_ statistics: SearchStatistics, limited: Int) {
    guard let place = unsafe self.statistics else { return }
    unsafe place.pointee.hops += UInt64(statistics.hops)
    unsafe place.pointee.evaluations += UInt64(statistics.evaluations)
    unsafe place.pointee.reranked_rows += UInt64(statistics.rerankedRows)
    unsafe place.pointee.limited_queries += UInt64(limited)
  }
}

/// Answers one query without taking memory, where k is small.
@unsafe
private func answer(
  _ query: UnsafeBufferPointer<Float>, _ snapshot: Snapshot, _ options: SearchOptions,
  _ output: Output
) throws(NeedletailError) {
  let result: Result<Void, NeedletailError> = unsafe withUnsafeTemporaryAllocation(
    of: Neighbor.self, capacity: output.k
  ) { buffer in
    unsafe buffer.initialize(repeating: Neighbor(id: 0, distance: 0))
    return Result { () throws(NeedletailError) in
      // SAFETY: the query and the buffer live for the call.
      var neighbors = unsafe buffer.mutableSpan
      let outcome = unsafe try snapshot.search(
        query.span, k: output.k, options: options, into: &neighbors)
      unsafe output.write(
        UnsafeBufferPointer(rebasing: UnsafeBufferPointer(buffer)[..<outcome.count]), query: 0)
      output.add(outcome.statistics, limited: outcome.completion.isComplete ? 0 : 1)
    }
  }
  try result.get()
}

@unsafe
private func answer(
  _ queries: VectorMatrix, _ snapshot: Snapshot, _ choice: SearchChoice, _ output: Output
) throws(NeedletailError) {
  guard choice.options.budget == nil else {
    // Which queries were cut short is told by results only.
    let results = try snapshot.search(
      batch: queries, k: output.k, options: choice.options, threads: choice.threads)
    for (query, result) in results.enumerated() {
      unsafe result.neighbors.withUnsafeBufferPointer { unsafe output.write($0, query: query) }
      output.add(result.statistics, limited: result.completion.isComplete ? 0 : 1)
    }
    return
  }
  var neighbors: [Neighbor] = []
  var counts: [Int] = []
  let statistics = try snapshot.search(
    batch: queries, k: output.k, options: choice.options, threads: choice.threads,
    into: &neighbors, counts: &counts)
  let places = min(output.k, max(1, snapshot.count))
  unsafe neighbors.withUnsafeBufferPointer { neighbors in
    for query in counts.indices {
      let first = query &* places
      unsafe output.write(
        UnsafeBufferPointer(rebasing: neighbors[first..<(first &+ counts[query])]), query: query)
    }
  }
  output.add(statistics, limited: 0)
}
