/// One step of the ladder: a simpler answer than the step before it, in less time.
///
/// The order of the cases is the order in which they are used.
public enum Rung: String, Sendable, Hashable, CaseIterable, Comparable, Codable,
  CodingKeyRepresentable
{
  /// The search as it was asked for.
  case full
  /// A narrower window: `Ladder.window`.
  case smallerWindow
  /// No comparison on precise rows: the order is that of the codes.
  case withoutRerank
  /// Fewer bits a component, where the index has them.
  case lighterCodes
  /// A cached answer that is as good as a new one.
  case cachedFresh
  /// A cached answer that may be out of date, and says so.
  case cachedStale
  /// No answer, and the time after which to ask again.
  case reject

  /// The place in the ladder: `full` has 0, `reject` 6.
  public var order: Int {
    switch self {
    case .full: 0
    case .smallerWindow: 1
    case .withoutRerank: 2
    case .lighterCodes: 3
    case .cachedFresh: 4
    case .cachedStale: 5
    case .reject: 6
    }
  }

  /// The rung of a place; `nil` where there is none.
  package init?(order: Int) {
    switch order {
    case 0: self = .full
    case 1: self = .smallerWindow
    case 2: self = .withoutRerank
    case 3: self = .lighterCodes
    case 4: self = .cachedFresh
    case 5: self = .cachedStale
    case 6: self = .reject
    default: return nil
    }
  }

  /// Whether the answer comes out of the cache.
  package var isCached: Bool { self == .cachedFresh || self == .cachedStale }

  /// By depth: a rung is less than those that come after it in the ladder.
  public static func < (a: Rung, b: Rung) -> Bool { a.order < b.order }
}

/// The window of the rung `smallerWindow`.
public enum SmallerWindow: Sendable, Hashable {
  /// A width, as in `SearchOptions.efSearch`.
  case efSearch(Int)
  /// The width that reaches this recall, by the index's tuning.
  case recall(Double)
}

/// What answers give up under stress, in which order, and how calmly.
public struct Ladder: Sendable, Hashable {
  /// The rungs that there are, in order, `full` among them; those of the cache hold only while there is one.
  public var rungs: [Rung]
  /// What the rung `smallerWindow` searches with; by default, what reaches a recall of 0.9.
  public var window: SmallerWindow
  /// When to ask again, as a rejection says it at least; more where the queue is longer.
  public var retryAfter: Duration
  /// The least time between two changes of the rung.
  public var hold: Duration
  /// The noise of the load that changes nothing, 0 to 0.5: 0.2 is ± 20 %.
  public var noise: Double

  /// Makes a ladder; `PerformanceBudget` checks it.
  public init(
    rungs: [Rung] = Rung.allCases, window: SmallerWindow = .recall(0.9),
    retryAfter: Duration = .seconds(1), hold: Duration = .seconds(5), noise: Double = 0.2
  ) {
    self.rungs = rungs
    self.window = window
    self.retryAfter = retryAfter
    self.hold = hold
    self.noise = noise
  }
}

extension Ladder: BudgetRecord {
  package static var blank: Ladder { Ladder() }
  package static var fields: [Field<Ladder>] {
    [
      Field("rungs", \.rungs, .list(.choice, atMost: Rung.allCases.count)),
      Field("window", \.windowFields, .record),
      Field(
        "retryAfter", \.retryAfter,
        .duration(.milliseconds(1)...(.seconds(3_600)), example: "\"1s\"")),
      Field("hold", \.hold, .duration(.zero...(.seconds(3_600)), example: "\"5s\"")),
      Field("noise", \.noise, .share(0...0.5, example: "\"20%\"")),
    ]
  }

  /// The window as the file has it.
  private var windowFields: WindowFields {
    get {
      switch window {
      case .efSearch(let width): WindowFields(efSearch: width)
      case .recall(let recall): WindowFields(recall: recall)
      }
    }
    set {
      // Where neither stands, or both, the reader has said so.
      if let width = newValue.efSearch {
        window = .efSearch(width)
      } else if let recall = newValue.recall {
        window = .recall(recall)
      }
    }
  }
}

/// `{"efSearch": 32}` or `{"recall": "90%"}`.
private struct WindowFields: BudgetRecord {
  var efSearch: Int?
  var recall: Double?

  static var blank: WindowFields { WindowFields() }
  static var fields: [Field<WindowFields>] {
    [
      Field(
        "efSearch", \.efSearch, .whole(1...ComplexityEnvelope.limits.efSearch, example: 32),
        tighter: .lower),
      Field("recall", \.recall, .share(0.01...1, example: "\"90%\""), tighter: .higher),
    ]
  }

  mutating func complete(
    given keys: Set<String>, _ path: DocumentPath, _ faults: inout FaultList
  ) {
    guard (efSearch == nil) == (recall == nil), !faults.isBlamed(path) else { return }
    faults.add(
      path, efSearch == nil ? "It is empty" : "Both “efSearch” and “recall” stand here",
      "Write one of them: {\"efSearch\": 32} or {\"recall\": \"90%\"}.")
  }
}
