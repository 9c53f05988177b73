public import CNeedletail
import Needletail

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_monitor_create() -> OpaquePointer {
  unsafe handle(for: WorkMonitor())
}

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_monitor_destroy(_ monitor: OpaquePointer?) {
  if let monitor = unsafe monitor { unsafe release(WorkMonitor.self, monitor) }
}

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_monitor_cancel(_ monitor: OpaquePointer?) {
  if let monitor = unsafe monitor { unsafe object(WorkMonitor.self, monitor).cancel() }
}

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_monitor_progress(
  _ monitor: OpaquePointer?, _ done: UnsafeMutablePointer<UInt64>?,
  _ total: UnsafeMutablePointer<UInt64>?
) -> needletail_status {
  reporting { () throws(NeedletailError) in
    let monitor = unsafe try required(monitor, "monitor")
    let progress = unsafe object(WorkMonitor.self, monitor).progress
    if let done = unsafe try optional(done, "done") {
      unsafe done.pointee = UInt64(clamping: progress.done)
    }
    if let total = unsafe try optional(total, "total") {
      unsafe total.pointee = UInt64(clamping: progress.total)
    }
  }
}
