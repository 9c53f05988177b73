package import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// Bytes that an open index takes, by component and by where they lie.
package struct MemoryUse: Sendable, Hashable {
  /// In memory.
  package var resident = ComponentSizes()
  /// In mapped files.
  package var mapped = 0
  /// Sets of removed rows: a bit per row of each segment that has some.
  package var removed = 0
  /// Rows in memory that no file of rows has.
  package var live = 0
  /// What a thread needs for its searches.
  package var perThread = 0
  /// A compiled filter.
  package var perFilter = 0

  package init() {}
}

/// A search that memory is counted for.
package struct SearchShape: Sendable, Hashable {
  /// Rows of each sealed segment.
  package var segments: [Int]
  package var m: Int
  package var dimensions: Int
  /// Whether walks over several segments go on together, each with memory of its own.
  package var isCoded: Bool
  /// Rows in memory.
  package var live = 0

  package init(segments: [Int], m: Int, dimensions: Int, isCoded: Bool) {
    self.segments = segments
    self.m = m
    self.dimensions = dimensions
    self.isCoded = isCoded
  }

  /// Bytes that a thread needs for searches at a width.
  ///
  /// - Complexity: O(segments).
  package func scratchByteCount(efSearch: Int, k: Int) -> Int {
    let width = max(2 * max(efSearch, k), SealedSegment.exactCount)
    func one(_ rows: Int) -> Int {
      SearchScratch.byteCount(rows: rows, width: width, degree: 2 * m, dimensions: dimensions)
    }
    let longest = max(segments.max() ?? 0, live)
    let isJoint = isCoded && segments.count > 1 && segments.count <= JointSearch.most
    return isJoint ? segments.reduce(one(longest)) { $0 + one($1) } : one(longest)
  }

  /// Bytes of a compiled filter: a bit per row of each part.
  package var filterByteCount: Int {
    (segments + [live]).reduce(0) { $0 + 8 * RowBits.words($1) }
  }
}

extension LocalIndex {
  /// What an index would take if it were opened for reading, from its manifest and the headers of its segments.
  ///
  /// Rows in the log are taken from the length of its files, and may be fewer. Sets of withdrawn rows are not counted.
  ///
  /// - Throws: `notFound`, `corrupted`, `unsupportedFormat`, `io`.
  /// - Complexity: O(segments).
  package static func memoryUse(
    _ path: String, placements: Placements, efSearch: Int, k: Int
  ) throws(NeedletailError) -> MemoryUse {
    let directory = IndexDirectory(path, in: LocalFileSystem())
    let manifest = try directory.manifest()
    var use = MemoryUse()
    var shape: SearchShape?
    for (place, reference) in manifest.segments.enumerated() {
      let file = try directory.open(.segment, reference, verification: .structure)
      let parameters = try SegmentParameters(file)
      use.add(file, parameters, placements)
      if !manifest.tombstones(ofSegment: place).isEmpty {
        use.removed += 8 * RowBits.words(parameters.count)
      }
      let own = SearchShape(
        segments: [parameters.count], m: parameters.options.graph.m,
        dimensions: manifest.dimensions, isCoded: parameters.options.codes != .none)
      shape = shape?.adding(own) ?? own
    }
    for _ in manifest.quantizers {
      use.resident.quantizer += Quantizer.byteCount(manifest.dimensions)
    }
    guard var shape else { return use }
    shape.live = try directory.mostRowsInLog(manifest.dimensions)
    use.live = LiveTables.byteCount(rows: shape.live, m: shape.m, dimensions: shape.dimensions)
    use.perThread = shape.scratchByteCount(efSearch: efSearch, k: k)
    use.perFilter = shape.filterByteCount
    return use
  }
}

extension IndexView {
  /// What the view takes, withdrawn rows' sets not counted.
  package func memoryUse(efSearch: Int, k: Int) -> MemoryUse {
    var use = MemoryUse()
    for part in stack.sealed {
      use.add(part.segment.file, part.segment.parameters, part.segment.placements)
      if let dead = part.dead { use.removed += 8 * dead.wordCount }
    }
    use.resident.quantizer = generation.quantizerByteCount
    for part in stack.live { use.live += part.segment.byteCount }
    let options = generation.segment.parameters.options
    var shape = SearchShape(
      segments: stack.segments.map(\.count), m: options.graph.m, dimensions: options.dimensions,
      isCoded: stack.segments.allSatisfy { $0.quantizer != nil })
    shape.live = stack.live.reduce(0) { $0 + $1.view.count }
    use.perThread = shape.scratchByteCount(efSearch: efSearch, k: k)
    use.perFilter = shape.filterByteCount
    return use
  }
}

extension SearchShape {
  fileprivate func adding(_ other: SearchShape) -> SearchShape {
    var sum = self
    sum.segments += other.segments
    sum.isCoded = isCoded && other.isCoded
    return sum
  }
}

extension MemoryUse {
  /// Adds the sections of a file to what lies where they do.
  fileprivate mutating func add(
    _ file: SectionedFile, _ parameters: SegmentParameters, _ placements: Placements
  ) {
    let precise = parameters.options.precise
    for section in file.sections {
      let sizes = ComponentSizes(section, parameters)
      switch placements.placement(of: section.kind, precise) {
      case .resident: resident.add(sizes)
      case .mapped: mapped += section.byteCount
      case nil: break
      }
    }
  }
}

extension ComponentSizes {
  /// What a section is counted as.
  init(_ section: Section, _ parameters: SegmentParameters) {
    switch section.kind {
    case SegmentSection.codes, SegmentSection.lowerCodes, SegmentSection.terms:
      codes = section.byteCount
    case SegmentSection.turboRows:
      // Of each row the links' ordinals count as graph, though they lie where codes do.
      graph = min(section.byteCount, parameters.count * 2 * parameters.options.graph.m * 4)
      codes = section.byteCount - graph
    case SegmentSection.baseLinks, SegmentSection.upperLinks: graph = section.byteCount
    case SegmentSection.ids, SegmentSection.idOrder: ids = section.byteCount
    case SegmentSection.rows, SegmentSection.norms: rows = section.byteCount
    case SegmentSection.attributeValues: attributes = section.byteCount
    default: break
    }
  }

  mutating func add(_ other: ComponentSizes) {
    codes += other.codes
    graph += other.graph
    rows += other.rows
    ids += other.ids
    quantizer += other.quantizer
    attributes += other.attributes
  }
}

extension Placements {
  /// Where a section lies that searches read; `nil`: they do not.
  func placement(of kind: SectionKind, _ precise: PreciseKind) -> Placement? {
    switch kind {
    case SegmentSection.codes, SegmentSection.lowerCodes, SegmentSection.terms,
      SegmentSection.turboRows:
      codes
    case SegmentSection.baseLinks, SegmentSection.upperLinks: graph
    case SegmentSection.ids, SegmentSection.idOrder, SegmentSection.attributeValues: ids
    case SegmentSection.rows: rows
    // Where rows are kept as given, distances are made with their norms.
    case SegmentSection.norms: precise == .givenFloat16 ? rows : .mapped
    default: nil
    }
  }
}

extension IndexDirectory {
  /// The most rows that the files of the log can hold, by their length.
  fileprivate func mostRowsInLog(_ dimensions: Int) throws(NeedletailError) -> Int {
    guard try fileSystem.kind(of: logPath) == .directory else { return 0 }
    var bytes = 0
    for name in try fileSystem.list(logPath) {
      bytes += Int(clamping: try fileSystem.byteCount(of: logPath + "/" + name) ?? 0)
    }
    return min(bytes / (4 * dimensions + 8), Limits.rowsPerSegment)
  }
}
