public import NeedletailCore
package import NeedletailStorage

/// Writes down which queries came to a service, when, and whose: the log that `needletail replay` sends again.
///
/// ```swift
/// let recorder = try RequestRecorder(
///   log: "yesterday.csv", queries: "yesterday.fvecs", dimensions: 384)
/// options.recorder = recorder
/// // … and when enough was seen, or the service has ended:
/// try recorder.finish()
/// ```
///
/// A query costs the thread that submits it a lock and a reference; a thread of the recorder's own writes. What comes faster than that, and
/// what comes after the most that is kept, is left out and counted. Filters, deadlines and sessions are not recorded. For any number of
/// threads, and of services of one process; dropping the recorder finishes it.
public final class RequestRecorder: Sendable {
  /// What was done so far.
  public struct Counts: Sendable, Hashable {
    /// Requests that are in the log, or on their way there.
    public var recorded = 0
    /// Requests that came too fast to be written.
    public var overrun = 0
    /// Requests that came after the most that is kept, or after the end.
    public var late = 0
  }

  private struct Entry: Sendable {
    var arrival: Nanoseconds
    var request: ServiceRequest
  }

  private struct State: Sendable {
    var waiting: [Entry] = []
    var counts = Counts()
    var start: Nanoseconds?
    var isEnding = false
    var fault: NeedletailError?
  }

  /// Requests that may wait to be written.
  private static let most = 16_384
  /// How often they are.
  private static let interval = 50 * Nanoseconds.millisecond

  private let dimensions: Int
  private let limit: Int
  private let clock: any ServingClock
  private let state = Box()
  private let joined = Guarded(false)
  private let thread: ServiceThread

  /// Shared with the thread, which must not keep the recorder.
  private final class Box: Sendable { let monitor = Monitor(State()) }

  /// Makes both files, and begins.
  ///
  /// - Parameters:
  ///   - log: The file of arrivals, CSV.
  ///   - queries: The file of query vectors, `.fvecs`; row `n` is the query of the log's line `n`.
  ///   - dimensions: Components of a query; requests with others are not recorded, nor answered.
  ///   - limit: The most requests to record. Default 1 000 000: each takes `4 · dimensions` bytes and some 30 more.
  /// - Throws: `invalidConfiguration` for numbers below 1, and a log of more than 5 000 000, which is not read; `alreadyExists`; `io`.
  public convenience init(
    log: String, queries: String, dimensions: Int, limit: Int = 1_000_000
  ) throws(NeedletailError) {
    try self.init(
      log: log, queries: queries, dimensions: dimensions, limit: limit, in: LocalFileSystem(),
      clock: MonotonicClock())
  }

  package init(
    log: String, queries: String, dimensions: Int, limit: Int, in files: any FileSystem,
    clock: any ServingClock
  ) throws(NeedletailError) {
    guard dimensions > 0, (1...5_000_000).contains(limit) else {
      throw NeedletailError(
        .invalidConfiguration,
        "A record of \(limit) requests of \(dimensions) components: give 1 to 5000000 requests, and at least 1 component."
      )
    }
    self.dimensions = dimensions
    self.limit = limit
    self.clock = clock
    let writer = try RequestWriter(log: log, queries: queries, in: files)
    let state = state
    guard let thread = ServiceThread({ Self.write(writer, state) }) else {
      throw NeedletailError(.capacityExceeded, "The system has no room for the recorder's thread.")
    }
    self.thread = thread
  }

  deinit { try? finish() }

  private static let longest: Nanoseconds = 86_400_000_000_000

  /// What was done so far.
  public var counts: Counts { state.monitor.withLock { $0.counts } }

  /// Takes a request that comes now; called by the service whose options name this recorder.
  public func record(_ request: ServiceRequest) {
    guard request.query.count == dimensions else { return }
    let now = clock.now
    state.monitor.withLock { state in
      // What reads a record takes a day of it.
      guard !state.isEnding, state.fault == nil, state.counts.recorded < limit,
        now - (state.start ?? now) <= Self.longest
      else {
        state.counts.late += 1
        return
      }
      guard state.waiting.count < Self.most else {
        state.counts.overrun += 1
        return
      }
      // Two threads may come in another order than they looked at the clock.
      let start = state.start ?? now
      state.start = start
      state.counts.recorded += 1
      state.waiting.append(Entry(arrival: max(0, now - start), request: request))
    }
  }

  /// Writes what waits, and closes the files; without effect the second time.
  ///
  /// - Throws: `io`, what kept requests from being written.
  public func finish() throws(NeedletailError) {
    state.monitor.withLock { $0.isEnding = true }
    state.monitor.wakeAll()
    // A thread can be joined once; who comes second waits until that is done.
    joined.withLock { isJoined in
      if !isJoined { thread.join() }
      isJoined = true
    }
    if let fault = state.monitor.withLock({ $0.fault }) { throw fault }
  }

  /// The life of the thread.
  private static func write(_ writer: RequestWriter, _ box: Box) {
    var writer = writer
    var isOver = false
    while !isOver {
      var isRested = false
      let (entries, isEnding): ([Entry], Bool) = box.monitor.waiting { state in
        // Many at once: a write for each would take longer.
        guard isRested || state.isEnding else {
          isRested = true
          return .sleep(interval)
        }
        defer { state.waiting = [] }
        return .done((state.waiting, state.isEnding))
      }
      isOver = isEnding
      do throws(NeedletailError) {
        for entry in entries { writer.add(entry.request, at: entry.arrival) }
        try writer.flush()
        if isOver { try writer.close() }
      } catch {
        box.monitor.withLock { $0.fault = error }
        return
      }
    }
  }
}
