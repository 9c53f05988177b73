/// The whole outcome of a load run: the JSON document, and what the page is drawn from.
public struct LoadReport: Sendable, Hashable, Codable {
  /// The schedule, as it was written.
  public var schedule: String
  /// Its length.
  public var seconds: Double
  /// Its stretches with one rate.
  public var steps: [LoadStep]
  /// What arrivals and mix were drawn from.
  public var seed: UInt64
  /// The neighbours asked for.
  public var k: Int
  /// How long an answer was of use where no tier says so, if that was told.
  public var deadlineMicroseconds: Double?
  /// What the service can do, in requests a second, if that was told.
  public var capacity: Double?
  /// What the run is judged by, if anything.
  public var budget: LoadBudget?
  /// The names of tiers, rungs, stages and reasons.
  public var vocabulary: LoadVocabulary
  /// Whether the run kept to its own schedule.
  public var validity: LoadValidity
  /// All requests.
  public var overall: LoadFigures
  /// Those of each tier that was met.
  public var tiers: [LoadFigures]
  /// Those of each rung that was met.
  public var rungs: [LoadFigures]
  /// Those of each priority class that was met.
  public var priorities: [LoadFigures]
  /// Those of each tenant.
  public var tenants: [LoadFigures]
  /// The rejections; their times count from sending.
  public var rejections: LoadFigures
  /// What stages account for; nil where the target names none.
  public var ledger: LoadLedger?
  /// How often each reason was given, of answers and rejections.
  public var reasons: [LoadCount]
  /// Second by second.
  public var slices: [LoadSlice]
  /// When responses began to name another tier.
  public var tierChanges: [LoadTierChange]
  /// What recall was judged on, if it was.
  public var recallJudgedOn: RecallBasis?
  /// The objectives, and how much of each one's error budget the run used.
  public var objectives: [LoadObjective] = []
  /// What held and what did not.
  public var verdicts: [LoadVerdict] = []
  /// What was written beside.
  public var writes: LoadWrites.Outcome?
  /// What tenants were charged, where the target tells.
  public var charges: [LoadCharge] = []
  /// Where it ran, if that was told.
  public var machine: Machine?
  /// What was put under load and with what, by name.
  public var facts: [LoadFact] = []

  /// Something that there is to say about the run.
  public struct LoadFact: Sendable, Hashable, Codable {
    /// What it is about.
    public var name: String
    /// What there is to say.
    public var value: String

    /// Makes a fact.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What a tenant was charged for its answers, in cost units.
  public struct LoadCharge: Sendable, Hashable, Codable {
    /// The tenant.
    public var name: String
    /// What the target says that it charged.
    public var charged: Double
    /// What its answers took, by what each of them says.
    public var used: Double

    /// Makes a charge.
    public init(name: String, charged: Double, used: Double) {
      self.name = name
      self.charged = charged
      self.used = used
    }
  }

  init(_ tally: LoadTally, schedule: LoadSchedule, options: LoadOptions) {
    self.schedule = schedule.text
    seconds = Double(schedule.nanoseconds) / 1e9
    steps = LoadStep.steps(of: schedule)
    seed = options.seed
    k = options.k
    deadlineMicroseconds = options.deadline.map { Double($0) / 1000 }
    budget = options.budget
    vocabulary = tally.vocabulary
    validity = tally.validity
    overall = tally.overall.finished()
    tiers = Self.met(tally.tiers)
    rungs = Self.met(tally.rungs)
    priorities = Self.met(tally.priorities)
    tenants = tally.tenants.map { $0.finished() }
    rejections = tally.refusals.finished()
    ledger = tally.ledger.finished()
    reasons = tally.reasonCounts
    slices = tally.slices
    tierChanges = tally.tierChanges
    objectives = LoadObjective.outcomes(of: self)
  }

  private static func met(_ groups: [LoadGroup]) -> [LoadFigures] {
    groups.filter { $0.figures.offered > 0 }.map { $0.finished() }
  }

  /// Answers of use, a second, over the whole run.
  public var goodput: Double { seconds > 0 ? Double(overall.inTime) / seconds : 0 }
}

/// A load run: its report, and the answers that a judge may look at.
public struct LoadRun: Sendable {
  /// What was measured.
  public var report: LoadReport
  /// Answers that were kept, if any.
  public let answers: LoadAnswers

  /// Fills in the recall of all, of each tier and of each rung.
  ///
  /// - Parameter judge: Decides which answers are right; made for the queries of the run, and its k. Answers to queries that it
  ///   does not know count nowhere.
  /// - Complexity: an exact distance for each neighbour of each kept answer.
  public mutating func judge(_ judge: some LoadJudge) {
    report.recallJudgedOn = judge.basis
    var overall = Found()
    var rungs: [String: Found] = [:]
    var tiers: [String: Found] = [:]
    let vocabulary = report.vocabulary
    for (rung, kept) in answers.kept.enumerated() {
      var seen = Found()
      for (number, entry) in kept.entries.enumerated() {
        guard let possible = judge.neighbors(of: entry.query) else { continue }
        let right = judge.rightAnswers(answers.neighbors(number, of: kept)[...], query: entry.query)
        seen.add(right, of: possible)
        if let tier = entry.tier, vocabulary.tiers.indices.contains(tier) {
          tiers[vocabulary.tiers[tier], default: Found()].add(right, of: possible)
        }
      }
      if vocabulary.rungs.indices.contains(rung) { rungs[vocabulary.rungs[rung]] = seen }
      // Rungs keep different shares of their answers; in the whole, each counts as often as it answered.
      overall.add(seen, as: kept.seen)
    }
    overall.fill(&report.overall)
    for place in report.rungs.indices {
      rungs[report.rungs[place].name]?.fill(&report.rungs[place])
    }
    for place in report.tiers.indices {
      tiers[report.tiers[place].name]?.fill(&report.tiers[place])
    }
    report.objectives = LoadObjective.outcomes(of: report)
  }

  /// Neighbours that were found, of those that there are.
  private struct Found {
    var right = 0.0
    var possible = 0.0
    var answers = 0

    mutating func add(_ right: Int, of possible: Int) {
      self.right += Double(right)
      self.possible += Double(possible)
      answers += 1
    }

    mutating func add(_ other: Found, as weight: Int) {
      guard other.possible > 0 else { return }
      right += other.right / other.possible * Double(weight)
      possible += Double(weight)
      answers += other.answers
    }

    func fill(_ figures: inout LoadFigures) {
      guard possible > 0 else { return }
      figures.recall = right / possible
      figures.judgedAnswers = answers
    }
  }
}
