import NeedletailCore
import NeedletailServing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension SplitMix64 {
  /// A time between two arrivals, or a service time: exponential with this mean, at least 1 ns.
  mutating func exponential(mean: Nanoseconds) -> Nanoseconds {
    max(1, Nanoseconds(-log(1 - nextUnit()) * Double(mean)))
  }

  /// A service time between half of the mean and three halves, each as likely.
  mutating func uniform(mean: Nanoseconds) -> Nanoseconds {
    Nanoseconds(Double(mean) * (0.5 + nextUnit()))
  }
}

/// A sine, for loads that swing.
func swing(_ phase: Double) -> Double { sin(2 * .pi * phase) }

/// The value below which `share` of all are; 0 of none.
func percentile(_ values: [Nanoseconds], _ share: Double) -> Nanoseconds {
  guard !values.isEmpty else { return 0 }
  let sorted = values.sorted()
  return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
}
