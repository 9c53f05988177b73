public import CNeedletail
import Needletail

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_open(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<needletail_open_options>?,
  _ index: UnsafeMutablePointer<OpaquePointer?>?
) -> needletail_status {
  reporting { () throws(NeedletailError) in
    let index = unsafe try required(index, "index")
    unsafe index.pointee = nil
    let path = unsafe try CNeedletailInterface.path(path)
    var chosen = OpenOptions()
    if unsafe options != nil {
      let given = unsafe try CNeedletailInterface.options(options, "options")
      try apply(given, to: &chosen)
    }
    let opened = try VectorIndex.open(at: path, options: chosen)
    let snapshot = try opened.snapshot()
    unsafe index.pointee = handle(for: OpenIndex(snapshot, opened))
  }
}

private func apply(
  _ given: needletail_open_options, to options: inout OpenOptions
) throws(NeedletailError) {
  func placement(
    _ number: Int32, _ name: String, _ usual: OpenOptions.Placement
  ) throws(NeedletailError) -> OpenOptions.Placement {
    try choice(
      number, "options->\(name)",
      [
        (Int32(NEEDLETAIL_PLACE_DEFAULT), usual), (Int32(NEEDLETAIL_PLACE_RESIDENT), .resident),
        (Int32(NEEDLETAIL_PLACE_MAPPED), .mapped),
      ])
  }
  options.codes = try placement(given.codes, "codes", options.codes)
  options.graph = try placement(given.graph, "graph", options.graph)
  options.preciseRows = try placement(given.rows, "rows", options.preciseRows)
  options.ids = try placement(given.ids, "ids", options.ids)
  options.verification = try choice(
    given.verification, "options->verification",
    [
      (Int32(NEEDLETAIL_VERIFY_STRUCTURE), OpenOptions.Verification.structure),
      (Int32(NEEDLETAIL_VERIFY_FULL), .full),
    ])
}

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_close(_ index: OpaquePointer?) {
  if let index = unsafe index { unsafe release(OpenIndex.self, index) }
}

// MARK: Looking

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_get_information(
  _ index: OpaquePointer?, _ information: UnsafeMutablePointer<needletail_information>?
) -> needletail_status {
  reporting { () throws(NeedletailError) in
    let index = unsafe try object(OpenIndex.self, required(index, "index"))
    let place = unsafe try required(information, "information")
    let configuration = index.index.configuration
    let memory = index.snapshot.memory
    var value = needletail_information()
    let metric =
      switch configuration.metric {
      case .squaredEuclidean: NEEDLETAIL_L2
      case .innerProduct: NEEDLETAIL_INNER_PRODUCT
      case .cosine: NEEDLETAIL_COSINE
      }
    value.metric = Int32(metric)
    value.dimensions = UInt64(configuration.dimensions)
    value.count = UInt64(index.snapshot.count)
    value.m = UInt64(configuration.graph.m)
    value.ef_construction = UInt64(configuration.graph.efConstruction)
    value.seed = configuration.seed
    let rows =
      switch configuration.preciseRows {
      case .float32: NEEDLETAIL_KEEP_FLOAT32
      case .bfloat16: NEEDLETAIL_KEEP_BFLOAT16
      case .float16: NEEDLETAIL_KEEP_FLOAT16
      case .none: NEEDLETAIL_KEEP_NONE
      }
    value.rows = Int32(rows)
    let codes =
      switch configuration.codes {
      case .automatic, .int8: NEEDLETAIL_CODES_INT8
      case .int4: NEEDLETAIL_CODES_INT4
      case .none: NEEDLETAIL_CODES_NONE
      }
    value.codes = Int32(codes)
    value.code_bytes = UInt64(memory.codes)
    value.graph_bytes = UInt64(memory.graph)
    value.row_bytes = UInt64(memory.preciseRows)
    value.id_bytes = UInt64(memory.ids)
    value.quantizer_bytes = UInt64(memory.quantizer)
    value.is_tuned = index.snapshot.tuning == nil ? 0 : 1
    value.mode = Int32(
      configuration.mode == .turbo ? NEEDLETAIL_MODE_TURBO : NEEDLETAIL_MODE_COMPACT)
    unsafe try fill(place, value, "information")
  }
}

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_get_ids(
  _ index: OpaquePointer?, _ ids: UnsafeMutablePointer<UInt64>?, _ capacity: UInt64
) -> needletail_status {
  reporting { () throws(NeedletailError) in
    let snapshot = unsafe try object(OpenIndex.self, required(index, "index")).snapshot
    guard capacity >= UInt64(snapshot.count) else {
      throw refusal("capacity is \(capacity); the index has \(snapshot.count) ids.")
    }
    guard snapshot.count > 0 else { return }
    let place = unsafe try required(ids, "ids")
    for (i, id) in snapshot.ids.enumerated() { unsafe place[i] = id }
  }
}

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_get_vectors(
  _ index: OpaquePointer?, _ ids: UnsafePointer<UInt64>?, _ count: UInt64,
  _ components: UnsafeMutablePointer<Float>?
) -> needletail_status {
  reporting { () throws(NeedletailError) in
    let snapshot = unsafe try object(OpenIndex.self, required(index, "index")).snapshot
    let wanted = try CNeedletailInterface.count(count, "count")
    guard wanted > 0 else { return }
    let ids = unsafe try required(ids, "ids")
    let place = unsafe try required(components, "components")
    let dimensions = snapshot.dimensions
    try checkExtent(UInt(bitPattern: ids), rows: wanted, columns: 1, byteCount: 8, "ids")
    try checkExtent(
      UInt(bitPattern: place), rows: wanted, columns: dimensions, byteCount: 4, "components")
    for i in 0..<wanted {
      let id = unsafe ids[i]
      guard let row = try snapshot.export(id) else {
        throw NeedletailError(.notFound, "The index has no vector with the id \(id).")
      }
      for j in 0..<dimensions { unsafe place[i * dimensions + j] = row[j] }
    }
  }
}
