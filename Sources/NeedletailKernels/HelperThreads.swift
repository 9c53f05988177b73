#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Threads that sleep until a parallel call has work for them, and end when there was none for a while.
///
/// A new thread often starts on the core of the one that made it, where it waits for milliseconds, as long as a
/// whole batch takes; one that sleeps is woken on an idle core within microseconds, and its scratch is there.
///
/// A thread has the affinity and priority of whoever needed it first, and no signals.
@safe
package final class HelperThreads: @unchecked Sendable {
  // SAFETY: the variables are read and written under the mutex; the pointers never change.

  package static let shared = HelperThreads()

  /// One thread's part in a piece of work.
  private struct Seat {
    let work: SharedWork
    let number: Int
  }

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// Where threads sleep.
  private let begins = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Where callers wait for the last of those that help them.
  private let ends = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var seats: [Seat] = []
  private var sleeping = 0
  /// Threads on their way to their first seat.
  private var starting = 0
  private var living = 0

  /// What patience is measured by: a clock that nobody sets, where conditions can wait by it.
  #if canImport(Darwin)
    private static let clock = CLOCK_REALTIME
  #else
    private static let clock = CLOCK_MONOTONIC
  #endif
  /// Seconds that a thread sleeps before it ends.
  private static let patience = 10

  /// How many threads there are, asleep or at work.
  package var count: Int {
    lock()
    defer { unlock() }
    return living
  }

  private init() {
    prepare()
    // A forked child has none of these threads, and must not wait for them.
    pthread_atfork(
      { HelperThreads.shared.lock() }, { HelperThreads.shared.unlock() },
      { HelperThreads.shared.beginAnew() })
  }

  private func prepare() {
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(ends, nil)
    #if canImport(Darwin)
      unsafe pthread_cond_init(begins, nil)
    #else
      var attributes = pthread_condattr_t()
      unsafe pthread_condattr_init(&attributes)
      unsafe pthread_condattr_setclock(&attributes, Self.clock)
      unsafe pthread_cond_init(begins, &attributes)
      unsafe pthread_condattr_destroy(&attributes)
    #endif
  }

  private func beginAnew() {
    prepare()
    seats = []
    sleeping = 0
    starting = 0
    living = 0
  }

  private func lock() { unsafe pthread_mutex_lock(mutex) }
  private func unlock() { unsafe pthread_mutex_unlock(mutex) }

  /// Runs some work on the calling thread, as number 0, and on up to `others` more.
  ///
  /// Returns when no thread is at it any more. A system that has no thread left does the work with those it
  /// has; one that wakes too late is not waited for.
  func run(_ work: SharedWork, others: Int) {
    lock()
    for number in 1...max(1, others) { seats.append(Seat(work: work, number: number)) }
    // Whoever sleeps or is about to come takes a seat of this call or of another one.
    let missing = max(0, min(others, seats.count - sleeping - starting))
    for _ in 0..<min(others, sleeping) { unsafe pthread_cond_signal(begins) }
    starting += missing
    living += missing
    unlock()
    for _ in 0..<missing where !Self.start() {
      lock()
      starting -= 1
      living -= 1
      unlock()
    }
    work.run(0)
    lock()
    seats.removeAll { $0.work === work }
    while work.helping > 0 { unsafe pthread_cond_wait(ends, mutex) }
    unlock()
  }

  /// Starts a thread; returns whether the system had one left.
  private static func start() -> Bool {
    // The handlers of the program belong on its own threads.
    var every = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&every)
    unsafe pthread_sigmask(SIG_SETMASK, &every, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    var handle = pthread_t.initialValue
    let status = unsafe pthread_create(
      &handle, nil,
      { _ in
        HelperThreads.shared.help()
        return nil
      }, nil)
    guard status == 0 else { return false }
    #if canImport(Glibc)
      pthread_detach(handle)
    #else
      if let handle = unsafe handle { unsafe pthread_detach(handle) }
    #endif
    return true
  }

  /// What a thread does while there is work now and then.
  private func help() {
    lock()
    starting -= 1
    while !seats.isEmpty || sleeps() {
      if !seats.isEmpty { takeSeat() }
    }
    living -= 1
    unlock()
  }

  /// Sleeps until it is woken; returns `false` when nobody came for long.
  private func sleeps() -> Bool {
    var end = timespec()
    unsafe clock_gettime(Self.clock, &end)
    end.tv_sec += Self.patience
    sleeping += 1
    let status = unsafe pthread_cond_timedwait(begins, mutex, &end)
    sleeping -= 1
    return status == 0 || !seats.isEmpty
  }

  /// A function of its own, so that nothing of the work is kept while the thread sleeps.
  @inline(never)
  private func takeSeat() {
    let seat = seats.removeFirst()
    seat.work.helping += 1
    unlock()
    seat.work.run(seat.number)
    lock()
    seat.work.helping -= 1
    if seat.work.helping == 0 { unsafe pthread_cond_broadcast(ends) }
  }
}

/// What the threads of one parallel call do.
@safe
final class SharedWork: @unchecked Sendable {
  // SAFETY: `body` is taken away by the caller, once nobody runs it; `helping` is guarded by the mutex of the
  // threads.

  private var body: (@Sendable (Int) -> Void)?
  /// How many threads are at it, beside the caller's.
  fileprivate(set) var helping = 0

  init(_ body: @escaping @Sendable (Int) -> Void) { self.body = body }

  @inline(never)
  fileprivate func run(_ number: Int) { body?(number) }

  /// Lets go of the body, when the call is over.
  func forget() { body = nil }
}

extension pthread_t {
  #if canImport(Glibc)
    fileprivate static var initialValue: pthread_t { 0 }
  #else
    fileprivate static var initialValue: pthread_t? { nil }
  #endif
}
