import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// An index of 24 rows, small enough to damage every bit of it.
struct SmallIndex: Sendable {
  /// The kinds that differ in which sections a file has and which way a search goes.
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    /// Cosine, int8 codes on one scale, f32 rows.
    case cosine
    /// Inner product, int8 codes with a factor per row, no precise rows: every search walks.
    case product
    /// Squared L2, whole numbers coded without loss.
    case lossless
    /// Squared L2, no codes, bf16 rows.
    case bare
    /// Cosine, rows with their neighbours' bits, no precise rows: every search walks.
    case turbo
    /// Cosine, int8 codes, rows of half-precision numbers, kept as they were given.
    case half
    /// Squared L2, no codes, rows with attributes of every kind.
    case attributes

    var testDescription: String { rawValue }
  }

  static let path = "i"
  let kind: Kind
  let world: World
  /// The bytes of every file, by its path.
  let files: [String: [UInt8]]
  let answers: [[Neighbor]]

  init(_ kind: Kind, count: Int = 24) throws {
    self.kind = kind
    let d = 8
    var components = RandomVectors.clusters(count: count, dimensions: d, clusters: 3, seed: 5)
    if kind == .half { components = components.map { Float(halfBitPattern: $0.halfBitPattern) } }
    if kind == .lossless { components = components.map { ($0 * 30).rounded() } }
    let metric: Metric =
      switch kind {
      case .cosine, .turbo, .half: .cosine
      case .product: .innerProduct
      case .lossless, .bare, .attributes: .squaredEuclidean
      }
    var world = World(
      metric, components, dimensions: d, m: kind == .turbo ? 16 : 3, ef: 12)
    if kind == .product || kind == .turbo { world.options.precise = .none }
    if kind == .turbo { world.options.layout = .turbo }
    if kind == .attributes { world.attributes = (0..<count).map { Self.item($0) } }
    if kind == .bare || kind == .attributes {
      world.options.codes = .none
      world.options.precise = .bfloat16
    }
    self.world = world
    let fileSystem = InMemoryFileSystem()
    try world.publish(in: fileSystem, at: Self.path)
    var files: [String: [UInt8]] = [:]
    for file in fileSystem.allFiles() { files[file] = fileSystem.contents(file) }
    self.files = files
    let generation = try OpenGeneration.open(
      Self.path, in: fileSystem, placements: Placements(), verification: .full)
    answers = try Self.search(generation.segment)
    #expect(generation.segment.inspect(limit: 5).isEmpty)
  }

  /// The attributes of a row.
  ///
  /// Every kind of value, some of them missing, and one name with values of two kinds.
  static func item(_ row: Int) -> Attributes {
    var item: Attributes = ["code": row % 2 == 0 ? .integer(Int64(row) - 9) : "odd"]
    if row % 5 > 0 { item["price"] = .real(Double(row) / 4) }
    if row % 3 > 0 { item["year"] = .integer(2000 + Int64(row)) }
    if row % 4 < 3 { item["brand"] = .category(["acme", "bolt", "ü"][row % 3]) }
    if row % 2 == 0 { item["tags"] = row % 6 == 0 ? ["new", "in_stock"] : ["new"] }
    if row == 7 { item["tags"] = [] }
    return item
  }

  /// The index in a file system of its own.
  func fileSystem() throws -> InMemoryFileSystem {
    let fileSystem = InMemoryFileSystem()
    for directory in ["", "/generations", "/quantizers", "/segments"] {
      try fileSystem.makeDirectory(Self.path + directory)
    }
    for (path, bytes) in files { try fileSystem.setContents(path, bytes) }
    return fileSystem
  }

  /// What several searches find, on every way through a segment: the scan, the walk, the re-rank.
  static func search(_ segment: SealedSegment) throws(NeedletailError) -> [[Neighbor]] {
    var random = SplitMix64(seed: 3)
    var found: [[Neighbor]] = []
    let limited = SearchParameters(k: 5, efSearch: 8, evaluationLimit: max(1, segment.count - 1))
    for parameters in [
      SearchParameters(k: 3, efSearch: 10), limited,
      SearchParameters(k: 30, efSearch: 4, rerankCandidates: 0, evaluationLimit: 7),
    ] {
      for _ in 0..<2 {
        let query = (0..<segment.parameters.options.dimensions).map { _ in random.nextGaussian() }
        found.append(try segment.answers(query, parameters).neighbors)
      }
      // A query of whole numbers, for the lossless forms.
      let whole = (0..<segment.parameters.options.dimensions).map { Float($0 + 1) }
      found.append(try segment.answers(whole, parameters).neighbors)
    }
    return found
  }

  /// Does to an open segment everything that reads its bytes; only a trap can fail here.
  static func exercise(_ segment: SealedSegment) throws {
    for neighbors in try search(segment) {
      #expect(neighbors.count <= max(segment.count, 0))
    }
    _ = segment.inspect(limit: 3)
    _ = segment.graphShape()
    try exerciseAttributes(segment)
    for id in segment.sortedIDs.prefix(3) + [0, .max] {
      guard let ordinal = segment.ordinal(of: id), segment.hasPreciseRows else { continue }
      var row = [Float](repeating: 0, count: segment.parameters.options.dimensions)
      unsafe segment.export(ordinal, into: &row)
    }
  }

  /// Reads all attributes, and compiles every kind of predicate.
  private static func exerciseAttributes(_ segment: SealedSegment) throws {
    for ordinal in 0..<UInt32(segment.count) { _ = segment.attributes(of: ordinal).bytesOfTexts }
    let (brand, price) = (attribute("brand"), attribute("price"))
    for filter in [
      brand == "acme", brand.isOne(of: ["bolt", "ü"]), brand != "none", price < 3.5,
      price.isOne(of: [0.25, 1.75]), attribute("code").exists, attribute("year") >= 2005,
      tag("new"), tag("in_stock"), tag("new", in: "brand"),
    ] {
      let set = try segment.rows(matching: filter)
      #expect(set.count <= segment.count)
      #expect(!set.contains(UInt32(segment.count)))
    }
    let groups = SealedGroups(SegmentPart(segment: segment), GroupCap("brand", limit: 1))
    let query = [Float](repeating: 0.5, count: segment.parameters.options.dimensions)
    let capped = CappedSearch(part: groups, limit: 1)
    let found = unsafe try capped.run(query, SearchParameters(k: 9, efSearch: 10), among: nil)
    for answer in found.answers where answer.group > 0 { _ = groups.text(answer.group) }
  }

  /// Opens, searches and inspects a damaged index in both modes.
  ///
  /// - Returns: whether `.full` refused it.
  func judge(_ fileSystem: any FileSystem, isMapped: Bool, _ name: @autoclosure () -> String)
    -> Bool
  {
    var placements = Placements()
    if isMapped {
      (placements.codes, placements.graph, placements.ids) = (.mapped, .mapped, .mapped)
    }
    if !isMapped { placements.rows = .resident }
    do throws(NeedletailError) {
      let segment = try OpenGeneration.open(
        Self.path, in: fileSystem, placements: placements, verification: .structure
      ).segment
      do { try Self.exercise(segment) } catch {
        #expect(error is NeedletailError, "\(name()): \(error)")
      }
    } catch {
      #expect(!error.message.isEmpty)
      // What the structure shows, a look at every byte shows too.
      return true
    }
    do throws(NeedletailError) {
      let segment = try OpenGeneration.open(
        Self.path, in: fileSystem, placements: placements, verification: .full
      ).segment
      let found = try Self.search(segment)
      #expect(found == answers, "\(name()): other answers, and nobody noticed")
      return false
    } catch {
      #expect(!error.message.isEmpty)
      return true
    }
  }
}

extension Attributes {
  /// Bytes of names and texts: reads all of them.
  fileprivate var bytesOfTexts: Int {
    names.reduce(0) { sum, name in
      switch self[name] {
      case .category(let text): sum + name.utf8.count + text.utf8.count
      case .tags(let tags): tags.reduce(sum + name.utf8.count) { $0 + $1.utf8.count }
      default: sum + name.utf8.count
      }
    }
  }
}
