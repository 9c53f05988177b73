public import NeedletailCore
import NeedletailEngine

/// Bytes of an index by component.
public struct MemoryByComponent: Sendable, Hashable, Codable {
  /// Codes and the terms beside them.
  public var codes = 0
  /// Links of all levels.
  public var graph = 0
  /// Precise rows and original norms.
  public var preciseRows = 0
  /// Ids and their order.
  public var ids = 0
  /// The rotation and the scale.
  public var quantizer = 0
  /// Columns of attributes.
  public var attributes = 0
  /// Sets of removed rows: a bit per row of each segment that has some.
  public var removedRows = 0
  /// Rows in memory that no file of rows has yet; of an index that is not open, the most that its log can hold.
  public var liveRows = 0
  /// Of components that are placed `.mapped`: bytes of files, which the system caches and drops as it likes.
  ///
  /// Zero where placements play no part, as in `Snapshot.memory`: everything is counted above then.
  public var mapped = 0
  /// What each thread that searches needs besides, at the default width; more at a wider one.
  public var perThread = 0
  /// What each compiled filter takes besides.
  public var perFilter = 0

  /// All components together; what is mapped is not among them, and threads and filters are not either.
  public var total: Int {
    codes + graph + preciseRows + ids + quantizer + attributes + removedRows + liveRows
  }

  /// All components together with so many threads and compiled filters.
  public func total(threads: Int, filters: Int = 0) -> Int {
    total + threads * perThread + filters * perFilter
  }

  /// Nothing yet.
  public init() {}

  init(_ use: MemoryUse) {
    codes = use.resident.codes
    graph = use.resident.graph
    preciseRows = use.resident.rows
    ids = use.resident.ids
    quantizer = use.resident.quantizer
    attributes = use.resident.attributes
    removedRows = use.removed
    liveRows = use.live
    mapped = use.mapped
    perThread = use.perThread
    perFilter = use.perFilter
  }

  /// Counts a part of a component as mapped.
  fileprivate mutating func map(_ bytes: Int, of component: WritableKeyPath<Self, Int>) {
    self[keyPath: component] -= bytes
    mapped += bytes
  }
}

extension VectorIndex {
  /// What an index would take if it were opened for reading, before anything of it is read.
  ///
  /// Looks at the manifest and at the headers of segments only. Rows of the log are taken from the length of its files,
  /// and may be fewer; sets of withdrawn rows, a bit per row where there are some, are not counted.
  ///
  /// - Parameters:
  ///   - path: the index's directory.
  ///   - options: where its parts would lie.
  /// - Returns: bytes in memory by component; what would be mapped apart.
  /// - Throws: `notFound`, `unsupportedFormat`, `corrupted`, `io`.
  /// - Complexity: O(segments).
  public static func memoryUse(
    at path: String, options: OpenOptions = OpenOptions()
  ) throws(NeedletailError) -> MemoryByComponent {
    let search = SearchOptions()
    return MemoryByComponent(
      try LocalIndex.memoryUse(
        path, placements: options.placements, efSearch: search.efSearch, k: 10))
  }
}

extension Snapshot {
  /// What the snapshot takes: bytes in memory by component, and what is mapped apart.
  ///
  /// Files and rows in memory are shared with the index's other snapshots.
  ///
  /// - Complexity: O(segments).
  public var memoryUse: MemoryByComponent {
    MemoryByComponent(view.memoryUse(efSearch: SearchOptions().efSearch, k: 10))
  }
}

extension VectorIndex.Configuration {
  /// Predicts what an index of so many rows, in one segment, takes once it is open, before anything is built.
  ///
  /// - Parameters:
  ///   - count: rows.
  ///   - element: how the input is stored; see `VectorIndex.predict`.
  ///   - options: where its parts will lie.
  /// - Returns: bytes in memory by component, and what is mapped apart; within a few per cent, attributes not counted.
  /// - Throws: as `VectorIndex.predict`.
  public func predictedMemory(
    count: Int, element: VectorMatrix.Element = .float32, options: OpenOptions = OpenOptions()
  ) throws(NeedletailError) -> MemoryByComponent {
    var memory = try VectorIndex.predict(count: count, configuration: self, element: element)
    let norms = metric == .cosine ? count * 8 : 0
    let rows = memory.preciseRows - norms
    // Links of level 0 lie between other things in turbo mode.
    let base = mode == .turbo ? count * 2 * graph.m * 4 : 0
    if options.codes == .mapped {
      memory.map(memory.codes, of: \.codes)
      memory.map(base, of: \.graph)
    }
    if options.graph == .mapped {
      memory.map(memory.graph - (options.codes == .mapped ? 0 : base), of: \.graph)
    }
    if options.ids == .mapped { memory.map(memory.ids, of: \.ids) }
    // Where rows are kept as given, in half precision, norms lie with them; otherwise only export reads them.
    let isGiven = rows == count * dimensions * 2 && preciseRows == .float32
    if options.preciseRows == .mapped { memory.map(rows, of: \.preciseRows) }
    if options.preciseRows == .mapped || !isGiven { memory.map(norms, of: \.preciseRows) }
    let shape = SearchShape(
      segments: [count], m: graph.m, dimensions: dimensions, isCoded: codes != .none)
    memory.perThread = shape.scratchByteCount(efSearch: SearchOptions().efSearch, k: 10)
    memory.perFilter = shape.filterByteCount
    return memory
  }
}
