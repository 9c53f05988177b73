import Synchronization

/// A value behind a lock, in an order that ThreadSanitizer sees.
///
/// The sanitizer knows nothing of the system calls under `Mutex`, and takes two threads that hold it one after the
/// other for a race. It does see atomics: one at either end tells it who came first, and costs next to nothing.
package struct Guarded<Value>: ~Copyable, @unchecked Sendable {
  // SAFETY: the value is reached under the lock alone.
  private let value: Mutex<Value>
  private let order = Atomic<Int>(0)

  package init(_ value: consuming sending Value) { self.value = Mutex(value) }

  /// Calls `body` with the value, while no other thread has it.
  package borrowing func withLock<Result, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    try value.withLock { (value) throws(Failure) -> sending Result in
      _ = order.load(ordering: .acquiring)
      defer { order.store(0, ordering: .releasing) }
      return try body(&value)
    }
  }
}
