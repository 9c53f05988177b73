public import NeedletailBudgets

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
