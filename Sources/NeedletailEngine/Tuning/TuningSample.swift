import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// Queries with their true neighbours: what settings are measured on.
struct TuningSample: Sendable {
  /// As a search takes them.
  let queries: VectorMatrix
  /// As they are compared with the rows.
  let judged: VectorMatrix
  /// The row that each query is; empty where queries are no rows.
  let heldOut: [UInt32]
  /// True neighbours a query: `k`, or as many as there are.
  let width: Int
  /// `[count, width]` ids of true neighbours.
  private(set) var neighbors: [VectorID] = []
  /// The greatest distance of a right answer, for each query.
  private(set) var limits: [Double] = []

  /// Queries whose true neighbours are known.
  var count: Int { limits.count }

  /// The relative width within which two distances are equal, as for every judge of recall.
  private static let tolerance = 1e-6

  /// Rows of the index: those that were inserted last.
  ///
  /// A row that is held out leaves a hole. Links that led to it lead nowhere, and rows inserted after it
  /// left out links that it made needless, so that a walk to its place is harder than one to a new query:
  /// by 2 to 6 points of recall at 0.90, measured on two sets. The graph hardly leans on the rows that came
  /// last: of the last 3 % the bias is 0.2 points, of the last 10 % it is 0.7. They are as random as any,
  /// because the order of insertion is.
  static func rows(
    of space: JudgedSpace, count: Int, k: Int, seed: UInt64, threads: Int
  ) throws(NeedletailError) -> TuningSample {
    let last = space.segment.lastInserted(count)
    // In random order, so that every part of the sample is a fair sample.
    let ordinals = draw(last.count, from: last, seed: seed)
    let rows = try space.decoded(ordinals.count, threads: threads) { ordinals[$0] }
    return TuningSample(
      queries: try space.asQueries(rows, threads: threads), judged: rows, heldOut: ordinals,
      width: min(k, space.segment.count - 1))
  }

  /// Queries of a user, all of them or as many as the limit allows.
  static func queries(
    _ queries: VectorMatrix, in space: JudgedSpace, limit: Int, k: Int, seed: UInt64, threads: Int
  ) throws(NeedletailError) -> (sample: TuningSample, chosen: [UInt32]) {
    // Drawn also where all are taken, for the same reason.
    let chosen = draw(min(limit, queries.count), from: 0..<queries.count, seed: seed)
    let rows = try FloatRows(count: chosen.count, dimensions: queries.dimensions)
    for (i, place) in chosen.enumerated() {
      unsafe copyComponents(of: queries, row: Int(place), into: rows.row(i))
    }
    let sample = TuningSample(
      queries: rows.matrix, judged: try space.queries(rows.matrix, threads: threads), heldOut: [],
      width: min(k, space.segment.count))
    return (sample, chosen)
  }

  private init(queries: VectorMatrix, judged: VectorMatrix, heldOut: [UInt32], width: Int) {
    self.queries = queries
    self.judged = judged
    self.heldOut = heldOut
    self.width = width
  }

  /// Different numbers of a range, in random order.
  static func draw(_ count: Int, from range: Range<Int>, seed: UInt64) -> [UInt32] {
    var random = SplitMix64(seed: seed)
    // Floyd's way (Bentley & Floyd 1987) needs no list of the whole range.
    var taken = Set<Int>(minimumCapacity: count)
    var drawn: [UInt32] = []
    for last in (range.count - count)..<range.count {
      let place = Int(random.next(below: UInt64(last + 1)))
      let chosen = taken.insert(place).inserted ? place : last
      if chosen == last { taken.insert(last) }
      drawn.append(UInt32(truncatingIfNeeded: range.lowerBound + chosen))
    }
    var i = drawn.count - 1
    while i > 0 {
      drawn.swapAt(i, Int(random.next(below: UInt64(i + 1))))
      i -= 1
    }
    return drawn
  }
}

extension TuningSample {
  /// Finds the true neighbours by comparing with every row, until all are known or time is up.
  ///
  /// - Returns: whether time was up before.
  /// - Complexity: O(queries·rows·dimensions), at the speed of the matrix product.
  mutating func findNeighbors(
    in space: JudgedSpace, threads: Int, deadline: ContinuousClock.Instant, monitor: WorkMonitor?
  ) throws(NeedletailError) -> Bool {
    // One more than are wanted: the row itself is among them.
    let wanted = min(width + (heldOut.isEmpty ? 0 : 1), space.segment.count)
    let whole = try space.inPlace.map { rows throws(NeedletailError) in
      try ExactSearch(base: rows, metric: space.metric, threads: threads)
    }
    let longest = space.metric == .innerProduct ? try space.longestNorm(threads: threads) : 0
    var first = 0
    while first < judged.count {
      if first > 0, ContinuousClock.now >= deadline { return true }
      let chunk = first..<min(first + TuningPlan.chunk, judged.count)
      let found: [[Nearby]]
      if let whole {
        found = Self.lists(
          try whole.nearest(
            queries: judged[chunk], k: wanted, threads: threads, monitor: monitor), offset: 0)
      } else {
        found = try nearest(chunk, wanted, in: space, threads: threads, monitor: monitor)
      }
      for (place, list) in found.enumerated() {
        let query = chunk.lowerBound + place
        take(
          list.filter { heldOut.isEmpty || $0.row != heldOut[query] }.prefix(width), query, space,
          longest)
      }
      first = chunk.upperBound
    }
    return false
  }

  /// A row near a query.
  private struct Nearby {
    var distance: Float
    var row: UInt32
  }

  /// The nearest rows of a chunk of queries, block of decoded rows by block.
  private func nearest(
    _ chunk: Range<Int>, _ wanted: Int, in space: JudgedSpace, threads: Int, monitor: WorkMonitor?
  ) throws(NeedletailError) -> [[Nearby]] {
    let blockRows = max(1_024, TuningPlan.blockComponents / space.dimensions)
    var merged = [[Nearby]](repeating: [], count: chunk.count)
    var first = 0
    while first < space.segment.count {
      let start = first
      let count = min(blockRows, space.segment.count - start)
      let rows = try space.decoded(count, threads: threads) {
        UInt32(truncatingIfNeeded: start + $0)
      }
      let block = try ExactSearch(base: rows, metric: space.metric, threads: threads)
      let answer = try block.nearest(
        queries: judged[chunk], k: min(wanted, count), threads: threads, monitor: monitor)
      for (place, list) in Self.lists(answer, offset: start).enumerated() {
        merged[place] += list
        merged[place].sort {
          $0.distance != $1.distance ? $0.distance < $1.distance : $0.row < $1.row
        }
        merged[place].removeLast(max(0, merged[place].count - wanted))
      }
      first += count
    }
    return merged
  }

  private static func lists(_ answer: ExactSearch.Answer, offset: Int) -> [[Nearby]] {
    (0..<answer.queryCount).map { query in
      zip(answer.distances(ofQuery: query), answer.rows(ofQuery: query)).map {
        Nearby(distance: $0, row: UInt32(truncatingIfNeeded: offset + Int($1)))
      }
    }
  }

  /// Keeps the neighbours of the next query.
  private mutating func take(
    _ list: ArraySlice<Nearby>, _ query: Int, _ space: JudgedSpace, _ longest: Double
  ) {
    for nearby in list { unsafe neighbors.append(space.segment.id(nearby.row)) }
    limits.append(limit(Double(list.last?.distance ?? 0), query, space, longest))
  }

  /// The greatest distance that counts as the k-th.
  private func limit(
    _ last: Double, _ query: Int, _ space: JudgedSpace, _ longest: Double
  ) -> Double {
    let scale: Double
    switch space.metric {
    case .squaredEuclidean: scale = last
    case .cosine: scale = 1
    case .innerProduct:
      let row = unsafe judged.rowAddress(query).assumingMemoryBound(to: Float.self)
      scale = unsafe FixedOrder.squaredNorm(row, count: space.dimensions).squareRoot() * longest
    }
    return last + Self.tolerance * scale
  }

  /// Takes true neighbours that are known already.
  ///
  /// - Throws: `notFound` for an id that the index does not have, `corrupted` for one named twice.
  mutating func takeNeighbors(
    _ truth: [VectorID], width given: Int, chosen: [UInt32], in space: JudgedSpace, threads: Int
  ) throws(NeedletailError) {
    let longest = space.metric == .innerProduct ? try space.longestNorm(threads: threads) : 0
    let row = try FloatRows(count: 1, dimensions: space.dimensions)
    for (query, place) in chosen.enumerated() {
      let ids = truth[(Int(place) * given)..<(Int(place) * given + width)]
      guard Set(ids).count == width else {
        throw NeedletailError(
          .corrupted, "The true neighbours of query \(place) name an id twice.")
      }
      var last = -Double.infinity
      for id in ids {
        guard let ordinal = space.segment.ordinal(of: id) else {
          throw NeedletailError(
            .corrupted,
            "The true neighbours of query \(place) name id \(id), which the index does not have.")
        }
        let target = unsafe row.row(0)
        unsafe space.copy(ordinal, into: target)
        let components = unsafe judged.rowAddress(query).assumingMemoryBound(to: Float.self)
        unsafe last = max(last, space.distance(components, target))
      }
      neighbors += ids
      limits.append(limit(last, query, space, longest))
    }
  }
}

extension SealedSegment {
  /// The rows that were inserted last, at most `count` of them, on level 0 alone.
  ///
  /// The one place that knows where they are: rows are inserted in the order of their ordinals. Rows of
  /// upper levels came first, and a walk goes down through them, so that they cannot be held out.
  func lastInserted(_ count: Int) -> Range<Int> {
    let first = max(1, parameters.levelCounts.dropFirst().first ?? 0)
    return max(min(first, self.count), self.count - count)..<self.count
  }
}

extension JudgedSpace {
  /// The norm of the longest row.
  func longestNorm(threads: Int) throws(NeedletailError) -> Double {
    let grain = 1_024
    let blocks = (segment.count + grain - 1) / grain
    let longest = try FloatRows(count: max(1, blocks), dimensions: 1)
    let scratch = try FloatRows(
      count: max(1, min(threads, Limits.threads)), dimensions: dimensions)
    try parallelFor(threads: scratch.count, count: blocks) { thread, block in
      let row = unsafe scratch.row(thread)
      for i in (block * grain)..<min(segment.count, (block + 1) * grain) {
        unsafe copy(UInt32(truncatingIfNeeded: i), into: row)
        let norm = unsafe Float(FixedOrder.squaredNorm(row, count: dimensions).squareRoot())
        unsafe longest.row(block)[0] = max(longest.row(block)[0], norm)
      }
    }
    var most: Float = 0
    for block in 0..<longest.count { unsafe most = max(most, longest.row(block)[0]) }
    return Double(most)
  }
}
