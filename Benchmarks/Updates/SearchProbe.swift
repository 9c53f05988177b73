import Foundation
import Needletail
import NeedletailCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// How long searches took.
struct Latencies {
  private var nanoseconds: [Int] = []

  mutating func add(_ value: Int) { nanoseconds.append(value) }
  mutating func merge(_ other: Latencies) { nanoseconds += other.nanoseconds }

  private func percentile(_ share: Double) -> Double {
    guard !nanoseconds.isEmpty else { return 0 }
    let sorted = nanoseconds.sorted()
    return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]) / 1000
  }

  var p99: Double { percentile(0.99) }
  var text: String {
    "\(nanoseconds.count) searches, p50 \(format(percentile(0.5))) µs, p95 \(format(percentile(0.95))) µs, p99 \(format(p99)) µs"
  }
}

/// Searches on a thread of its own, on a processor of its own where the system allows it.
final class SearchProbe: @unchecked Sendable {
  private let queries: [[Float]]
  private let isDone = Atomic<Bool>(false)
  private var result = Latencies()

  init(_ queries: VectorMatrix) { self.queries = (0..<queries.count).map { queries[$0] } }

  func measure(seconds: Double, _ snapshot: @escaping () throws -> Snapshot) throws -> Latencies {
    try during(snapshot) { Thread.sleep(forTimeInterval: seconds) }
  }

  /// Searches as long as `body` runs; every search takes a snapshot of its own.
  func during(
    _ snapshot: @escaping () throws -> Snapshot, _ body: () throws -> Void
  ) throws -> Latencies {
    isDone.store(false, ordering: .relaxed)
    result = Latencies()
    let end = DispatchSemaphore(value: 0)
    nonisolated(unsafe) let taken = snapshot
    let thread = Thread { [self] in
      Self.pin(to: 0)
      var turn = 0
      while !isDone.load(ordering: .relaxed) {
        let query = queries[turn % queries.count]
        turn += 1
        let start = DispatchTime.now().uptimeNanoseconds
        _ = try? taken().search(query, k: 10, options: SearchOptions(efSearch: 64))
        result.add(Int(DispatchTime.now().uptimeNanoseconds - start))
      }
      end.signal()
    }
    Self.pin(to: 1)
    thread.start()
    defer { Self.pin(to: nil) }
    let outcome = Result { try body() }
    isDone.store(true, ordering: .relaxed)
    end.wait()
    try outcome.get()
    return result
  }

  /// Keeps the calling thread on one processor; `nil`: on any.
  static func pin(to processor: Int?) {
    #if canImport(Glibc)
      var set = cpu_set_t()
      withUnsafeMutableBytes(of: &set) { bytes in
        for i in bytes.indices { bytes[i] = processor == nil ? 0xff : 0 }
        if let processor { bytes[processor / 8] |= 1 << UInt8(processor % 8) }
      }
      typealias Call = @convention(c) (pid_t, Int, UnsafePointer<cpu_set_t>) -> Int32
      // The declaration is one of those that the C library hides from other languages.
      guard let symbol = dlsym(nil, "sched_setaffinity") else { return }
      _ = unsafeBitCast(symbol, to: Call.self)(0, MemoryLayout<cpu_set_t>.size, &set)
    #endif
  }
}
