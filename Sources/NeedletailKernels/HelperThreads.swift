#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Threads that sleep until a parallel call has work for them; they stay once started.
///
/// A new thread often starts on the core of the one that made it, where it waits for milliseconds, as long as a
/// whole batch takes; one that sleeps is woken on an idle core within microseconds, and its scratch is there.
@safe
final class HelperThreads: @unchecked Sendable {
  // SAFETY: the variables are read and written under the mutex; the pointers never change.

  static let shared = HelperThreads()

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

  private init() {
    prepare()
    // A forked child has none of these threads, and must not wait for them.
    pthread_atfork(
      { HelperThreads.shared.lock() }, { HelperThreads.shared.unlock() },
      { HelperThreads.shared.beginAnew() })
  }

  private func prepare() {
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(begins, nil)
    unsafe pthread_cond_init(ends, nil)
  }

  private func beginAnew() {
    prepare()
    seats = []
    sleeping = 0
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
    let missing = seats.count - sleeping
    for _ in 0..<min(others, sleeping) { unsafe pthread_cond_signal(begins) }
    unlock()
    for _ in 0..<max(0, min(others, missing)) { Self.start() }
    work.run(0)
    lock()
    seats.removeAll { $0.work === work }
    while work.helping > 0 { unsafe pthread_cond_wait(ends, mutex) }
    unlock()
  }

  private static func start() {
    var handle = pthread_t.initialValue
    let status = unsafe pthread_create(
      &handle, nil,
      { _ in
        HelperThreads.shared.help()
        return nil
      }, nil)
    #if canImport(Darwin)
      if status == 0, let handle = unsafe handle { unsafe pthread_detach(handle) }
    #else
      if status == 0 { pthread_detach(handle) }
    #endif
  }

  /// What a thread does for as long as the process lives.
  private func help() {
    lock()
    while true {
      while seats.isEmpty {
        sleeping += 1
        unsafe pthread_cond_wait(begins, mutex)
        sleeping -= 1
      }
      takeSeat()
    }
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
  #if canImport(Darwin)
    fileprivate static var initialValue: pthread_t? { nil }
  #else
    fileprivate static var initialValue: pthread_t { 0 }
  #endif
}
