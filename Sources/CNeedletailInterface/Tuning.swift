public import CNeedletail
import Needletail

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_tune(
  _ index: OpaquePointer?, _ options: UnsafePointer<needletail_tune_options>?,
  _ monitor: OpaquePointer?, _ tuned: UnsafeMutablePointer<OpaquePointer?>?
) -> needletail_status {
  reporting { () throws(NeedletailError) in
    let tuned = unsafe try required(tuned, "tuned")
    unsafe tuned.pointee = nil
    let index = unsafe try object(OpenIndex.self, required(index, "index"))
    var chosen = TuningOptions()
    var threads = 1
    if unsafe options != nil {
      let given = unsafe try CNeedletailInterface.options(options, "options")
      unsafe try apply(given, dimensions: index.snapshot.dimensions, to: &chosen)
      threads = unsafe min(max(1, Int(given.threads)), Limits.threads)
    }
    let monitor = unsafe monitor.map { unsafe object(WorkMonitor.self, $0) }
    let snapshot = try index.index.tune(chosen, threads: threads, monitor: monitor)
    unsafe tuned.pointee = handle(for: OpenIndex(snapshot, index.index))
  }
}

@unsafe
private func apply(
  _ given: needletail_tune_options, dimensions: Int, to options: inout TuningOptions
) throws(NeedletailError) {
  if unsafe given.k != 0 { options.k = unsafe try count(given.k, "options->k") }
  if unsafe given.milliseconds != 0 {
    options.timeLimit = unsafe .milliseconds(
      Int64(min(given.milliseconds, 1 << 40)))
  }
  guard unsafe given.queries != nil else { return }
  let queries = unsafe try required(given.queries, "options->queries").pointee
  options.queries = unsafe try borrowed(queries, dimensions: dimensions, "options->queries")
}
