import NeedletailCore

/// What load is put on: anything that takes requests and answers them later.
///
/// The judge never sees a service. Whoever owns one adapts it to this protocol.
public protocol LoadTarget: Sendable {
  /// What the places mean that responses name; it does not change during a run.
  var vocabulary: LoadVocabulary { get }

  /// Takes one request, and returns without waiting for its answer.
  ///
  /// Called by the generator's thread alone. The time that it takes is time by which the next request may be late, so
  /// that a target which blocks here makes the run invalid. The answer, the rejection or the failure goes to
  /// `collector.receive` once, on any thread, within this call or after it.
  func submit(_ request: LoadRequest, to collector: LoadCollector)

  /// What can be seen from outside; read once a slice, by the generator's thread.
  func gauges() -> LoadGauges
}

extension LoadTarget {
  /// Nothing is known.
  public func gauges() -> LoadGauges { LoadGauges() }
}

/// How much a request matters, the most important first.
///
/// - Source of the names: *Site Reliability Engineering* (2016), chapter 21.
public enum LoadPriority: Int, Sendable, Hashable, CaseIterable {
  /// Users see its failure at once, and badly.
  case criticalPlus
  /// Users see its failure.
  case critical
  /// May fail for minutes.
  case sheddablePlus
  /// May fail for hours.
  case sheddable

  /// The name, as options and reports have it.
  public var name: String {
    switch self {
    case .criticalPlus: "criticalPlus"
    case .critical: "critical"
    case .sheddablePlus: "sheddablePlus"
    case .sheddable: "sheddable"
    }
  }

  /// The class of a name.
  public init?(name: some StringProtocol) {
    guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }
}

/// One request, as the schedule and the mix want it.
public struct LoadRequest: Sendable, Hashable {
  /// Its number in the run, from 0.
  public let number: Int
  /// The row of the query in the file of queries.
  public let query: Int
  /// The neighbours asked for.
  public let k: Int
  /// How much it matters.
  public let priority: LoadPriority
  /// Whose it is: a place in the tenants of the mix; 0 where there are none.
  public let tenant: Int
  /// When it should be sent, in nanoseconds of the generator's clock: latency counts from here.
  public let intended: Int64
  /// When its answer is of no use any more, on the same clock; nil: not said.
  public let deadline: Int64?
  /// Where the collector keeps its response.
  let slot: Int32

  init(
    number: Int, query: Int, k: Int, priority: LoadPriority, tenant: Int, intended: Int64,
    deadline: Int64?, slot: Int32
  ) {
    self.number = number
    self.query = query
    self.k = k
    self.priority = priority
    self.tenant = tenant
    self.intended = intended
    self.deadline = deadline
    self.slot = slot
  }
}

/// What became of one request; small, and without a reference.
public struct LoadResponse: Sendable {
  /// The ways in which a request ends.
  public enum Outcome: Int, Sendable, Hashable {
    /// There is an answer, maybe a simpler one than was asked for.
    case answered
    /// The service refused, and said when to ask again.
    case rejected
    /// The service broke.
    case failed
  }

  /// How it ended.
  public var outcome: Outcome
  /// A place in the vocabulary's tiers: the one that held; nil: unknown.
  public var tier: Int?
  /// A place in the vocabulary's rungs; nil: unknown.
  public var rung: Int?
  /// A bit for each place in the vocabulary's reasons; 0: nothing was given up.
  public var reasons: UInt32 = 0
  /// The nanoseconds of each stage, in the order of the vocabulary's stages.
  public var stages = SIMD8<Int64>()
  /// Distances and estimates computed.
  public var evaluations = 0
  /// After how many nanoseconds to ask again; of a rejection.
  public var retryAfter: Int64 = 0

  /// Makes a response; what is not said stays unknown.
  public init(_ outcome: Outcome, tier: Int? = nil, rung: Int? = nil) {
    self.outcome = outcome
    self.tier = tier
    self.rung = rung
  }
}

/// The names of what responses give by place.
public struct LoadVocabulary: Sendable, Hashable, Codable {
  /// The tiers, from the lowest load to the highest; at most 64 are told apart.
  public var tiers: [String]
  /// The rungs of the ladder, the best first; at most 64 are told apart.
  public var rungs: [String]
  /// The stages in their order, at most 8.
  public var stages: [String]
  /// The reasons for which an answer is simpler, or is none; at most 32.
  public var reasons: [String]

  /// Makes a vocabulary.
  public init(
    tiers: [String] = [], rungs: [String] = [], stages: [String] = [], reasons: [String] = []
  ) {
    self.tiers = tiers
    self.rungs = rungs
    self.stages = stages
    self.reasons = reasons
  }

  /// Refuses more names than are told apart.
  ///
  /// - Throws: `invalidConfiguration` with the numbers.
  func validate() throws(NeedletailError) {
    guard tiers.count <= 64, rungs.count <= 64, stages.count <= 8, reasons.count <= 32 else {
      throw NeedletailError(
        .invalidConfiguration,
        """
        The target names \(tiers.count) tiers, \(rungs.count) rungs, \(stages.count) stages and \
        \(reasons.count) reasons; at most 64, 64, 8 and 32 are told apart.
        """)
    }
  }
}

/// What a service shows of itself at one moment.
public struct LoadGauges: Sendable, Hashable {
  /// The most requests that waited since this was asked last.
  public var longestQueue: Int?
  /// The most that may wait.
  public var queueBound: Int?
  /// The memory that counts against the ceiling, in bytes; nil: the process's own is taken.
  public var memoryBytes: Int?

  /// Makes gauges; what is not said stays unknown.
  public init(longestQueue: Int? = nil, queueBound: Int? = nil, memoryBytes: Int? = nil) {
    self.longestQueue = longestQueue
    self.queueBound = queueBound
    self.memoryBytes = memoryBytes
  }
}
