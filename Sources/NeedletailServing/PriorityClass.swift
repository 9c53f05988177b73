/// How much a query matters when not all can be served.
///
/// Source of the names: *Site Reliability Engineering* (2016), chapter 21.
public enum PriorityClass: Int, Sendable, Hashable, Comparable, CaseIterable {
  /// Users see its failure at once, and badly.
  case criticalPlus
  /// Users see its failure: what production traffic is unless it says otherwise.
  case critical
  /// May fail for minutes; someone tries again.
  case sheddablePlus
  /// May fail for hours.
  case sheddable

  /// By importance: what is shed first is least.
  public static func < (a: PriorityClass, b: PriorityClass) -> Bool { a.rawValue > b.rawValue }
}

/// A small value for each priority class, without an array.
public struct PerClass<Value: Sendable>: Sendable {
  private var values: (Value, Value, Value, Value)

  /// The same value for all.
  public init(repeating value: Value) { values = (value, value, value, value) }

  /// A value for each, the most important first.
  public init(_ criticalPlus: Value, _ critical: Value, _ sheddablePlus: Value, _ sheddable: Value)
  {
    values = (criticalPlus, critical, sheddablePlus, sheddable)
  }

  /// The value of one class.
  public subscript(priority: PriorityClass) -> Value {
    get {
      switch priority {
      case .criticalPlus: values.0
      case .critical: values.1
      case .sheddablePlus: values.2
      case .sheddable: values.3
      }
    }
    set {
      switch priority {
      case .criticalPlus: values.0 = newValue
      case .critical: values.1 = newValue
      case .sheddablePlus: values.2 = newValue
      case .sheddable: values.3 = newValue
      }
    }
  }
}
