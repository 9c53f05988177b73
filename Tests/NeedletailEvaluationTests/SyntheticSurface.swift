import NeedletailCore

@testable import NeedletailEvaluation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A made-up engine: recall and work rise with the window, each layout and each number of links has its own trade, and
/// everything is a little noisy.
struct SyntheticSurface: DecisionSubject {
  static let space = DecisionSpace(
    layouts: [
      IndexLayout(mode: "compact", codes: "int8"), IndexLayout(mode: "compact", codes: "int4"),
      IndexLayout(mode: "turbo", codes: "int8"),
    ], m: [8, 12, 16, 24, 32, 48], efConstruction: [100, 200, 400],
    efSearch: DecisionSpace.widths(from: 10, through: 512), reranks: [.none, .rows(20), .automatic])

  private let seed: UInt64
  /// What each layout loses without precise rows, costs, and gains in quality.
  private var loss: [String: Double] = [:]
  private var price: [String: Double] = [:]
  private var quality: [String: Double] = [:]
  /// The number of links where a walk of a width finds most, and how much others lose.
  private let bestLinks: Double
  private let curvature: Double
  private let linkPrice: Double
  private let settling: Double
  private let hardness: Double
  private let slope: Double
  private let rerankPrice: Double
  private let noise: Double
  /// Calls so far, by what they were.
  var built: [IndexDesign] = []
  var putAway: [IndexDesign] = []
  var measured = 0

  init(seed: UInt64, noise: Double = 1) {
    var random = SplitMix64(seed: seed)
    func draw(_ range: ClosedRange<Double>) -> Double {
      range.lowerBound + random.nextUnit() * (range.upperBound - range.lowerBound)
    }
    self.seed = seed
    self.noise = noise
    for layout in Self.space.layouts {
      loss[layout.description] =
        layout.codes == "int4" ? draw(0.02...0.12) : draw(0.001...0.03)
      price[layout.description] = draw(0.7...1.5)
      quality[layout.description] = draw(0.8...1.25)
    }
    bestLinks = exp(draw(2.2...3.7))
    curvature = draw(0.05...0.4)
    linkPrice = draw(0.2...0.7)
    settling = draw(30...180)
    hardness = draw(0.3...2.5)
    slope = draw(0.6...1.3)
    rerankPrice = draw(0.5...4)
  }

  /// −1 to 1, and the same for the same words.
  private func chance(_ words: Int...) -> Double {
    var state = seed
    for word in words {
      var random = SplitMix64(seed: state ^ UInt64(bitPattern: Int64(word)))
      state = random.next()
    }
    var random = SplitMix64(seed: state)
    return noise * (random.nextUnit() * 2 - 1)
  }

  private func number(_ layout: IndexLayout) -> Int {
    Self.space.layouts.firstIndex(of: layout) ?? 0
  }

  private func number(_ design: IndexDesign) -> Int {
    (number(design.layout) * 1_000 + design.m) * 10_000 + design.efConstruction
  }

  func bytes(of design: IndexDesign, rerank: RerankDepth) -> DesignBytes? {
    if design.layout.mode == "turbo", !design.m.isMultiple(of: 16) { return nil }
    let rows = 100_000
    let codes = design.layout.mode == "turbo" ? 132 + design.m * 32 : 132
    return DesignBytes(
      codes: rows * codes, graph: rows * design.m * 8, precise: rerank.needsRows ? rows * 512 : 0,
      ids: rows * 12, rows: rows)
  }

  mutating func build(_ design: IndexDesign) -> Double {
    built.append(design)
    return Double(design.efConstruction * design.m) / 1_000 * (1 + 0.05 * chance(number(design), 7))
  }

  mutating func putAway(_ design: IndexDesign) { putAway.append(design) }

  mutating func measure(_ candidate: DecisionCandidate) -> DecisionMeasurement {
    measured += 1
    let design = candidate.design
    let name = design.layout.description
    let links = log(Double(design.m) / bestLinks)
    let settled = 1 - exp(-Double(design.efConstruction) / settling)
    // How much wider a window seems than it is.
    let reach =
      (quality[name] ?? 1) * exp(-curvature * links * links) * settled
      * (1 + 0.02 * chance(number(design), 1))
    var miss = exp(
      -slope * log(1 + Double(candidate.efSearch) * reach / (10 * hardness)))
    let depth = Self.space.reranks.firstIndex(of: candidate.rerank) ?? 0
    miss += (loss[name] ?? 0) * [1, 0.2, 0][depth]
    miss *= 1 + 0.015 * chance(number(design), candidate.efSearch, depth, 2)
    let work =
      4
      + (price[name] ?? 1) * exp(linkPrice * log(Double(design.m) / 16))
      * exp(0.75 * log(Double(candidate.efSearch)))
    let cost =
      (work + rerankPrice * [0, 2, 1][depth])
      * (1 + 0.01 * chance(number(design), candidate.efSearch, depth, 3))
    return DecisionMeasurement(
      recall: 1 - min(1, miss), cost: cost, costP95: 1.5 * cost, measured: cost * 1.1,
      p95: 1.6 * cost, p99: 2 * cost)
  }
}
