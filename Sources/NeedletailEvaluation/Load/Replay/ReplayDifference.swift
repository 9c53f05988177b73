/// One number of a candidate beside that of the baseline.
public struct ReplayDifference: Sendable, Hashable, Codable {
  /// What it is: `p95`, `p95 of tier normal`, `recall`, `memory`.
  public var quantity: String
  /// That of the baseline.
  public var before: Double
  /// That of the candidate.
  public var after: Double

  /// Makes a difference.
  public init(_ quantity: String, before: Double, after: Double) {
    self.quantity = quantity
    self.before = before
    self.after = after
  }

  /// By how much of the baseline's it is more; nil where that is 0.
  public var share: Double? { before == 0 ? nil : after / before - 1 }

  /// Every number that both have.
  static func between(_ one: ReplayCandidate, _ other: ReplayCandidate) -> [ReplayDifference] {
    var found: [ReplayDifference] = []
    if let one = one.report, let other = other.report {
      found += pairs("", one.overall, other.overall)
      for tier in one.tiers {
        guard let same = other.tiers.first(where: { $0.name == tier.name }) else { continue }
        found += pairs(" of tier \(tier.name)", tier, same)
      }
    }
    for rung in one.rungs {
      guard let same = other.rungs.first(where: { $0.name == rung.name }) else { continue }
      found += [
        ReplayDifference("recall on \(rung.name)", before: rung.recall, after: same.recall),
        ReplayDifference(
          "evaluations on \(rung.name)", before: rung.evaluations, after: same.evaluations),
        ReplayDifference(
          "reckoned p95 on \(rung.name)", before: rung.p95Microseconds, after: same.p95Microseconds),
      ]
    }
    for component in one.memory {
      guard let same = other.memory.first(where: { $0.component == component.component }),
        component.found + same.found > 0
      else { continue }
      found.append(
        ReplayDifference(
          "memory, \(component.component)", before: Double(component.found),
          after: Double(same.found)))
    }
    return found
  }

  private static func pairs(
    _ suffix: String, _ one: LoadFigures, _ other: LoadFigures
  ) -> [ReplayDifference] {
    guard one.answered > 0, other.answered > 0 else { return [] }
    var found = [
      ReplayDifference("answered" + suffix, before: one.servedShare, after: other.servedShare),
      ReplayDifference("p50" + suffix, before: one.p50Microseconds, after: other.p50Microseconds),
      ReplayDifference("p95" + suffix, before: one.p95Microseconds, after: other.p95Microseconds),
      ReplayDifference("p99" + suffix, before: one.p99Microseconds, after: other.p99Microseconds),
      ReplayDifference(
        "evaluations" + suffix, before: one.evaluationsPerAnswer, after: other.evaluationsPerAnswer),
    ]
    if let before = one.recall, let after = other.recall {
      found.append(ReplayDifference("recall" + suffix, before: before, after: after))
    }
    return found
  }
}
