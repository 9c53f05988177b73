package import NeedletailCore
import NeedletailKernels
package import NeedletailStorage

/// An open segment: immutable, searched by any number of threads at once.
@safe
package final class SealedSegment: @unchecked Sendable {
  // SAFETY: every property is constant, and what is in `withdrawn` is atomic.

  package let parameters: SegmentParameters
  package let quantizer: Quantizer?
  package let file: SectionedFile
  package let placements: Placements
  /// Codes, or the upper nibbles of parted ones.
  let codes: Component
  /// The lower nibbles of parted codes.
  let lowerCodes: Component?
  let terms: Component
  /// Rows of the turbo layout, which stand for codes, terms and links.
  let turbo: (rows: Component, layout: TurboLayout)?
  let ids: Component
  let idOrder: Component
  let norms: Component?
  let rows: Component?
  /// The attributes of the rows; `nil` when none has any.
  let columns: SealedColumns?
  /// The links of each level, from level 0 up.
  package let tables: [LinkTable]
  let kernel: HopKernel
  /// Scores precise rows for the re-rank; `nil` where there are none.
  let rowKernel: DistanceKernel?
  /// Rows that no search shows, in any view.
  package let withdrawn: WithdrawnRows
  /// What its searches take.
  let searchCosts: SearchCosts

  /// Places the components of a file, with every size checked against the parameters.
  ///
  /// - Throws: `corrupted` where sections and parameters disagree, `io` where memory runs out.
  package init(
    _ file: SectionedFile, quantizer: Quantizer?, placements: Placements
  ) throws(NeedletailError) {
    let parameters = try SegmentParameters(file)
    let options = parameters.options
    let count = parameters.count
    if let quantizer {
      guard quantizer.form == parameters.form, quantizer.metric == options.metric,
        quantizer.dimensions == options.dimensions
      else {
        throw NeedletailError(
          .corrupted, "The segment and its quantizer disagree on form, metric or dimensions.",
          at: .init(path: file.region.path, section: SegmentSection.parameters.description))
      }
    }
    self.parameters = parameters
    self.quantizer = options.codes == .none ? nil : quantizer
    self.file = file
    self.placements = placements
    guard options.codes == .none || quantizer != nil else {
      throw NeedletailError(
        .corrupted, "The segment has codes and no quantizer.", at: .init(path: file.region.path))
    }
    turbo = try Self.turboRows(file, parameters, quantizer, placements.codes)
    if let quantizer, turbo == nil, options.codes != .none {
      let isParted = options.codes == .int4
      let stride = isParted ? quantizer.codeByteCount / 2 : quantizer.codeByteCount
      codes = try Component(
        file, file.section(SegmentSection.codes, count: count, stride: stride), placements.codes)
      lowerCodes =
        isParted
        ? try Component(
          file, file.section(SegmentSection.lowerCodes, count: count, stride: stride),
          placements.codes) : nil
      terms = try Component(
        file,
        file.section(
          SegmentSection.terms, count: count, stride: quantizer.searchFinish.termByteCount),
        placements.codes)
    } else {
      codes = try Component()
      lowerCodes = nil
      terms = try Component()
    }
    ids = try Component(
      file, file.section(SegmentSection.ids, count: count, stride: 8), placements.ids)
    idOrder = try Component(
      file, file.section(SegmentSection.idOrder, count: count, stride: 4), placements.ids)
    norms =
      options.metric == .cosine
      ? try Component(
        file, file.section(SegmentSection.norms, count: count, stride: 8),
        // Where rows are kept as given, distances are made with them.
        options.precise == .givenFloat16 ? placements.rows : .mapped) : nil
    if parameters.hasRows {
      let stride = options.dimensions * options.precise.byteCount
      rows = try Component(
        file, file.section(SegmentSection.rows, count: count, stride: stride), placements.rows)
      if placements.rows == .mapped {
        file.region.advise(.random, try file.section(SegmentSection.rows).range)
      }
    } else {
      rows = nil
    }
    columns = try SealedColumns(file, rows: count, placements.ids)
    tables = try Self.tables(file, parameters, placements.graph, turbo)
    kernel = HopKernel()
    rowKernel = try Self.rowKernel(parameters)
    withdrawn = WithdrawnRows(rows: count)
    searchCosts = SearchCosts(
      codeByteCount: quantizer?.codeByteCount ?? 0,
      rowByteCount: options.dimensions * options.precise.byteCount)
  }

  private static func turboRows(
    _ file: SectionedFile, _ parameters: SegmentParameters, _ quantizer: Quantizer?,
    _ placement: Placement
  ) throws(NeedletailError) -> (rows: Component, layout: TurboLayout)? {
    guard parameters.options.layout == .turbo, let quantizer else { return nil }
    // The options were checked: so many links are whole groups.
    let layout = TurboLayout(blocks: quantizer.blocks, degree: 2 * parameters.options.graph.m)
    let section = try file.section(
      SegmentSection.turboRows, count: parameters.count, stride: layout.stride)
    return (try Component(file, section, placement), layout)
  }

  /// The links of level 0, in a table of their own or between the parts of turbo rows.
  private static func baseTable(
    _ file: SectionedFile, _ parameters: SegmentParameters, _ placement: Placement,
    _ turbo: (rows: Component, layout: TurboLayout)?
  ) throws(NeedletailError) -> LinkTable {
    let degree = 2 * parameters.options.graph.m
    guard let turbo else {
      let base = try Component(
        file,
        file.section(SegmentSection.baseLinks, count: parameters.count, stride: degree * 4),
        placement)
      return unsafe LinkTable(
        bytes: base.bytes, count: parameters.count, degree: degree, owner: base.owner)
    }
    let first = unsafe min(turbo.layout.linksOffset, turbo.rows.bytes.count)
    return unsafe LinkTable(
      bytes: UnsafeRawBufferPointer(rebasing: turbo.rows.bytes[first...]),
      count: parameters.count, degree: degree, stride: turbo.layout.stride / 4,
      owner: turbo.rows.owner)
  }

  private static func tables(
    _ file: SectionedFile, _ parameters: SegmentParameters, _ placement: Placement,
    _ turbo: (rows: Component, layout: TurboLayout)?
  ) throws(NeedletailError) -> [LinkTable] {
    let m = parameters.options.graph.m
    let upperCounts = parameters.levelCounts.dropFirst()
    // Each level holds no more rows than the one below, and there are few: the sum cannot overflow.
    let upper = try Component(
      file,
      file.section(
        SegmentSection.upperLinks, count: upperCounts.reduce(0, +), stride: m * 4), placement)
    var tables = [try baseTable(file, parameters, placement, turbo)]
    var offset = 0
    for count in upperCounts {
      let length = count * m * 4
      unsafe tables.append(
        LinkTable(
          bytes: UnsafeRawBufferPointer(rebasing: upper.bytes[offset..<(offset + length)]),
          count: count, degree: m, owner: upper.owner))
      offset += length
    }
    return tables
  }

  private static func rowKernel(
    _ parameters: SegmentParameters
  ) throws(NeedletailError) -> DistanceKernel? {
    let operation: KernelOperation =
      parameters.options.metric == .squaredEuclidean ? .squaredEuclidean : .innerProduct
    let element: DistanceKernel.RowElement
    if parameters.isLossless {
      element = .float32
    } else {
      switch parameters.options.precise {
      case .none: return nil
      case .float32: element = .float32
      case .float16, .givenFloat16: element = .float16
      case .bfloat16: element = .bfloat16
      }
    }
    return try DistanceKernel(operation, rows: element, dimensions: parameters.options.dimensions)
  }

  package var count: Int { parameters.count }

  /// The id of a row.
  @unsafe @inline(__always)
  func id(_ ordinal: UInt32) -> VectorID {
    unsafe ids.start.load(fromByteOffset: Int(truncatingIfNeeded: ordinal) &* 8, as: UInt64.self)
  }

  /// All ids in ascending order.
  package var sortedIDs: [VectorID] {
    (0..<count).compactMap { position in
      let ordinal = unsafe idOrder.start.load(fromByteOffset: position * 4, as: UInt32.self)
      return Int(ordinal) < count ? unsafe id(ordinal) : nil
    }
  }

  /// The row that has an id; `nil` when none has.
  ///
  /// - Complexity: O(log n).
  package func ordinal(of id: VectorID) -> UInt32? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      let ordinal = unsafe idOrder.start.load(fromByteOffset: middle * 4, as: UInt32.self)
      guard Int(ordinal) < count else { return nil }
      let present = unsafe self.id(ordinal)
      if present == id { return ordinal }
      if present < id { low = middle + 1 } else { high = middle }
    }
    return nil
  }
}
