public import CNeedletail
import Needletail

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_build(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<needletail_build_options>?,
  _ parts: UnsafePointer<needletail_rows>?, _ part_count: UInt64, _ monitor: OpaquePointer?,
  _ index: UnsafeMutablePointer<OpaquePointer?>?
) -> needletail_status {
  reporting { () throws(NeedletailError) in
    let index = unsafe try optional(index, "index")
    unsafe index?.pointee = nil
    let path = unsafe try CNeedletailInterface.path(path)
    let given = unsafe try CNeedletailInterface.options(options, "options")
    let made = try VectorIndex.create(at: path, configuration: configuration(given))
    var writer = try made.makeWriter()
    unsafe try add(parts, part_count, dimensions: made.configuration.dimensions, to: &writer)
    let monitor = unsafe monitor.map { unsafe object(WorkMonitor.self, $0) }
    let threads = min(max(1, Int(given.threads)), Limits.threads)
    let snapshot = try writer.commit(threads: threads, monitor: monitor)
    unsafe index?.pointee = handle(for: OpenIndex(snapshot, made))
  }
}

private func configuration(
  _ given: needletail_build_options
) throws(NeedletailError) -> VectorIndex.Configuration {
  let metric = try choice(
    given.metric, "options->metric",
    [
      (Int32(NEEDLETAIL_L2), Metric.squaredEuclidean),
      (Int32(NEEDLETAIL_INNER_PRODUCT), .innerProduct), (Int32(NEEDLETAIL_COSINE), .cosine),
    ])
  var configuration = VectorIndex.Configuration(
    dimensions: try count(given.dimensions, "options->dimensions"), metric: metric)
  if given.m != 0 { configuration.graph.m = try count(given.m, "options->m") }
  if given.ef_construction != 0 {
    configuration.graph.efConstruction = try count(
      given.ef_construction, "options->ef_construction")
  }
  configuration.seed = given.seed
  configuration.preciseRows = try choice(
    given.rows, "options->rows",
    [
      (Int32(NEEDLETAIL_KEEP_DEFAULT), PreciseRows.float32),
      (Int32(NEEDLETAIL_KEEP_FLOAT32), .float32), (Int32(NEEDLETAIL_KEEP_BFLOAT16), .bfloat16),
      (Int32(NEEDLETAIL_KEEP_FLOAT16), .float16), (Int32(NEEDLETAIL_KEEP_NONE), .none),
    ])
  configuration.codes = try choice(
    given.codes, "options->codes",
    [
      (Int32(NEEDLETAIL_CODES_DEFAULT), CodeKind.automatic),
      (Int32(NEEDLETAIL_CODES_INT8), .int8), (Int32(NEEDLETAIL_CODES_INT4), .int4),
      (Int32(NEEDLETAIL_CODES_NONE), .none),
    ])
  configuration.mode = try choice(
    given.mode, "options->mode",
    [
      (Int32(NEEDLETAIL_MODE_AUTO), IndexMode.automatic),
      (Int32(NEEDLETAIL_MODE_COMPACT), .compact), (Int32(NEEDLETAIL_MODE_TURBO), .turbo),
    ])
  return configuration
}

/// Hands the parts to a writer, which looks at every row.
@unsafe
private func add(
  _ parts: UnsafePointer<needletail_rows>?, _ given: UInt64, dimensions: Int,
  to writer: inout Writer
) throws(NeedletailError) {
  let partCount = try count(given, "part_count")
  guard partCount > 0 else { return }
  let parts = unsafe try required(parts, "parts")
  unsafe try checkExtent(
    UInt(bitPattern: parts), rows: partCount, columns: 1,
    byteCount: MemoryLayout<needletail_rows>.stride, "parts")
  for number in 0..<partCount {
    // SAFETY: the caller says that there are as many parts.
    let part = unsafe parts[number]
    let name = "parts[\(number)]"
    guard unsafe part.reserved == 0 else {
      throw unsafe refusal("\(name).reserved is \(part.reserved); leave it 0.")
    }
    let rows = unsafe try count(part.count, "\(name).count")
    let first = writer.count
    guard rows <= Limits.rowsPerSegment - first else {
      throw NeedletailError(
        .capacityExceeded,
        "\(name).count is \(rows); an index holds \(Limits.rowsPerSegment) rows, and \(first) came before."
      )
    }
    let matrix = unsafe try borrowedRows(
      part.components, count: rows, dimensions: dimensions, stride: part.row_stride,
      element: part.element, name)
    if let ids = unsafe part.ids, rows > 0 {
      try checkAlignment(UInt(bitPattern: ids), 8, "\(name).ids")
      try checkExtent(UInt(bitPattern: ids), rows: rows, columns: 1, byteCount: 8, "\(name).ids")
      let list = unsafe UnsafeBufferPointer(start: ids, count: rows)
      if let row = unsafe list.firstIndex(of: .max) {
        throw refusal(
          "\(name).ids[\(row)] is NEEDLETAIL_NO_ID, which stands for a missing answer; choose another."
        )
      }
      unsafe try writer.add(matrix, ids: list)
    } else {
      try writer.add(matrix, ids: VectorID(first)..<VectorID(first + rows))
    }
  }
}
