package import NeedletailCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Runs `body` for every index of `0..<count`, on several threads that end with the call.
///
/// Threads claim `grain` indices at a time from one counter, so uneven work spreads by itself; which
/// thread runs an index is not determined, so `body` must give the same result on any. The caller's
/// thread is thread 0 and works too; with one thread, or little work, no other is started.
///
/// - Parameters:
///   - threads: at most this many; at least 1.
///   - count: indices to run.
///   - grain: indices claimed at a time.
///   - body: called with the number of its thread, `0..<threads`, and the index.
/// - Throws: of the bodies that failed, the error of the lowest index; the remaining indices are then
///   left out. Indices are claimed in order, so that it is the same error for any number of threads.
/// - Complexity: one `pthread` per further thread and call, about 20 µs each.
package func parallelFor(
  threads: Int, count: Int, grain: Int = 1,
  body: @Sendable (_ thread: Int, _ index: Int) throws(NeedletailError) -> Void
) throws(NeedletailError) {
  let grain = max(1, grain)
  let workers = max(1, min(threads, (count + grain - 1) / grain))
  guard workers > 1 else {
    for index in 0..<max(0, count) { try body(0, index) }
    return
  }
  let failure = withoutActuallyEscaping(body) { body in
    let work = SharedWork(count: count, grain: grain, body: body)
    var handles: [pthread_t] = []
    for number in 1..<workers {
      let seat = unsafe Unmanaged.passRetained(Seat(work: work, number: number))
      var handle = pthread_t.initialValue
      // SAFETY: the thread takes over the seat it was given, and is joined below.
      let status = unsafe pthread_create(
        &handle, nil,
        { raw in
          // Optional on some platforms, and not on others.
          let context: UnsafeMutableRawPointer? = unsafe raw
          guard let context = unsafe context else { return nil }
          let seat = unsafe Unmanaged<Seat>.fromOpaque(context).takeRetainedValue()
          seat.work.run(thread: seat.number)
          return nil
        }, seat.toOpaque())
      // A system that has no thread left does the work with those it has.
      if status == 0 { handles.append(handle) } else { unsafe seat.release() }
    }
    work.run(thread: 0)
    for handle in handles { pthread_join(handle, nil) }
    return work.failure.withLock { $0?.error }
  }
  if let failure { throw failure }
}

extension pthread_t {
  #if canImport(Darwin)
    fileprivate static var initialValue: pthread_t? { nil }
  #else
    fileprivate static var initialValue: pthread_t { 0 }
  #endif
}

private final class Seat: Sendable {
  let work: SharedWork
  let number: Int
  init(work: SharedWork, number: Int) {
    self.work = work
    self.number = number
  }
}

private final class SharedWork: Sendable {
  let count: Int
  let grain: Int
  let body: @Sendable (Int, Int) throws(NeedletailError) -> Void
  let next = Atomic<Int>(0)
  let failure = Mutex<(index: Int, error: NeedletailError)?>(nil)

  init(
    count: Int, grain: Int,
    body: @escaping @Sendable (Int, Int) throws(NeedletailError) -> Void
  ) {
    self.count = count
    self.grain = grain
    self.body = body
  }

  func run(thread: Int) {
    while true {
      let start = next.wrappingAdd(grain, ordering: .relaxed).oldValue
      guard start < count else { return }
      for index in start..<min(count, start + grain) {
        do {
          try body(thread, index)
        } catch {
          failure.withLock { if index < $0?.index ?? Int.max { $0 = (index, error) } }
          next.store(count, ordering: .relaxed)
          return
        }
      }
    }
  }
}
