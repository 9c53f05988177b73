#if Logging
  public import Logging
  import NeedletailCore

  /// Writes what a service tells of into a log: one line for each event, with its numbers as metadata.
  ///
  /// ```swift
  /// var options = ServiceOptions()
  /// options.onEvent = ServiceLog(Logger(label: "shop.search")).hook()
  /// ```
  ///
  /// | Event | Level |
  /// |---|---|
  /// | another tier, other rungs, a flag | notice |
  /// | an alert that begins, a failure | error |
  /// | an alert that is resolved | notice |
  /// | another number of workers | info |
  /// | a rung that finds too little | warning |
  ///
  /// Of each kind, at most `burst` lines are written in an interval; the next line of the kind says how many were left out
  /// (`suppressed`). Alerts are never left out: whoever was woken has to hear that it is over.
  public final class ServiceLog: Sendable {
    /// Lines of one kind in the present interval.
    private struct Window {
      var start: Nanoseconds
      var written = 0
      var suppressed = 0
    }

    private let logger: Logger
    private let burst: Int
    private let interval: Nanoseconds
    private let clock: any ServingClock
    private let windows = Guarded<[String: Window]>([:])

    /// Makes a log.
    ///
    /// - Parameters:
    ///   - logger: where lines go.
    ///   - burst: lines of one kind in an interval, at least 1.
    ///   - interval: its length.
    public convenience init(
      _ logger: Logger, burst: Int = 10, interval: Duration = .seconds(60)
    ) {
      self.init(logger, burst: burst, interval: interval, clock: MonotonicClock())
    }

    package init(
      _ logger: Logger, burst: Int, interval: Duration, clock: any ServingClock
    ) {
      self.logger = logger
      self.burst = max(1, burst)
      self.interval = max(1, Nanoseconds(interval))
      self.clock = clock
    }

    /// What `ServiceOptions.onEvent` takes: it writes the event, and calls `next` with it.
    public func hook(
      then next: (@Sendable (ServiceEvent) -> Void)? = nil
    ) -> @Sendable (ServiceEvent) -> Void {
      { event in
        self.write(event)
        next?(event)
      }
    }

    /// Writes the line of an event.
    public func write(_ event: ServiceEvent) {
      var line = ServiceLogLine(event)
      if let kind = line.limitedKind {
        guard let suppressed = admit(kind, at: clock.now) else { return }
        if suppressed > 0 { line.metadata["suppressed"] = "\(suppressed)" }
      }
      logger.log(level: line.level, "\(line.message)", metadata: line.metadata)
    }

    /// How many lines of a kind were left out before this one; `nil`: this one is too.
    private func admit(_ kind: String, at now: Nanoseconds) -> Int? {
      windows.withLock { windows in
        var window = windows[kind] ?? Window(start: now)
        if now - window.start >= interval {
          window.start = now
          window.written = 0
        }
        defer { windows[kind] = window }
        guard window.written < burst else {
          window.suppressed += 1
          return nil
        }
        window.written += 1
        defer { window.suppressed = 0 }
        return window.suppressed
      }
    }
  }
#endif
