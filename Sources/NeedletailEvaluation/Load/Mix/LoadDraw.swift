#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#endif
import NeedletailCore

/// Draws what each request is, by the mix; the same for the same seed.
struct LoadDraw {
  private var random: SplitMix64
  private let priorities: Shares
  private let tenants: Shares
  private let queryCount: Int
  /// Nil where all queries are alike.
  private let ranks: Shares?
  /// The query of each rank.
  private let order: [Int32]

  /// Prepares to draw among `queries` queries.
  ///
  /// - Complexity: a logarithm and an exponential for each query of a Zipf mix.
  init(_ mix: LoadMix, queries: Int, seed: UInt64) {
    var random = SplitMix64(seed: seed ^ 0x3a17_d4a3_0000_0002)
    priorities = Shares(mix.priorities)
    tenants = Shares(mix.tenants.map(\.weight))
    queryCount = queries
    if case .zipf(let exponent) = mix.popularity {
      ranks = Shares((0..<queries).map { exp(-exponent * log(Double($0 + 1))) })
      // The file's order must not say what is popular.
      var order = (0..<Int32(clamping: queries)).map { $0 }
      order.shuffle(using: &random)
      self.order = order
    } else {
      ranks = nil
      order = []
    }
    self.random = random
  }

  mutating func priority() -> LoadPriority {
    LoadPriority(rawValue: priorities.place(random.nextUnit())) ?? .critical
  }

  mutating func tenant() -> Int { tenants.place(random.nextUnit()) }

  mutating func query() -> Int {
    guard let ranks else { return Int(random.next(below: UInt64(queryCount))) }
    return Int(order[ranks.place(random.nextUnit())])
  }
}

/// Places by their parts of a whole.
private struct Shares {
  /// The sums up to and with each place, from 0 to 1.
  private var sums: [Double] = []

  init(_ parts: [Double]) {
    let whole = parts.reduce(0, +)
    guard whole > 0 else { return }
    var sum = 0.0
    sums = parts.map { part in
      sum += part
      return sum / whole
    }
  }

  /// The first place whose sum is above a number from 0 to 1; 0 where there are no parts.
  func place(_ unit: Double) -> Int {
    var (low, high) = (0, max(0, sums.count - 1))
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > unit { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
