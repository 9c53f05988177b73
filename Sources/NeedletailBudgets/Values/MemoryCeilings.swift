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

  /// The place among the components, from 0.
  package var order: Int {
    switch self {
    case .codes: 0
    case .graph: 1
    case .precise: 2
    case .ids: 3
    case .filters: 4
    case .cache: 5
    case .scratch: 6
    case .log: 7
    }
  }
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

  /// The most bytes of a component, or (`nil`) of all together; `nil` where nothing limits them.
  ///
  /// Where something as large was refused before (`isReadmission`), less than the ceiling: the head-room must stay free.
  package func limit(_ component: MemoryComponent?, isReadmission: Bool = false) -> Int? {
    let ceiling: Int? = if let component { self[component] } else { total }
    return isReadmission ? ceiling.map { Self.part(1 - headroom, of: $0) } : ceiling
  }

  /// Refuses what would take more than a ceiling allows.
  ///
  /// - Parameter predicted: All that would be in use.
  /// - Throws: `overBudget`, naming each component beyond its ceiling, the bytes needed and the limit.
  /// - Complexity: O(1), in the components.
  public func check(predicted: MemoryUse) throws(NeedletailError) {
    try check(
      predicted, isReadmission: false, "Take less, or raise the ceiling in the budget.")
  }

  /// Refuses what would leave less than the head-room: asked before what was refused is let in again.
  ///
  /// - Throws: `overBudget`, as `check(predicted:)`.
  public func checkReadmission(predicted: MemoryUse) throws(NeedletailError) {
    try check(predicted, isReadmission: true, "It is let in again below that.")
  }

  private func check(
    _ use: MemoryUse, isReadmission: Bool, _ advice: String
  ) throws(NeedletailError) {
    let parts = (MemoryComponent.allCases.map { $0 } + [nil]).compactMap {
      (component: MemoryComponent?) -> String? in
      let needed = component.map { use[$0] } ?? use.total
      guard let limit = limit(component, isReadmission: isReadmission), needed > limit else {
        return nil
      }
      let name = component?.rawValue ?? "total"
      return "\(name) needs \(needed) bytes and may take \(limit)"
    }
    guard !parts.isEmpty else { return }
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
