#if Governance
  import NeedletailBudgets

  /// One entry of the log: what was changed, by whom and why.
  public struct GovernanceRecord: Sendable, Hashable {
    /// What an entry does.
    public enum Kind: String, Sendable, Hashable {
      /// The log begins with a whole budget.
      case start
      /// One field gets another value.
      case change
      /// The budget is again what it was after an earlier record.
      case rollback
    }

    /// Its number, from 1.
    public var number: Int
    /// When it was made: seconds since 1970, by the clock of whoever made it.
    public var time: Int
    /// What it does.
    public var kind: Kind
    /// Why, by whom, and with which expectation.
    public var reason: ChangeReason
    /// The tier that it is about, where it is about one.
    public var tier: String?
    /// The field: `tiers[peak].p99`; `nil` but for a change.
    public var field: String?
    /// The field's value before, as JSON; `nil` where it was left out.
    public var old: String?
    /// The field's value from then on, as JSON; `nil` where it is taken away.
    public var new: String?
    /// The record whose budget is in force again; `nil` but for a rollback.
    public var target: Int?
    /// The budget as JSON on one line; `nil` but for the start.
    public var budget: String?
    /// The SHA-256 of the budget that is in force from then on, as its JSON.
    public var budgetHash: String
    /// The SHA-256 that the next record continues from.
    public internal(set) var hash: String = ""
  }

  /// Who answers for a change, and why it is made.
  public struct ChangeReason: Sendable, Hashable {
    /// Who answers for it; needed.
    public var owner: String
    /// Why it is made; needed.
    public var rationale: String
    /// What it is expected to do.
    public var expectedImpact: String?
    /// How it is taken back, should it not.
    public var rollback: String?

    /// Makes a reason; the log refuses one without an owner or a rationale.
    public init(
      owner: String, rationale: String, expectedImpact: String? = nil, rollback: String? = nil
    ) {
      self.owner = owner
      self.rationale = rationale
      self.expectedImpact = expectedImpact
      self.rollback = rollback
    }
  }

  extension GovernanceRecord {
    /// The record as a line says it, without its hash.
    var body: String {
      func text(_ value: String?) -> DocumentNode? { value.map { .text($0) } }
      func json(_ value: String?) -> DocumentNode? {
        value.flatMap { try? JSONReader.read(Array($0.utf8)) }
      }
      return JSONWriter.compact(
        .object([
          ("number", .number(number)), ("time", .number(time)), ("kind", .text(kind.rawValue)),
          ("owner", .text(reason.owner)), ("rationale", .text(reason.rationale)),
          ("expectedImpact", text(reason.expectedImpact)), ("rollback", text(reason.rollback)),
          ("tier", text(tier)), ("field", text(field)), ("old", json(old)), ("new", json(new)),
          ("target", target.map { .number($0) }), ("budget", json(budget)),
          ("budgetHash", .text(budgetHash)),
        ]))
    }

    /// Reads a body; `nil` for what this program would not have written.
    init?(body: [UInt8]) {
      guard let node = try? JSONReader.read(body) else { return nil }
      func text(_ key: String) -> String? { node[key]?.string }
      func whole(_ key: String) -> Int? {
        guard case .number(let digits)? = node[key]?.value else { return nil }
        return Int(digits)
      }
      guard let number = whole("number"), let time = whole("time"),
        let kind = text("kind").flatMap(Kind.init(rawValue:)), let owner = text("owner"),
        let rationale = text("rationale"), let budgetHash = text("budgetHash")
      else { return nil }
      self.init(
        number: number, time: time, kind: kind,
        reason: ChangeReason(
          owner: owner, rationale: rationale, expectedImpact: text("expectedImpact"),
          rollback: text("rollback")), tier: text("tier"), field: text("field"),
        old: node["old"].map(JSONWriter.compact), new: node["new"].map(JSONWriter.compact),
        target: whole("target"), budget: node["budget"].map(JSONWriter.compact),
        budgetHash: budgetHash)
      // Nothing is in the bytes that is not in the record.
      guard Array(self.body.utf8) == body else { return nil }
    }
  }
#endif
