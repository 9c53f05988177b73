#if Tools
  import Foundation
  import NeedletailCore
  import NeedletailEvaluation
  import Synchronization

  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif

  /// Whether the user pressed Ctrl-C.
  private let interruption = Atomic<Bool>(false)

  /// Watches over long work: shows how far it is, and stops it when the user asks.
  enum Supervision {
    /// Runs `work` with its monitor shown on a terminal's standard error and bound to Ctrl-C.
    ///
    /// The first Ctrl-C (or a termination signal) cancels the monitor; the work then throws `cancelled`
    /// when it has put its things away. The second one ends the process at once.
    static func run<Value>(
      _ monitor: WorkMonitor, unit: String, _ work: () throws(NeedletailError) -> Value
    ) throws(NeedletailError) -> Value {
      interruption.store(false, ordering: .relaxed)
      unblockSignals()
      let former = [SIGINT, SIGTERM].map { ($0, signal($0, stop)) }
      let watcher = Watcher(monitor, unit: unit)
      watcher.start()
      defer {
        watcher.stop()
        for (number, handler) in former { _ = signal(number, handler) }
      }
      return try work()
    }

    /// A parent may have started this process with its signals held back.
    private static func unblockSignals() {
      var signals = sigset_t()
      // SAFETY: each call is given a set that lives for the call.
      unsafe sigemptyset(&signals)
      unsafe sigaddset(&signals, SIGINT)
      unsafe sigaddset(&signals, SIGTERM)
      unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// The same for work that throws anything.
    static func result<Value>(
      _ monitor: WorkMonitor, unit: String, _ work: () throws -> Value
    ) -> Result<Value, any Error> {
      var result: Result<Value, any Error>?
      // Nothing is thrown through `run`, which knows one type of error only.
      try? run(monitor, unit: unit) { () throws(NeedletailError) in
        result = Result { try work() }
      }
      return result ?? .failure(CommandFailure(.io, "The work did not begin."))
    }

    /// Called by the system between any two instructions: only an atomic store and `signal` are safe.
    private static let stop: @convention(c) (Int32) -> Void = { number in
      interruption.store(true, ordering: .relaxed)
      _ = signal(number, SIG_DFL)
    }
  }

  /// The thread that looks at a monitor ten times a second.
  private final class Watcher: Sendable {
    private let monitor: WorkMonitor
    private let line: ProgressLine
    private let ended = Atomic<Bool>(false)
    private let wake = DispatchSemaphore(value: 0)
    private let finished = DispatchSemaphore(value: 0)

    init(_ monitor: WorkMonitor, unit: String) {
      self.monitor = monitor
      line = ProgressLine(unit: unit)
    }

    func start() {
      let thread = Thread { [self] in
        var turn = 0
        while !ended.load(ordering: .acquiring) {
          if interruption.load(ordering: .relaxed) { monitor.cancel() }
          // Work of less than a third of a second shows nothing: a line that flashes by only disturbs.
          if Terminal.watchesError, turn >= 6, turn.isMultiple(of: 2) {
            Terminal.writeError(
              "\r" + line.text(monitor.progress, width: Terminal.width) + "\u{1b}[K")
          }
          turn += 1
          // Short work must not wait for the end of a sleep.
          _ = wake.wait(timeout: .now() + .milliseconds(50))
        }
        if Terminal.watchesError { Terminal.writeError("\r\u{1b}[K") }
        finished.signal()
      }
      thread.start()
    }

    func stop() {
      ended.store(true, ordering: .releasing)
      wake.signal()
      finished.wait()
    }
  }

  /// One line about progress: phase, share, bar, rate, time left.
  struct ProgressLine: Sendable {
    var unit: String

    func text(_ progress: WorkMonitor.Progress, width: Int) -> String {
      guard !progress.phase.isEmpty else { return "" }
      var parts = [progress.phase.padding(toLength: 10, withPad: " ", startingAt: 0)]
      if progress.total > 0 {
        let share = min(1, Double(progress.done) / Double(progress.total))
        let filled = Int((share * 20).rounded(.down))
        let percent = "\(Int(share * 100))"
        parts.append(String(repeating: " ", count: max(0, 3 - percent.count)) + percent + " %")
        parts.append(
          String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled))
      } else if progress.done > 0 {
        parts.append(amount(progress.done))
      }
      if progress.rate > 0 {
        parts.append(unit == "B" ? Numerals.bytes(Int(progress.rate)) + "/s" : rate(progress.rate))
      }
      if let remaining = progress.remaining, progress.total > progress.done {
        let seconds = (remaining / .seconds(1)).rounded(.up)
        if seconds < 90 {
          parts.append("\(Int(seconds)) s left")
        } else if seconds < 1e6 {
          parts.append(Numerals.duration(.seconds(Int(seconds))) + " left")
        }
      }
      var line = parts.joined(separator: "  ")
      while line.count > max(10, width - 1), parts.count > 1 {
        parts.removeLast()
        line = parts.joined(separator: "  ")
      }
      return line
    }

    private func amount(_ done: Int) -> String {
      unit == "B" ? Numerals.bytes(done) : Numerals.grouped(done) + " " + unit
    }

    private func rate(_ rate: Double) -> String { Numerals.measured(rate) + " " + unit + "/s" }
  }
#endif
