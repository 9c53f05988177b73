/// A candidate that nothing beats both in recall and in work, and what its recall costs beside its neighbour.
public struct FrontPoint: Sendable, Hashable, Encodable {
  /// The candidate.
  public var judged: JudgedCandidate
  /// `Rubric.score`, 0 to 100.
  public var score: Double
  /// Recall gained for each microsecond more than the neighbour below takes: `Δrecall / Δcost`, in shares a
  /// microsecond of reckoned work; `nil` for the first point and where it takes no more work.
  public var recallPerMicrosecond: Double?
  /// Recall gained for each byte a vector more: `Δrecall / Δ(bytes / rows)`, in shares a byte; `nil` for the first
  /// point and where it takes no more bytes.
  public var recallPerByte: Double?
  /// Microseconds that one point (a hundredth) of recall more costs from the neighbour below to here.
  public var microsecondsPerPoint: Double? { recallPerMicrosecond.map { 0.01 / $0 } }
  /// Bytes a vector that one point of recall more costs from the neighbour below to here.
  public var bytesPerPoint: Double? { recallPerByte.map { 0.01 / $0 } }
  /// Reckoned work, in microseconds.
  public var cost: Double { judged.measurement?.cost ?? .infinity }
  /// Recall, 0 to 1.
  public var recall: Double { judged.measurement?.recall ?? 0 }
}

/// Those candidates that are worth a choice.
public enum ParetoFront {
  /// What recall is paid with.
  public enum Price: Sendable {
    /// Reckoned work of a query.
    case work
    /// Bytes of the index.
    case bytes
  }

  /// The candidates within all limits that no other beats: each has more recall than all that cost less.
  ///
  /// - Parameters:
  ///   - judged: in any order; those without a measurement and those beyond a limit are left out.
  ///   - price: what candidates are compared by. Default work.
  /// - Returns: by ascending price, which is by ascending recall. Of equals in both the one that costs less of the
  ///   other price, then the narrower window.
  /// - Complexity: O(n log n).
  public static func points(_ judged: [JudgedCandidate], by price: Price = .work) -> [FrontPoint] {
    let ordered = judged.filter(\.isFeasible).sorted { order($0, price) < order($1, price) }
    var points: [FrontPoint] = []
    for judged in ordered {
      guard let found = judged.measurement, found.recall > points.last?.recall ?? -1 else {
        continue
      }
      var point = FrontPoint(judged: judged, score: Rubric.score(judged.rubricUses))
      if let last = points.last {
        let gain = found.recall - last.recall
        let work = found.cost - last.cost
        let bytes = judged.bytesPerRow - last.judged.bytesPerRow
        if work > 0 { point.recallPerMicrosecond = gain / work }
        if bytes > 0 { point.recallPerByte = gain / bytes }
      }
      points.append(point)
    }
    return points
  }

  /// The lower price first; of equal prices more recall, then the lower other price.
  private static func order(
    _ judged: JudgedCandidate, _ price: Price
  ) -> (Double, Double, Double, Int, Int) {
    let work = judged.measurement?.cost ?? .infinity
    let bytes = Double(judged.bytes.total)
    let recall = judged.measurement?.recall ?? 0
    let width = judged.candidate.efSearch
    let depth = judged.candidate.rerank.plainness
    return price == .work
      ? (work, -recall, bytes, width, depth) : (bytes, -recall, work, width, depth)
  }
}

extension JudgedCandidate {
  /// Bytes of the index for each of its vectors.
  public var bytesPerRow: Double { Double(bytes.total) / Double(max(1, bytes.rows)) }
}
