import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Rows with ids and the options to index them by.
struct World: Sendable {
  var options: BuildOptions
  var components: [Float]
  var ids: [VectorID]
  /// None, or one for each row.
  var attributes: [Attributes] = []

  init(_ metric: Metric, _ components: [Float], dimensions: Int, m: Int = 8, ef: Int = 60) {
    options = BuildOptions(dimensions: dimensions, metric: metric)
    options.graph.m = m
    options.graph.efConstruction = ef
    self.components = components
    // Ids that are neither ordinals nor in the order of the rows.
    ids = (0..<UInt64(components.count / dimensions)).map { $0 &* 0x9e37_79b9_7f4a_7c15 }
  }

  var count: Int { ids.count }
  var dimensions: Int { options.dimensions }

  func row(_ index: Int) -> [Float] {
    Array(components[(index * dimensions)..<((index + 1) * dimensions)])
  }

  func matrix() throws(NeedletailError) -> VectorMatrix {
    try VectorMatrix(components, dimensions: dimensions)
  }

  func findings() throws(NeedletailError) -> RowFindings {
    var findings = RowFindings()
    try findings.add(matrix(), dimensions: dimensions, metric: options.metric)
    return findings
  }

  func source() throws(NeedletailError) -> RowSource {
    let norms = try findings().squaredNorms.map { $0.squareRoot() }
    return RowSource(
      [try matrix()], dimensions: dimensions, dividedBy: options.metric == .cosine ? norms : [])
  }

  /// Builds in memory, without files.
  func built(
    threads: Int = 1, level: KernelLevel = .current, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> BuiltSegment {
    var builder = SegmentBuilder(options: options, threads: threads, monitor: monitor)
    builder.level = level
    return try builder.build(source(), findings())
  }

  /// Builds and publishes.
  func publish(
    in fileSystem: any FileSystem, at path: String = "index", threads: Int = 1,
    monitor: WorkMonitor? = nil
  ) throws(NeedletailError) {
    try OpenGeneration.create(
      path, in: fileSystem, order(threads: threads, monitor: monitor), identity: Array(0..<16))
  }

  /// What a builder is asked for.
  func order(
    threads: Int = 1, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> SegmentOrder {
    var order = SegmentOrder(
      options: options, rows: [try matrix()], ids: ids, findings: try findings(),
      threads: threads, monitor: monitor)
    order.attributes = attributes
    return order
  }

  /// Builds, publishes in memory and opens.
  func opened(
    _ placements: Placements = Placements(), _ verification: Verification = .structure
  ) throws(NeedletailError) -> SealedSegment {
    let fileSystem = InMemoryFileSystem()
    try publish(in: fileSystem)
    return try OpenGeneration.open(
      "index", in: fileSystem, placements: placements, verification: verification
    ).segment
  }

  /// The distance of a row from a query, in double.
  func distance(_ query: [Float], _ row: Int) -> Double {
    var (product, query2, row2, square) = (0.0, 0.0, 0.0, 0.0)
    for j in 0..<dimensions {
      let (a, b) = (Double(query[j]), Double(components[row * dimensions + j]))
      product += a * b
      query2 += a * a
      row2 += b * b
      square += (a - b) * (a - b)
    }
    return switch options.metric {
    case .squaredEuclidean: square
    case .innerProduct: -product
    case .cosine: 1 - product / (query2 * row2).squareRoot()
    }
  }

  /// The exact answers, by a sort of all rows.
  func exact(_ query: [Float], k: Int) -> [(id: VectorID, distance: Double)] {
    let all = (0..<count).map { (id: ids[$0], distance: distance(query, $0)) }
    return Array(
      all.sorted { $0.distance != $1.distance ? $0.distance < $1.distance : $0.id < $1.id }
        .prefix(k))
  }

  /// The share of the exact answers that a search gives, over several queries.
  func recall(
    _ segment: SealedSegment, _ queries: [[Float]], _ parameters: SearchParameters
  ) throws(NeedletailError) -> Double {
    var found = 0
    for query in queries {
      let wanted = exact(query, k: parameters.k)
      let farthest = wanted.last?.distance ?? 0
      let tolerance = 1e-6 * max(abs(farthest), 1e-30)
      let place = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, $0) })
      for neighbor in try segment.answers(query, parameters).neighbors {
        if let row = place[neighbor.id], distance(query, row) <= farthest + tolerance { found += 1 }
      }
    }
    return Double(found) / Double(queries.count * min(parameters.k, max(1, count)))
  }
}

extension SealedSegment {
  /// Answers one query.
  func answers(
    _ query: [Float], _ parameters: SearchParameters
  ) throws(NeedletailError) -> (neighbors: [Neighbor], outcome: SearchOutcome) {
    precondition(query.count == self.parameters.options.dimensions)
    let room = min(parameters.k, max(1, count))
    // Two places more than may be written: what stands there afterwards must be what stood before.
    let canary = Neighbor(id: 0xdead_beef, distance: -77)
    var answers = [Neighbor](repeating: canary, count: room + 2)
    let outcome = unsafe try search(query, parameters, into: &answers)
    #expect(answers.suffix(2).allSatisfy { $0 == canary }, "written over the end")
    return (Array(answers.prefix(outcome.count)), outcome)
  }

  /// One row's code.
  func code(_ ordinal: Int) -> [UInt8] {
    guard let quantizer else { return [] }
    let length = quantizer.codeByteCount
    return (0..<length).map {
      unsafe codes.start.load(fromByteOffset: ordinal * length + $0, as: UInt8.self)
    }
  }
}

extension MemoryBlock {
  /// A copy of the bytes.
  var array: [UInt8] { unsafe [UInt8](bytes) }
}

extension BuiltSegment {
  /// Everything that a build decides, as bytes.
  var allBytes: [[UInt8]] {
    [codes.array, terms.array] + tables.map { unsafe [UInt8]($0.bytes) }
  }
}
