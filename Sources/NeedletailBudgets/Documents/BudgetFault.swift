/// One thing that is wrong with a budget, where it stands, and what to write instead.
public struct BudgetFault: Sendable, Hashable, CustomStringConvertible {
  /// The field: `tiers[1].p99`; empty for the document as a whole.
  public var path: String
  /// Line and column; `nil` for a budget that was made in code.
  public var position: TextPosition?
  /// What is wrong, with the numbers.
  public var problem: String
  /// What to write instead.
  public var advice: String

  /// Makes a fault.
  public init(path: String, position: TextPosition? = nil, problem: String, advice: String) {
    self.path = path
    self.position = position
    self.problem = problem
    self.advice = advice
  }

  /// `12:7: tiers[1].p99: … `, in one line.
  public var description: String {
    (position.map { "\($0): " } ?? "") + (path.isEmpty ? "" : path + ": ") + "\(problem). \(advice)"
  }
}

/// Everything that is wrong with a budget, in the order of its text.
public struct InvalidBudget: Error, Sendable, Hashable, CustomStringConvertible {
  /// The faults, the first 200 of them.
  public var faults: [BudgetFault]
  /// How many there are.
  public var count: Int

  /// Makes the error of a document that holds these faults.
  public init(_ faults: [BudgetFault], count: Int? = nil) {
    self.faults = faults
    self.count = max(count ?? 0, faults.count)
  }

  /// A line for each fault.
  public var description: String {
    var lines = faults.map(\.description)
    if count > faults.count { lines.append("… and \(count - faults.count) more") }
    return lines.joined(separator: "\n")
  }
}

/// Faults while they are found: bounded, and each field blamed once.
package struct FaultList: Sendable {
  /// More are counted, and not kept.
  package static let limit = 200

  package private(set) var faults: [BudgetFault] = []
  private var paths: [DocumentPath] = []
  package private(set) var count = 0
  private var blamed: Set<DocumentPath> = []
  /// What the blamed fields are parts of.
  private var touched: Set<DocumentPath> = []

  package init() {}

  package mutating func add(
    _ path: DocumentPath, at position: TextPosition? = nil, _ problem: @autoclosure () -> String,
    _ advice: @autoclosure () -> String
  ) {
    count += 1
    guard faults.count < Self.limit else { return }
    blamed.insert(path)
    for length in 0..<path.steps.count {
      touched.insert(DocumentPath(Array(path.steps.prefix(length))))
    }
    paths.append(path)
    faults.append(
      BudgetFault(path: path.description, position: position, problem: problem(), advice: advice()))
  }

  /// Adds what the rules say of a value, unless one of these fields could not be read: what the rules
  /// saw is then not what was written.
  package mutating func add(
    rule path: DocumentPath, involving others: [DocumentPath] = [],
    _ problem: @autoclosure () -> String, _ advice: @autoclosure () -> String
  ) {
    // Beyond the limit it is not known any more what could be read.
    guard faults.count < Self.limit, !([path] + others).contains(where: { isBlamed($0) }) else {
      return
    }
    add(path, problem(), advice())
  }

  /// Whether a field, a part of it, or what it is a part of, was blamed before.
  package func isBlamed(_ path: DocumentPath) -> Bool {
    if blamed.isEmpty { return false }
    if touched.contains(path) { return true }
    return (0...path.steps.count).contains {
      blamed.contains(DocumentPath(Array(path.steps.prefix($0))))
    }
  }

  /// The error, in the order of the document; `nil` when nothing was found.
  package func error(in document: DocumentNode? = nil) -> InvalidBudget? {
    guard count > 0 else { return nil }
    var placed = faults
    for index in placed.indices where placed[index].position == nil {
      placed[index].position = document?.position(of: paths[index])
    }
    let order = placed.indices.sorted { a, b in
      guard let one = placed[a].position, let other = placed[b].position else { return a < b }
      return (one.line, one.column, a) < (other.line, other.column, b)
    }
    return InvalidBudget(order.map { placed[$0] }, count: count)
  }
}
