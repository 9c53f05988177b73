public import NeedletailCore

/// What a budget must hold under load, by the names that `needletail load --criterion` has for it.
///
/// Each is what one run can show; `tenants` compares it with a former one.
public enum LoadCriterion: String, Sendable, Hashable, CaseIterable {
  /// Tiers are entered within 2 s and left within 5 s, with p95 and p99 within them in 99 % of the slices; beyond the
  /// capacity in 95 %.
  case tiers
  /// At most 0.01 % of the answers end more than 200 µs after their deadline.
  case `guard`
  /// At the highest rate: goodput at least 90 % of the peak, admitted p99 at most 1.5 times the budget's, settled within
  /// 1 s, a rejection within 100 µs.
  case overload
  /// 99.9 % of the most important class are served, and inversions are in at most 1 % of the slices.
  case priorities
  /// Beside a louder neighbour, a tenant's p99 is at most 10 % higher than in the former run; charges are within 1 %.
  case tenants
  /// Rungs in order while load rises, 99.9 % served until the last one, and the recall of each known.
  case ladder
  /// Queues within their bound, and memory flat within 1 %.
  case backpressure
  /// The stages that answers tell of account for the time they took: within 2 % at p50, within 5 % at p99.
  case ledger
  /// The first 1 000 answers have a p99 of at most 1.5 times that of later ones.
  case warm

  /// What a criterion goes by beside the run itself.
  public struct Basis: Sendable {
    /// What the service does at its best, in answers of use a second; nil: the calmer steps before the highest rate show it.
    public var peakGoodput: Double?
    /// The run that tenants are compared with.
    public var former: LoadReport?

    /// Makes a basis.
    public init(peakGoodput: Double? = nil, former: LoadReport? = nil) {
      self.peakGoodput = peakGoodput
      self.former = former
    }
  }

  /// Judges a run.
  ///
  /// - Parameters:
  ///   - report: The run; recall was judged before, if it is to be known.
  ///   - basis: What else there is to go by.
  /// - Returns: At least one verdict: where the run shows nothing, one that is not met and says what was missing.
  public func verdicts(_ report: LoadReport, basis: Basis = Basis()) -> [LoadVerdict] {
    switch self {
    case .tiers: tiers(report)
    case .guard: [LoadCriteria.tailGuard(report.overall) ?? missing("no request ended")]
    case .overload: overload(report, basis.peakGoodput)
    case .priorities:
      report.priorities.count == 1
        ? [missing("all requests are of one class; give several")]
        : LoadCriteria.priorities(report.slices).orElse(missing("no request was sent"))
    case .tenants: tenants(report, basis.former)
    case .ladder:
      LoadCriteria.ladder(report, last: report.budget?.lastRung)
        .orElse(missing("the target names no rungs"))
    case .backpressure: backpressure(report)
    case .ledger:
      report.ledger.map { LoadCriteria.ledger($0) } ?? [missing("no answer told its stages")]
    case .warm:
      [
        LoadCriteria.warm(report.slices)
          ?? missing("give at most 1 000 requests a second, and more than 2 000 in all")
      ]
    }
  }

  private func missing(_ reason: String) -> LoadVerdict {
    LoadVerdict(rawValue, isMet: false, finding: "nothing to judge: \(reason)")
  }

  private func tiers(_ report: LoadReport) -> [LoadVerdict] {
    guard let budget = report.budget else { return [missing("there is no budget")] }
    guard let capacity = report.capacity else { return [missing("the capacity is not known")] }
    let followed = LoadCriteria.tiersFollowLoad(report, capacity: capacity).orElse(
      missing("no step of the load is longer than its tier may take, 2 s to rise and 5 s to fall"))
    return followed
      + budget.tiers.compactMap { tier in
        report.vocabulary.tiers.firstIndex(of: tier.name).flatMap {
          LoadCriteria.slicesWithin(tier, place: $0, slices: report.slices)
        }
      }
  }

  private func overload(_ report: LoadReport, _ peakGoodput: Double?) -> [LoadVerdict] {
    guard let step = LoadCriteria.heaviest(of: report.steps) else {
      return [missing("the schedule has no part of one rate")]
    }
    if let capacity = report.capacity {
      guard step.rate >= capacity else {
        return [missing("the highest rate is not above the capacity")]
      }
      let isPeak = report.steps.contains { $0.end <= step.start && $0.rate >= capacity }
      guard peakGoodput != nil || isPeak else {
        return [missing("no calmer part reaches the capacity, so that none shows the peak")]
      }
    }
    let tier =
      report.capacity.flatMap { capacity in
        capacity > 0 ? report.budget?.tier(atLoad: step.rate / capacity) : nil
      } ?? report.budget?.tiers.last
    guard
      let promised = [tier?.p99Microseconds, report.deadlineMicroseconds].compactMap(\.self).min()
    else { return [missing("neither a budget nor a deadline says what is in time")] }
    guard
      let peak = peakGoodput ?? LoadCriteria.peakGoodput(of: report, before: step.start)
    else { return [missing("the schedule has no calmer part before its highest rate")] }
    return LoadCriteria.overload(
      report, from: step.start, to: step.end, peakGoodput: peak, p99Microseconds: promised)
  }

  private func tenants(_ report: LoadReport, _ former: LoadReport?) -> [LoadVerdict] {
    guard let former else { return [missing("there is no former run")] }
    var verdicts = [
      LoadVerdict(
        "the former run kept to its schedule", isMet: former.validity.isValid,
        finding: former.validity.isValid
          ? "as it says" : former.validity.faults.joined(separator: " "))
    ]
    let (quiet, loud) = LoadCriteria.neighbors(alone: former, beside: report)
    if quiet.isEmpty || loud.isEmpty {
      verdicts.append(
        missing(
          quiet.isEmpty
            ? "no tenant of the former run asks for as little as there"
            : "no tenant asks for more than in the former run"))
    } else {
      verdicts += quiet.map { LoadCriteria.neighbor(of: $0, alone: former, beside: report) }
    }
    guard !report.charges.isEmpty else {
      return verdicts + [missing("nobody was charged")]
    }
    // One by one: what one is charged too much, another one is charged too little.
    return verdicts
      + report.charges.map {
        LoadCriteria.accounting(of: $0.name, charged: $0.charged, used: $0.used)
      }
  }

  private func backpressure(_ report: LoadReport) -> [LoadVerdict] {
    let warm = 5.0
    var verdicts = LoadCriteria.backpressure(report.slices, warm: warm)
    if !report.slices.contains(where: { $0.start >= warm }) {
      verdicts.append(
        missing("memory is looked at from second \(Numerals.fixed(warm, 0)) on; run longer"))
    }
    return verdicts.orElse(missing("neither queues nor memory were seen"))
  }

  /// Refuses a criterion that a schedule cannot show.
  ///
  /// - Parameters:
  ///   - schedule: What will be run.
  ///   - basis: What else there is to go by.
  /// - Throws: `invalidConfiguration` with what to write instead.
  public func check(_ schedule: LoadSchedule, basis: Basis) throws(NeedletailError) {
    let steps = LoadStep.steps(of: schedule)
    switch self {
    case .tiers where steps.contains { $0.end - $0.start <= 5 }:
      throw NeedletailError(
        .invalidConfiguration,
        """
        --criterion tiers needs parts longer than the 5 s that leaving a tier may take; write them \
        like poisson:0.5x,20s then poisson:1.3x,20s then poisson:0.5x,20s.
        """)
    case .tiers where steps.isEmpty:
      throw NeedletailError(
        .invalidConfiguration,
        """
        --criterion tiers needs parts of one rate, of which “\(schedule.text)” has none; write it \
        like poisson:0.5x,20s then poisson:1.3x,20s then poisson:0.5x,20s.
        """)
    case .overload:
      let calm = LoadCriteria.heaviest(of: steps).map { heaviest in
        steps.contains { $0.end <= heaviest.start && $0.rate > 0 }
      }
      guard calm == true || calm != nil && basis.peakGoodput != nil else {
        throw NeedletailError(
          .invalidConfiguration,
          """
          --criterion overload compares with the best that the service can do: begin the schedule \
          with a calmer part, like poisson:1.3x,10s then poisson:5x,20s, or give --peak 1900qps.
          """)
      }
    default: break
    }
  }
}

extension [LoadVerdict] {
  /// What takes the place of no verdict at all.
  fileprivate func orElse(_ verdict: @autoclosure () -> LoadVerdict) -> [LoadVerdict] {
    isEmpty ? [verdict()] : self
  }
}
