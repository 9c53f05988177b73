public import NeedletailCore

/// Sends requests when they are due, whatever becomes of those before.
///
/// An open loop: a service that stalls does not slow the schedule down, and each latency counts from the time at which
/// the request should have been sent. What waits behind a stall is therefore measured, not left out.
///
/// - Source: Gil Tene, *How NOT to measure latency*, and his wrk2: coordinated omission.
public enum LoadGenerator {
  /// Runs a schedule on the calling thread, which should have a processor for itself.
  ///
  /// - Parameters:
  ///   - target: What is put under load.
  ///   - schedule: When.
  ///   - mix: What.
  ///   - queries: The number of queries that there are, at least 1.
  ///   - options: How.
  ///   - writes: What is written beside, if anything.
  ///   - clock: What to go by.
  ///   - monitor: Told about progress in seconds; may cancel.
  /// - Returns: What was measured, and the answers that were kept.
  /// - Throws: `invalidConfiguration` where a record names a query that is not there, and for options out of range;
  ///   `cancelled`; `io` when the system gives no thread for the writes.
  public static func run(
    _ target: some LoadTarget, schedule: LoadSchedule, mix: LoadMix = LoadMix(), queries: Int,
    options: LoadOptions = LoadOptions(), writes: LoadWrites? = nil,
    clock: some LoadClock = SteadyClock(), monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> LoadRun {
    try options.validate()
    try target.vocabulary.validate()
    try check(schedule, queries: queries)
    var engine = LoadEngine(
      target, schedule: schedule, mix: mix, queries: queries, options: options, clock: clock)
    let seconds = Int(schedule.nanoseconds / 1_000_000_000)
    monitor?.begin("load", total: max(1, seconds))
    let writing = try writes.map { (writes) throws(NeedletailError) in
      try LoadWriting(writes, clock: clock, start: engine.start)
    }
    do throws(NeedletailError) {
      try engine.send(schedule, monitor: monitor)
      engine.drain()
    } catch {
      _ = writing?.stop()
      throw error
    }
    return engine.run(schedule, writes: writing?.stop())
  }

  /// Refuses a record of queries that are not there.
  static func check(
    _ schedule: LoadSchedule, queries: Int
  ) throws(NeedletailError) {
    guard queries > 0 else {
      throw NeedletailError(.invalidConfiguration, "There are no queries; give at least one.")
    }
    for part in schedule.parts {
      guard case .recorded(let log, _) = part.shape, log.highestQuery >= queries else { continue }
      throw NeedletailError(
        .invalidConfiguration,
        """
        The record names query \(log.highestQuery), and there are \(queries), from 0. \
        Give the queries that it was recorded with.
        """,
        at: .init(
          path: log.path,
          section: log.lineOfHighestQuery > 0 ? "line \(log.lineOfHighestQuery)" : nil))
    }
  }
}
