public import NeedletailCore

/// A part of the memory that an index in service takes.
public enum MemoryComponent: String, Sendable, Hashable, CaseIterable {
  /// The codes that walks read.
  case codes
  /// The links between rows.
  case graph
  /// The precise rows.
  case precise
  /// The ids, and the way from an id to its row.
  case ids
  /// Attributes and compiled filters.
  case filters
  /// The result cache.
  case cache
  /// What searches and builds work in.
  case scratch
  /// The write-ahead log, and the rows that it holds.
  case log
}

/// Bytes for each component: what is used, or what something is predicted to take.
public struct MemoryUse: Sendable, Hashable {
  private var bytes: [MemoryComponent: Int]

  /// Takes the bytes of the components that have any.
  public init(_ bytes: [MemoryComponent: Int] = [:]) { self.bytes = bytes }

  /// The bytes of a component.
  public subscript(component: MemoryComponent) -> Int {
    get { bytes[component] ?? 0 }
    set { bytes[component] = newValue }
  }

  /// All components together; the largest `Int` where that is more.
  public var total: Int {
    bytes.values.reduce(0) { sum, count in
      let (next, overflow) = sum.addingReportingOverflow(max(0, count))
      return overflow ? .max : next
    }
  }
}

/// The most memory that a service may take, by component and in all.
public struct MemoryCeilings: Sendable, Hashable {
  /// The ceiling of the codes, in bytes; `nil`, here and below: none but the total.
  public var codes: Int?
  /// The ceiling of the graph.
  public var graph: Int?
  /// The ceiling of the precise rows.
  public var precise: Int?
  /// The ceiling of the ids.
  public var ids: Int?
  /// The ceiling of attributes and filters.
  public var filters: Int?
  /// The ceiling of the result cache.
  public var cache: Int?
  /// The ceiling of what searches and builds work in.
  public var scratch: Int?
  /// The ceiling of the log.
  public var log: Int?
  /// The ceiling of everything together.
  public var total: Int?
  /// How far below a ceiling memory has to fall, as a share of it, before what was refused is let in again.
  public var headroom: Double

  /// Makes ceilings; `PerformanceBudget` checks them.
  public init(
    codes: Int? = nil, graph: Int? = nil, precise: Int? = nil, ids: Int? = nil, filters: Int? = nil,
    cache: Int? = nil, scratch: Int? = nil, log: Int? = nil, total: Int? = nil,
    headroom: Double = 0.05
  ) {
    self.codes = codes
    self.graph = graph
    self.precise = precise
    self.ids = ids
    self.filters = filters
    self.cache = cache
    self.scratch = scratch
    self.log = log
    self.total = total
    self.headroom = headroom
  }

  /// The ceiling of a component.
  public subscript(component: MemoryComponent) -> Int? {
    switch component {
    case .codes: codes
    case .graph: graph
    case .precise: precise
    case .ids: ids
    case .filters: filters
    case .cache: cache
    case .scratch: scratch
    case .log: log
    }
  }

  /// Refuses what would take more than a ceiling allows.
  ///
  /// - Parameter predicted: All that would be in use.
  /// - Throws: `overBudget`, naming each component beyond its ceiling, the bytes needed and the limit.
  /// - Complexity: O(1), in the components.
  public func check(predicted: MemoryUse) throws(NeedletailError) {
    try check(predicted, share: 1, "Take less, or raise the ceiling in the budget.")
  }

  /// Refuses what would leave less than the head-room: asked before what was refused is let in again.
  ///
  /// - Throws: `overBudget`, as `check(predicted:)`.
  public func checkReadmission(predicted: MemoryUse) throws(NeedletailError) {
    try check(predicted, share: 1 - headroom, "It is let in again below that.")
  }

  private func check(
    _ use: MemoryUse, share: Double, _ advice: String
  ) throws(NeedletailError) {
    func isOver(_ needed: Int, _ limit: Int?) -> Bool {
      limit.map { needed > Self.part(share, of: $0) } ?? false
    }
    let total = use.total
    guard
      isOver(total, self.total)
        || MemoryComponent.allCases.contains(where: { isOver(use[$0], self[$0]) })
    else { return }
    var found = MemoryComponent.allCases.filter { isOver(use[$0], self[$0]) }.map {
      ($0.rawValue, use[$0], self[$0] ?? 0)
    }
    if isOver(total, self.total) { found.append(("total", total, self.total ?? 0)) }
    let parts = found.map { name, needed, limit in
      "\(name) needs \(needed) bytes and may take \(Self.part(share, of: limit))"
    }
    throw NeedletailError(
      .overBudget, "Over the memory budget: \(parts.joined(separator: "; ")). \(advice)")
  }

  private static func part(_ share: Double, of limit: Int) -> Int {
    share >= 1 ? limit : Int(exactly: (Double(limit) * max(0, share)).rounded(.down)) ?? limit
  }
}

extension MemoryCeilings: BudgetRecord {
  package static var blank: MemoryCeilings { MemoryCeilings() }
  package static var fields: [Field<MemoryCeilings>] {
    [
      Field("codes", \.codes, .bytes, tighter: .lower),
      Field("graph", \.graph, .bytes, tighter: .lower),
      Field("precise", \.precise, .bytes, tighter: .lower),
      Field("ids", \.ids, .bytes, tighter: .lower),
      Field("filters", \.filters, .bytes, tighter: .lower),
      Field("cache", \.cache, .bytes, tighter: .lower),
      Field("scratch", \.scratch, .bytes, tighter: .lower),
      Field("log", \.log, .bytes, tighter: .lower),
      Field("total", \.total, .bytes, tighter: .lower),
      Field("headroom", \.headroom, .share(0...0.9, example: "\"5%\""), tighter: .higher),
    ]
  }
}
