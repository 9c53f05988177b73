#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A thread of a service, without signals.
@safe
final class ServiceThread: @unchecked Sendable {
  // SAFETY: the handle is written before anybody has the object, and read by whoever joins.

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private var handle: pthread_t

  /// Starts a thread; `nil` when the system has none left.
  init?(_ run: @escaping @Sendable () -> Void) {
    // The handlers of the program belong on its own threads.
    var every = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&every)
    // What a thread brings upon itself must end the process as anywhere else.
    for fault in [SIGSEGV, SIGBUS, SIGFPE, SIGILL] { unsafe sigdelset(&every, fault) }
    unsafe pthread_sigmask(SIG_SETMASK, &every, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    // As much everywhere as searches take for sure: some systems give new threads very little.
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    unsafe pthread_attr_init(attributes)
    unsafe pthread_attr_setstacksize(attributes, 2 << 20)
    defer {
      unsafe pthread_attr_destroy(attributes)
      unsafe attributes.deallocate()
    }
    let body = unsafe Unmanaged.passRetained(Body(run))
    #if canImport(Darwin)
      var handle: pthread_t?
      let status = unsafe pthread_create(&handle, attributes, { Self.main($0) }, body.toOpaque())
      guard status == 0, let started = unsafe handle else {
        unsafe body.release()
        return nil
      }
      unsafe self.handle = started
    #else
      var handle = pthread_t()
      let status = unsafe pthread_create(
        &handle, attributes,
        { raw in
          // SAFETY: the pointer is the body that was retained for this thread, and taken once.
          guard let raw = unsafe raw else { return nil }
          unsafe Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
          return nil
        }, body.toOpaque())
      guard status == 0 else {
        unsafe body.release()
        return nil
      }
      self.handle = handle
    #endif
  }

  #if canImport(Darwin)
    private static func main(_ raw: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
      // SAFETY: the pointer is the body that was retained for this thread, and taken once.
      unsafe Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
      return nil
    }
  #endif

  /// Waits until the thread has ended; a thread that joins itself is let go instead.
  func join() {
    if pthread_equal(handle, pthread_self()) != 0 {
      pthread_detach(handle)
    } else {
      pthread_join(handle, nil)
    }
  }
}
