public import NeedletailCore

extension LoadGenerator {
  /// As `run`, on a thread of its own, and by the machine's clock.
  ///
  /// - Parameters:
  ///   - target: What is put under load.
  ///   - schedule: When.
  ///   - mix: What.
  ///   - queries: The number of queries that there are, at least 1.
  ///   - options: How.
  ///   - writes: What is written beside, if anything.
  ///   - processor: The processor that the thread is kept on; nil: any.
  ///   - monitor: Told about progress in seconds; may cancel.
  /// - Returns: What was measured, and the answers that were kept.
  /// - Throws: As `run`.
  public static func runOnThread(
    _ target: some LoadTarget, schedule: LoadSchedule, mix: LoadMix, queries: Int,
    options: LoadOptions, writes: LoadWrites? = nil, pinnedTo processor: Int?,
    monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> LoadRun {
    let outcome = Outcome()
    let thread = try LoadThread {
      var options = options
      options.isPinned = processor.map { ProcessorPin.pin(to: $0) } ?? false
      let result: Result<LoadRun, NeedletailError>
      do throws(NeedletailError) {
        result = .success(
          try run(
            target, schedule: schedule, mix: mix, queries: queries, options: options,
            writes: writes, monitor: monitor))
      } catch {
        result = .failure(error)
      }
      outcome.result.withLock { $0 = result }
    }
    thread.join()
    guard let result = outcome.result.withLock({ $0 }) else {
      throw NeedletailError(.io, "The load did not begin.")
    }
    return try result.get()
  }

  /// Where the thread leaves what it found.
  private final class Outcome: Sendable {
    let result = Guarded<Result<LoadRun, NeedletailError>?>(nil)
  }
}
