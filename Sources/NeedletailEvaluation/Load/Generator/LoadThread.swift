#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#endif
public import NeedletailCore

/// A thread of one's own for one piece of work.
///
/// It has no signals: the handlers of the program belong on its own threads.
@safe
public struct LoadThread: ~Copyable {
  private let handle: pthread_t

  /// What is done, held until the thread takes it.
  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts a thread.
  ///
  /// - Parameters:
  ///   - processor: The processor that it is kept on, if any.
  ///   - body: What it does.
  /// - Throws: `io` when the system gives no thread.
  public init(
    pinnedTo processor: Int? = nil, _ body: @escaping @Sendable () -> Void
  ) throws(NeedletailError) {
    let work = Work {
      if let processor { ProcessorPin.pin(to: processor) }
      body()
    }
    var every = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&every)
    unsafe pthread_sigmask(SIG_SETMASK, &every, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    let context = unsafe Unmanaged.passRetained(work)
    #if canImport(Darwin)
      var started: pthread_t?
    #else
      var started = pthread_t()
    #endif
    // SAFETY: the thread takes over the reference that was retained for it.
    let status = unsafe pthread_create(
      &started, nil,
      { (raw) -> UnsafeMutableRawPointer? in
        let context: UnsafeMutableRawPointer? = unsafe raw
        if let context = unsafe context {
          unsafe Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
        }
        return nil
      }, context.toOpaque())
    #if canImport(Darwin)
      let handle = unsafe started
    #else
      let handle: pthread_t? = started
    #endif
    guard status == 0, let handle else {
      unsafe context.release()
      throw NeedletailError(.io, "The system gives no thread for the load (errno \(status)).")
    }
    self.handle = handle
  }

  /// Who does not wait lets the thread go on alone.
  deinit { pthread_detach(handle) }

  /// Waits until the work is done.
  public consuming func join() {
    let handle = handle
    discard self
    pthread_join(handle, nil)
  }
}
