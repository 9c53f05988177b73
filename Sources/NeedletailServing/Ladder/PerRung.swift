public import NeedletailBudgets

/// A value for each rung.
public struct PerRung<Value: Sendable>: Sendable {
  private var values: [Value]

  /// Makes it from a function of the rung.
  public init(_ value: (Rung) -> Value) { values = Rung.allCases.map(value) }

  /// The value of one rung.
  public subscript(rung: Rung) -> Value {
    get { values[rung.order] }
    set { values[rung.order] = newValue }
  }
}
