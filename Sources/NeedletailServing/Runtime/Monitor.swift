#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A value behind a lock that threads can also sleep behind until it is as they want it.
///
/// `Mutex` has no condition to wait for; what only needs the lock takes `Guarded`.
@safe
final class Monitor<Value: Sendable>: @unchecked Sendable {
  // SAFETY: the value is reached under the mutex alone; the pointers never change, and nobody waits when they are freed.

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var value: Value

  /// What waiting is measured by: a clock that nobody sets, where conditions can wait by it.
  #if canImport(Darwin)
    private static var clock: clockid_t { CLOCK_REALTIME }
  #else
    private static var clock: clockid_t { CLOCK_MONOTONIC }
  #endif

  init(_ value: Value) {
    self.value = value
    unsafe pthread_mutex_init(mutex, nil)
    #if canImport(Darwin)
      unsafe pthread_cond_init(changed, nil)
    #else
      var attributes = pthread_condattr_t()
      unsafe pthread_condattr_init(&attributes)
      unsafe pthread_condattr_setclock(&attributes, Self.clock)
      unsafe pthread_cond_init(changed, &attributes)
      unsafe pthread_condattr_destroy(&attributes)
    #endif
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(mutex)
    unsafe changed.deallocate()
    unsafe mutex.deallocate()
  }

  /// Calls `body` with the value, while no other thread has it.
  func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&value)
  }

  /// Wakes one thread that sleeps here, where there is one.
  func wakeOne() { unsafe pthread_cond_signal(changed) }

  /// Wakes all threads that sleep here.
  func wakeAll() { unsafe pthread_cond_broadcast(changed) }

  /// Calls `body` until it gives something, and sleeps between two calls: until the monitor is woken, or as long as `body` says.
  func waiting<Result>(_ body: (inout Value) -> Wait<Result>) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      switch body(&value) {
      case .done(let result): return result
      case .sleep(nil): unsafe pthread_cond_wait(changed, mutex)
      case .sleep(.some(let nap)): sleep(nap)
      }
    }
  }

  private func sleep(_ nap: Nanoseconds) {
    var end = timespec()
    unsafe clock_gettime(Self.clock, &end)
    let nanoseconds = Nanoseconds(end.tv_nsec) + min(max(0, nap), 3_600 * .second)
    end.tv_sec += Int(nanoseconds / .second)
    end.tv_nsec = Int(nanoseconds % .second)
    unsafe pthread_cond_timedwait(changed, mutex, &end)
  }
}

/// What a thread that looked at a monitor's value does next.
enum Wait<Result> {
  /// It has what it came for.
  case done(Result)
  /// It sleeps until it is woken, or for so many nanoseconds.
  case sleep(Nanoseconds?)
}
