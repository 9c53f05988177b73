import NeedletailCore
import NeedletailKernels
import Synchronization
import Testing

@Suite("Helper threads")
struct HelperThreadsTests {
  @Test("Loops within loops come to an end, each with all of its indices")
  func parallelWithinParallel() throws {
    let sum = Atomic<Int>(0)
    try parallelFor(threads: 3, count: 20) { _, outer throws(NeedletailError) in
      try parallelFor(threads: 4, count: 30) { _, inner throws(NeedletailError) in
        try parallelFor(threads: 2, count: 2) { _, last in
          _ = sum.add(outer * 100 + inner + last, ordering: .relaxed)
        }
      }
    }
    var expected = 0
    for outer in 0..<20 {
      for inner in 0..<30 { expected += 2 * (outer * 100 + inner) + 1 }
    }
    #expect(sum.load(ordering: .relaxed) == expected)
  }

  @Test("Concurrent calls share the threads, and an error ends only its own")
  func concurrentCalls() async {
    await withTaskGroup(of: Bool.self) { group in
      for caller in 0..<12 {
        group.addTask {
          var isRight = true
          for round in 0..<50 {
            let done = Atomic<Int>(0)
            do throws(NeedletailError) {
              try parallelFor(threads: 1 + (caller + round) % 5, count: 40) {
                (_, index) throws(NeedletailError) in
                if caller % 3 == 0, index == 17 { throw NeedletailError(.io, "\(caller)") }
                _ = done.add(1, ordering: .relaxed)
              }
              isRight = isRight && caller % 3 != 0 && done.load(ordering: .relaxed) == 40
            } catch {
              isRight = isRight && caller % 3 == 0 && error.message == "\(caller)"
            }
          }
          return isRight
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  @Test("Thousands of short calls start no more threads than one of them may use at a time")
  func shortCalls() throws {
    for _ in 0..<3_000 {
      try parallelFor(threads: 5, count: 5) { _, _ in }
    }
    // Other tests use the same threads at the same time: a few dozen at most.
    #expect(HelperThreads.shared.count < 100)
  }

  @Test("More threads than an index has are taken as many as there are")
  func absurdThreads() throws {
    let highest = Atomic<Int>(0)
    try parallelFor(threads: .max, count: 3) { thread, _ in
      highest.max(thread, ordering: .relaxed)
    }
    #expect(highest.load(ordering: .relaxed) < 3)
  }
}
