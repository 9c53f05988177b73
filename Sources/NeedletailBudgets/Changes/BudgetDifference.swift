/// One field in which two budgets differ.
public struct BudgetDifference: Sendable, Hashable {
  /// What the change asks of the service.
  public enum Movement: String, Sendable, Hashable {
    /// More is promised, or less may be used.
    case tighter
    /// Less is promised, or more may be used.
    case looser
    /// An item is new.
    case added
    /// An item is gone.
    case removed
    /// Neither of these.
    case changed
  }

  /// The path, items by name: `tiers[peak].p99`.
  public var field: String
  /// The value before, as JSON on one line; `nil` where there was none.
  public var old: String?
  /// The value after it.
  public var new: String?
  /// Which way it moves.
  public var movement: Movement

  /// Makes a difference.
  public init(field: String, old: String?, new: String?, movement: Movement) {
    self.field = field
    self.old = old
    self.new = new
    self.movement = movement
  }

  /// Whose tier it is about, where it is about one.
  public var tier: String? {
    guard field.hasPrefix("tiers["), let end = field.firstIndex(of: "]") else { return nil }
    return String(field[field.index(field.startIndex, offsetBy: 6)..<end])
  }
}

extension PerformanceBudget {
  /// The fields in which another budget differs from this one, in the order of the file.
  ///
  /// - Returns: empty exactly when both are equal.
  public func differences(to other: PerformanceBudget) -> [BudgetDifference] {
    var found: [BudgetDifference] = []
    Self.compare("", written(), other.written(), .neither, Self.known, &found)
    return found
  }

  private static func compare(
    _ path: String, _ old: DocumentNode?, _ new: DocumentNode?, _ tightening: Tightening,
    _ fields: [FieldDescription], _ found: inout [BudgetDifference]
  ) {
    let texts = (old.map(JSONWriter.compact), new.map(JSONWriter.compact))
    if texts.0 == texts.1 { return }
    if let a = old?.entries, let b = new?.entries {
      compareFields(path, a, b, fields, &found)
    } else if let a = old?.items, let b = new?.items, !fields.isEmpty {
      compareItems(path, a, b, fields, &found)
    } else {
      found.append(
        BudgetDifference(
          field: path, old: texts.0, new: texts.1, movement: movement(old, new, tightening)))
    }
  }

  private static func compareFields(
    _ path: String, _ old: [DocumentNode.Entry], _ new: [DocumentNode.Entry],
    _ fields: [FieldDescription], _ found: inout [BudgetDifference]
  ) {
    for field in fields {
      let place = path.isEmpty ? field.key : "\(path).\(field.key)"
      compare(
        place, old.first { $0.key == field.key }?.node, new.first { $0.key == field.key }?.node,
        field.tightening, field.children, &found)
    }
  }

  /// Items are the same by their name; where they have none, by their number.
  private static func compareItems(
    _ path: String, _ old: [DocumentNode], _ new: [DocumentNode], _ fields: [FieldDescription],
    _ found: inout [BudgetDifference]
  ) {
    func names(_ items: [DocumentNode]) -> [String] {
      items.enumerated().map { $1.itemName ?? "\($0)" }
    }
    let before = Dictionary(zip(names(old), old)) { first, _ in first }
    let after = Dictionary(zip(names(new), new)) { first, _ in first }
    for name in names(old) where after[name].isMissing {
      found.append(
        BudgetDifference(
          field: "\(path)[\(name)]", old: before[name].map(JSONWriter.compact), new: nil,
          movement: .removed))
    }
    for name in names(new) {
      guard let item = before[name] else {
        found.append(
          BudgetDifference(
            field: "\(path)[\(name)]", old: nil, new: after[name].map(JSONWriter.compact),
            movement: .added))
        continue
      }
      compare("\(path)[\(name)]", item, after[name], .neither, fields, &found)
    }
    let kept = names(old).filter { !after[$0].isMissing }
    let moved = names(new).filter { !before[$0].isMissing }
    if kept != moved {
      func list(_ names: [String]) -> String { JSONWriter.compact(.list(names.map { .text($0) })) }
      found.append(
        BudgetDifference(field: path, old: list(kept), new: list(moved), movement: .changed))
    }
  }

  private static func movement(
    _ old: DocumentNode?, _ new: DocumentNode?, _ tightening: Tightening
  ) -> BudgetDifference.Movement {
    // A limit that is left out is none: as loose as can be.
    let none = tightening == .lower ? Double.infinity : -Double.infinity
    let before = old.map { magnitude($0) } ?? none
    let after = new.map { magnitude($0) } ?? none
    guard tightening != .neither, let before, let after, before != after else { return .changed }
    return (after < before) == (tightening == .lower) ? .tighter : .looser
  }

  /// The size of what carries a unit or none; both sides of a comparison are of one kind.
  private static func magnitude(_ node: DocumentNode) -> Double? {
    switch node.value {
    case .number(let text): return Double(text)
    case .text(let text):
      if let time = Units.duration(text) { return Units.nanoseconds(time).map(Double.init) }
      return Units.share(text) ?? Units.bytes(text).map(Double.init)
    default: return nil
    }
  }
}

extension DocumentNode? {
  fileprivate var isMissing: Bool {
    if case .none = self { return true }
    return false
  }
}
