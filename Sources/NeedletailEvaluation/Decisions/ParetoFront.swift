/// A candidate that nothing beats both in recall and in work, and what its recall costs beside its neighbour.
public struct FrontPoint: Sendable, Hashable, Encodable {
  /// The candidate.
  public var judged: JudgedCandidate
  /// `Rubric.score`, 0 to 100.
  public var score: Double
  /// Recall gained for each microsecond more than the neighbour below takes: `Δrecall / Δcost`, in shares a
  /// microsecond of reckoned work; `nil` for the first point.
  public var recallPerMicrosecond: Double?
  /// Recall gained for each byte a vector more: `Δrecall / Δ(bytes / rows)`, in shares a byte; `nil` for the first
  /// point and where it takes no more bytes.
  public var recallPerByte: Double?
  /// Microseconds that one point (a hundredth) of recall more costs from the neighbour below to here.
  public var microsecondsPerPoint: Double? { recallPerMicrosecond.map { 0.01 / $0 } }
  /// Reckoned work, in microseconds.
  public var cost: Double { judged.measurement?.cost ?? .infinity }
  /// Recall, 0 to 1.
  public var recall: Double { judged.measurement?.recall ?? 0 }
}

/// Those candidates that are worth a choice.
public enum ParetoFront {
  /// The candidates within all limits that no other beats: each has more recall than all that cost less.
  ///
  /// - Parameter judged: in any order; those without a measurement and those beyond a limit are left out.
  /// - Returns: by ascending work, which is by ascending recall. Of equals in both the one of fewer bytes, then
  ///   of the narrower window.
  /// - Complexity: O(n log n).
  public static func points(_ judged: [JudgedCandidate]) -> [FrontPoint] {
    let ordered = judged.filter(\.isFeasible).sorted { order($0) < order($1) }
    var points: [FrontPoint] = []
    for judged in ordered {
      guard let found = judged.measurement, found.recall > points.last?.recall ?? -1 else {
        continue
      }
      var point = FrontPoint(judged: judged, score: Rubric.score(judged.rubricUses))
      if let last = points.last {
        // Of equal cost only the one of most recall comes this far: see `order`.
        point.recallPerMicrosecond = (found.recall - last.recall) / (found.cost - last.cost)
        let bytes = judged.bytesPerRow - last.judged.bytesPerRow
        if bytes > 0 { point.recallPerByte = (found.recall - last.recall) / bytes }
      }
      points.append(point)
    }
    return points
  }

  /// Less work first; of equal work more recall, then fewer bytes.
  private static func order(_ judged: JudgedCandidate) -> (Double, Double, Int, Int) {
    (
      judged.measurement?.cost ?? .infinity, -(judged.measurement?.recall ?? 0),
      judged.bytes.total, judged.candidate.efSearch
    )
  }
}

extension JudgedCandidate {
  /// Bytes of the index for each of its vectors.
  public var bytesPerRow: Double { Double(bytes.total) / Double(max(1, bytes.rows)) }
}
