#if Tools
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation
  import Synchronization

  /// An index behind one bounded queue, with one worker: what serving is without a budget.
  final class QueuedService: ServiceUnderLoad {
    let vocabulary = LoadVocabulary(
      rungs: ["full"], stages: ["admission", "traversal", "rerank"],
      reasons: ["queueFull", "evaluations", "deadline", "coarse", "partialSegments"])

    /// Requests that may wait.
    private static let bound = 1024

    private struct Waiting {
      var request: LoadRequest
      var collector: LoadCollector
      var arrival: Int64
    }

    /// A ring of requests, made once.
    private struct Queue {
      var ring: [Waiting?]
      var first = 0
      var count = 0
      var longest = 0

      mutating func append(_ waiting: Waiting) -> Bool {
        guard count < ring.count else { return false }
        ring[(first + count) % ring.count] = waiting
        count += 1
        longest = max(longest, count)
        return true
      }

      mutating func next() -> Waiting? {
        guard count > 0 else { return nil }
        let waiting = ring[first].take()
        first = (first + 1) % ring.count
        count -= 1
        return waiting
      }
    }

    private let index: VectorIndex
    private let queries: [[Float]]
    private let options: SearchOptions
    private let queue = Guarded(Queue(ring: Array(repeating: nil, count: QueuedService.bound)))
    private let work = DispatchSemaphore(value: 0)
    private let ended = Atomic<Bool>(false)
    private let finished = DispatchSemaphore(value: 0)
    private let clock = SteadyClock()

    init(
      _ index: VectorIndex, queries: VectorMatrix, settings: LoadSettings, pinnedTo processor: Int?
    ) throws(NeedletailError) {
      // What holds nothing is refused before the load.
      _ = try index.snapshot()
      self.index = index
      self.queries = (0..<queries.count).map { queries[$0] }
      var options = settings.options
      options.measuresTime = true
      self.options = options
      // It ends when `stop` says so, and nobody waits for its handle.
      _ = try LoadThread(pinnedTo: processor) { [self] in serve() }
    }

    func submit(_ request: LoadRequest, to collector: LoadCollector) {
      let waiting = Waiting(request: request, collector: collector, arrival: clock.now)
      guard queue.withLock({ $0.append(waiting) }) else {
        var response = LoadResponse(.rejected)
        response.reasons = 1
        response.retryAfter = 1_000_000_000
        collector.receive(response, to: request)
        return
      }
      work.signal()
    }

    func gauges() -> LoadGauges {
      let longest = queue.withLock { queue in
        let longest = queue.longest
        queue.longest = queue.count
        return longest
      }
      return LoadGauges(longestQueue: longest, queueBound: Self.bound)
    }

    func stop() {
      guard !ended.exchange(true, ordering: .acquiringAndReleasing) else { return }
      work.signal()
      finished.wait()
    }

    func upsert(
      _ row: VectorMatrix, id: VectorID, attributes: [Attributes]
    ) throws(NeedletailError) {
      try index.upsert(row, ids: [id], attributes: attributes)
    }

    func charges() -> [String: Double] { [:] }

    private func serve() {
      while true {
        work.wait()
        guard let waiting = queue.withLock({ $0.next() }) else {
          if ended.load(ordering: .acquiring) { break }
          continue
        }
        answer(waiting)
      }
      finished.signal()
    }

    private func answer(_ waiting: Waiting) {
      let request = waiting.request
      var response = LoadResponse(.answered, rung: 0)
      response.stages[0] = clock.now - waiting.arrival
      do throws(NeedletailError) {
        let found = try index.snapshot()
          .search(queries[request.query], k: request.k, options: options)
        response.stages[1] = Int64(
          found.statistics.prepareNanoseconds + found.statistics.walkNanoseconds)
        response.stages[2] = Int64(found.statistics.rerankNanoseconds)
        response.evaluations = found.statistics.evaluations
        for reason in found.completion.reasons {
          guard let bit = vocabulary.reasons.firstIndex(of: reason.description) else { continue }
          response.reasons |= 1 << UInt32(bit)
        }
        waiting.collector.receive(response, to: request, neighbors: found.neighbors.span)
      } catch {
        waiting.collector.receive(LoadResponse(.failed), to: request)
      }
    }
  }
#endif
