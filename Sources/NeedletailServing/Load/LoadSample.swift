import NeedletailBudgets

/// How much there is to do, at one moment.
package struct LoadSample: Sendable {
  /// Work that arrived, of each class, as a share of what the workers can do: at *full* quality, whatever rung served it.
  ///
  /// So the figure does not fall because the ladder was walked down, and does not drive it up again.
  package var demand: PerClass<Double>
  /// Work that was done, as a share of what the workers can do.
  package var utilisation: Double
  /// The least time that anything waited in the last whole interval: what no burst explains.
  package var standingDelay: Nanoseconds

  package init(demand: PerClass<Double>, utilisation: Double = 0, standingDelay: Nanoseconds = 0) {
    self.demand = demand
    self.utilisation = utilisation
    self.standingDelay = standingDelay
  }

  /// The demand of all classes: 1 is all that the workers can do at full quality.
  package var load: Double { PriorityClass.allCases.reduce(0) { $0 + demand[$1] } }
}
