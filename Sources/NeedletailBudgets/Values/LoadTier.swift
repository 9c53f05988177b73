/// A level of load, and what is promised while it lasts.
public struct LoadTier: Sendable, Hashable {
  /// What it is called: `normal`, `peak`.
  public var name: String
  /// When it is entered; `nil` for the first tier, which holds when no other does.
  public var enter: LoadCondition?
  /// When it is left again, at a lower load than it is entered at; by default 10 points lower, for 3 s.
  public var exit: LoadCondition?
  /// 95 % of the queries are answered within this time, from their arrival on.
  public var p95: Duration
  /// 99 % of the queries are answered within this time; also the deadline that stages share.
  public var p99: Duration
  /// The rungs of the ladder that may be used, in its order, `full` among them; by default all of them.
  public var rungs: [Rung]
  /// The recall below which no rung may go, 0 to 1; 0: none is promised.
  public var recallFloor: Double

  /// Makes a tier; `PerformanceBudget` checks it.
  public init(
    name: String, p95: Duration, p99: Duration, enter: LoadCondition? = nil,
    exit: LoadCondition? = nil, rungs: [Rung] = Rung.allCases, recallFloor: Double = 0
  ) {
    self.name = name
    self.enter = enter
    self.exit = exit ?? enter.map(\.exitByDefault)
    self.p95 = p95
    self.p99 = p99
    self.rungs = rungs
    self.recallFloor = recallFloor
  }
}

/// A load that has held for some time.
public struct LoadCondition: Sendable, Hashable {
  /// Work offered over work that can be done: 0.9 is 90 %, and more than 1 is overload.
  public var load: Double
  /// How long it has to hold.
  public var hold: Duration

  /// Makes a condition.
  public init(load: Double, for hold: Duration = .seconds(1)) {
    self.load = load
    self.hold = hold
  }

  /// Ten points below, for three seconds: what is entered at a load is not left at the same one.
  var exitByDefault: LoadCondition {
    // In whole points, so that it reads well; and above zero, so that it can be met.
    let points = (load * 100 - 10).rounded()
    return LoadCondition(load: points >= 1 ? points / 100 : load / 2, for: .seconds(3))
  }
}

extension LoadCondition: BudgetRecord {
  package static var blank: LoadCondition { LoadCondition(load: 0) }
  package static var shorthand: String? { "load" }
  package static var fields: [Field<LoadCondition>] {
    [
      Field("load", \.load, .share(0...100, example: "\"90%\""), isRequired: true),
      Field("for", \.hold, .duration(.zero...(.seconds(3_600)), example: "\"1s\"")),
    ]
  }
}

extension LoadTier: BudgetRecord {
  /// Beyond an hour nothing is a latency any more.
  private static let latencies = Duration.microseconds(1)...(.seconds(3_600))

  package static var blank: LoadTier { LoadTier(name: "", p95: .zero, p99: .zero) }
  package static var fields: [Field<LoadTier>] {
    [
      Field("name", \.name, .name(example: "peak"), isRequired: true),
      Field("enter", \.enter, .record),
      Field("exit", \.exit, .record),
      Field("p95", \.p95, .duration(latencies), isRequired: true, tighter: .lower),
      Field(
        "p99", \.p99, .duration(latencies, example: "\"250ms\""), isRequired: true, tighter: .lower),
      Field("rungs", \.rungs, .list(.choice, atMost: Rung.allCases.count)),
      Field("recallFloor", \.recallFloor, .share(0...1, example: "\"90%\""), tighter: .higher),
    ]
  }

  package mutating func complete(
    given keys: Set<String>, _ path: DocumentPath, _ faults: inout FaultList
  ) {
    if exit == nil { exit = enter.map(\.exitByDefault) }
  }
}
