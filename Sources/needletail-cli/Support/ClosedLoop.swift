#if Tools
  import Foundation
  import NeedletailCore
  import NeedletailServing
  import Synchronization

  /// A number of queries that are always under way: each answer is followed by the next question.
  final class ClosedLoop: Sendable {
    private let service: any QueryService
    private let queries: [[Float]]
    private let k: Int
    private let outstanding = 16
    private let next = Atomic<Int>(0)
    private let answered = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)
    private let ended = DispatchSemaphore(value: 0)

    init(_ service: any QueryService, _ queries: [[Float]], k: Int) {
      self.service = service
      self.queries = queries
      self.k = k
    }

    /// Runs for a time; gives the answers a second.
    func run(for time: Duration) -> Double {
      let clock = ContinuousClock()
      let begin = clock.now
      guard !queries.isEmpty else { return 0 }
      for _ in 0..<outstanding { ask() }
      Thread.sleep(forTimeInterval: time / .seconds(1))
      let rate = Double(answered.load(ordering: .relaxed)) / ((clock.now - begin) / .seconds(1))
      isOver.store(true, ordering: .releasing)
      for _ in 0..<outstanding { ended.wait() }
      return rate
    }

    private func ask() {
      guard !isOver.load(ordering: .acquiring) else {
        ended.signal()
        return
      }
      let number = next.add(1, ordering: .relaxed).oldValue
      service.submit(ServiceRequest(query: queries[number % queries.count], k: k)) {
        [self] result in
        // What is refused or fails at once would ask on the same stack for ever.
        guard case .success = result else {
          ended.signal()
          return
        }
        answered.add(1, ordering: .relaxed)
        ask()
      }
    }
  }
#endif
