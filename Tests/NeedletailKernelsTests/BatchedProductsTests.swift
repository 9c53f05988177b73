import NeedletailCore
import NeedletailKernels
import Synchronization
import Testing

@Suite("Batched products", .serialized)
struct BatchedProductsTests {
  @Test("The products of a block are those of its pairs, row-major")
  func products() {
    var random = SplitMix64(seed: 1)
    for (q, n, d) in [(1, 1, 1), (3, 5, 7), (17, 33, 64), (2, 9, 300)] {
      let queries = (0..<q * d).map { _ in Float(random.nextUnit() - 0.5) }
      let rows = (0..<n * d).map { _ in Float(random.nextUnit() - 0.5) }
      var products = [Float](repeating: .nan, count: q * n)
      var span = products.mutableSpan
      BatchedProducts.multiply(
        queries: queries.span, queryCount: q, rows: rows.span, rowCount: n, dimensions: d,
        into: &span)
      for i in 0..<q {
        for j in 0..<n {
          var sum = 0.0
          for c in 0..<d { sum += Double(queries[i * d + c]) * Double(rows[j * d + c]) }
          #expect(abs(Double(products[i * n + j]) - sum) < Double(d) * 0x1p-24)
        }
      }
    }
  }

  @Test("The library's threads are one inside, and restored by the last to leave")
  func threads() throws {
    let before = BatchedProducts.libraryThreadCount
    BatchedProducts.withOneLibraryThread {
      #expect(BatchedProducts.libraryThreadCount == 1)
      BatchedProducts.withOneLibraryThread {
        #expect(BatchedProducts.libraryThreadCount == 1)
      }
      #expect(BatchedProducts.libraryThreadCount == 1)
    }
    let seen = Atomic<Int>(0)
    try parallelFor(threads: 4, count: 40) { _, _ in
      BatchedProducts.withOneLibraryThread {
        _ = seen.add(BatchedProducts.libraryThreadCount, ordering: .relaxed)
      }
    }
    #expect(seen.load(ordering: .relaxed) == 40)
    // Exact searches of other tests may hold it at one at this moment, so only a bound is certain.
    #expect(BatchedProducts.libraryThreadCount <= max(1, before) || before == 1)
  }
}

@Suite("Parallel loop")
struct ParallelForTests {
  @Test("Every index runs once, on a thread below the number asked for")
  func everyIndex() throws {
    for (threads, count, grain) in [(1, 10, 1), (4, 1000, 1), (3, 1000, 64), (8, 3, 1), (2, 0, 1)] {
      // Each index has a place of its own and no lock around it: an index that ran on two threads at
      // once is a race that ThreadSanitizer sees.
      let runs = Places(count)
      let highest = Atomic<Int>(0)
      try parallelFor(threads: threads, count: count, grain: grain) { thread, index in
        runs.increment(index)
        highest.max(thread, ordering: .relaxed)
      }
      #expect(runs.all { $0 == 1 })
      #expect(highest.load(ordering: .relaxed) < threads)
    }
  }

  @Test("Of several errors the one of the lowest index is thrown, for any number of threads")
  func lowestError() {
    for threads in [1, 2, 5] {
      for _ in 0..<20 {
        do {
          try parallelFor(threads: threads, count: 500) { _, index throws(NeedletailError) in
            if index % 50 == 49 { throw NeedletailError(.io, "index \(index)") }
          }
          Issue.record("no error with \(threads) threads")
        } catch { #expect(error.message == "index 49") }
      }
    }
  }
}

/// Counters that are not protected against each other.
@safe
private final class Places: @unchecked Sendable {
  // SAFETY: every index is counted by one thread, which is what the test is about.
  private let counts: UnsafeMutableBufferPointer<Int>

  init(_ count: Int) {
    unsafe counts = .allocate(capacity: count)
    unsafe counts.initialize(repeating: 0)
  }

  deinit { unsafe counts.deallocate() }

  func increment(_ index: Int) { unsafe counts[index] += 1 }

  func all(_ predicate: (Int) -> Bool) -> Bool { unsafe counts.allSatisfy(predicate) }
}
