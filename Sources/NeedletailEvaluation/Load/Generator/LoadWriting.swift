public import NeedletailCore
import Synchronization

/// Whoever writes beside the load.
public protocol LoadWriter: Sendable {
  /// Writes once; called on a thread of its own, one call after the other.
  ///
  /// - Parameter number: How many writes came before.
  /// - Throws: Whatever keeps the write from being made; it is counted, and the next one follows.
  func write(_ number: Int) throws(NeedletailError)
}

/// Writes beside the load: who makes them, and how often.
public struct LoadWrites: Sendable {
  /// Who makes them.
  public var writer: any LoadWriter
  /// Writes a second.
  public var rate: Double
  /// The processor that the thread is kept on; nil: that of whoever runs the load.
  public var processor: Int?

  /// Makes writes.
  ///
  /// - Parameters:
  ///   - writer: Who makes them.
  ///   - rate: Writes a second, above 0 and at most 1 000 000.
  ///   - processor: The processor that they are made on, which should not be the generator's.
  /// - Throws: `invalidConfiguration` for a rate out of its range.
  public init(
    _ writer: some LoadWriter, rate: Double, pinnedTo processor: Int? = nil
  ) throws(NeedletailError) {
    guard rate > 0, rate <= 1e6 else {
      throw NeedletailError(
        .invalidConfiguration,
        "The rate of writes is \(rate) a second; give a number above 0 and at most 1000000.")
    }
    self.writer = writer
    self.rate = rate
    self.processor = processor
  }

  /// A rate alone, like `500/s`; nil for anything else, and for a rate of 0 or above 1 000 000.
  ///
  /// - Parameter text: The rate.
  /// - Returns: Writes a second.
  public static func perSecond(parsing text: String) -> Double? {
    guard text.hasSuffix("/s"), let rate = LoadText.number(LoadText.trimmed(text.dropLast(2))),
      rate > 0, rate <= 1e6
    else { return nil }
    return rate
  }

  /// What became of them.
  public struct Outcome: Sendable, Hashable, Codable {
    /// Writes a second that were wanted.
    public var rate: Double
    /// Writes that were made.
    public var written = 0
    /// Writes that failed.
    public var failed = 0
    /// What the first failure said.
    public var firstFailure: String?
    /// Times from the intended start of a write to its end.
    public var p50Microseconds = 0.0
    /// What 99 % did not exceed.
    public var p99Microseconds = 0.0

    /// Makes one of a run that has not begun.
    public init(rate: Double) { self.rate = rate }
  }
}

/// The thread that writes.
struct LoadWriting: ~Copyable {
  private let shared: Shared
  private let thread: LoadThread

  private final class Shared: Sendable {
    let ended = Atomic<Bool>(false)
    let outcome: Guarded<LoadWrites.Outcome>
    init(rate: Double) { outcome = Guarded(LoadWrites.Outcome(rate: rate)) }
  }

  init(
    _ writes: LoadWrites, clock: some LoadClock, start: Int64
  ) throws(NeedletailError) {
    let shared = Shared(rate: writes.rate)
    self.shared = shared
    thread = try LoadThread(pinnedTo: writes.processor) { Self.work(writes, clock, start, shared) }
  }

  private static func work(
    _ writes: LoadWrites, _ clock: some LoadClock, _ start: Int64, _ shared: Shared
  ) {
    var outcome = LoadWrites.Outcome(rate: writes.rate)
    var latency = LatencyRecorder()
    var number = 0
    while true {
      let intended = start + Int64(min(Double(number) / writes.rate * 1e9, 1e17))
      while !shared.ended.load(ordering: .relaxed), clock.now < intended {
        clock.wait(until: min(intended, clock.now + 10_000_000))
      }
      if shared.ended.load(ordering: .relaxed) { break }
      do throws(NeedletailError) {
        try writes.writer.write(number)
        outcome.written += 1
        latency.record(nanoseconds: UInt64(max(0, clock.now - intended)))
      } catch {
        outcome.failed += 1
        if outcome.firstFailure == nil { outcome.firstFailure = "\(error)" }
      }
      number += 1
    }
    outcome.p50Microseconds = latency.microseconds(atPercentile: 50)
    outcome.p99Microseconds = latency.microseconds(atPercentile: 99)
    let result = outcome
    shared.outcome.withLock { $0 = result }
  }

  /// Ends the thread, and returns what it did.
  consuming func stop() -> LoadWrites.Outcome {
    shared.ended.store(true, ordering: .relaxed)
    let shared = self.shared
    thread.join()
    return shared.outcome.withLock { $0 }
  }
}
