#if Metrics
  import Metrics
  import NeedletailBudgets

  /// The gauges and counters of a metrics system, and what they were last told.
  struct RecordedMetrics: Sendable {
    private struct Key: Hashable {
      var name: String
      var dimension: String
      var value: String
    }

    private let factory: any MetricsFactory
    private var gauges: [Key: Gauge] = [:]
    /// Each counter with the highest count that it was told.
    private var counters: [Key: (counter: Counter, told: Int64)] = [:]
    /// Names that were marked, so that they can be taken back.
    private var marked: [String: Set<String>] = [:]
    /// The latencies of the last report.
    var latency = LatencyCounts()

    init(_ factory: any MetricsFactory) { self.factory = factory }

    /// Sets a gauge.
    mutating func gauge(_ name: String, _ value: Double, _ dimension: (String, String)? = nil) {
      let key = Self.key(name, dimension)
      let gauge =
        gauges[key]
        ?? Gauge(
          label: "needletail_" + name, dimensions: Self.list(dimension), factory: factory)
      gauges[key] = gauge
      gauge.record(value)
    }

    /// Raises a counter to a count: by what was added since it was told last.
    ///
    /// Counts that are lower than before, as that of failures is for a moment while a batch is tried again query by query, change nothing.
    mutating func counter(_ name: String, _ dimension: (String, String)?, _ count: Int64) {
      let key = Self.key(name, dimension)
      let (counter, told) =
        counters[key]
        ?? (
          Counter(
            label: "needletail_" + name, dimensions: Self.list(dimension), factory: factory), 0
        )
      if count > told { counter.increment(by: count - told) }
      counters[key] = (counter, max(told, count))
    }

    /// Sets the gauge of each name to 1, and those of names that were set before to 0.
    mutating func mark(_ name: String, _ dimension: String, _ present: [String]) {
      for gone in marked[name, default: []].subtracting(present) {
        gauge(name, 0, (dimension, gone))
      }
      for value in present { gauge(name, 1, (dimension, value)) }
      marked[name, default: []].formUnion(present)
    }

    private static func key(_ name: String, _ dimension: (String, String)?) -> Key {
      Key(name: name, dimension: dimension?.0 ?? "", value: dimension?.1 ?? "")
    }

    private static func list(_ dimension: (String, String)?) -> [(String, String)] {
      dimension.map { [$0] } ?? []
    }
  }
#endif
