#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
public import Needletail
import NeedletailBudgets
import NeedletailCore
package import NeedletailStorage

#if Tracing
  public import Tracing
#endif

/// How a service is run, beside its budget.
public struct ServiceOptions: Sendable {
  /// Threads that search.
  ///
  /// Default: one less than the machine has cores, at least one.
  public var workers = max(1, ServiceOptions.coreCount - 1)
  /// How a query is searched at full quality.
  ///
  /// Default: a window of 64. Its `budget` is not looked at.
  public var full = SearchOptions()
  /// What the rung `lighterCodes` searches; `nil`: there is no such rung.
  public var lighter: LighterIndex?
  /// The most queries that a worker searches for together, when many wait and none is in a hurry.
  ///
  /// Default 8; 1: each by itself.
  public var batch = 8
  /// The share of answers that are compared with exact ones while workers have nothing to do.
  ///
  /// Default 1 %; 0: none.
  public var recallSampling = 0.01
  /// How often the index's files are read in idle moments, to find damage before it is searched; zero: never.
  ///
  /// A damaged segment is left out from then on, and every answer says so. Default one hour.
  public var scrubInterval = Duration.seconds(3_600)
  /// Where answers are kept over a restart, when the budget says that they are; `nil`: nowhere.
  public var cacheFile: String?
  /// Switches that follow the load.
  public var flags: [FeatureFlag] = []
  /// Called by each worker before its first search, with the worker's number: to pin its thread, or to name it.
  public var onWorkerStart: (@Sendable (Int) -> Void)?
  /// Called with what happens, one event after the other, soon after it did, on a thread that serves no query: it may take its
  /// time, and meanwhile nothing is compared or searched ahead.
  public var onEvent: (@Sendable (ServiceEvent) -> Void)?
  /// A file that gets the status every second, as `StatusFile` has it; `nil`: none.
  ///
  /// Nobody else writes it. `needletail stats` looks for the one at `StatusFile.path(beside:)`.
  public var statusFile: String?
  /// Called with the status every second, and once more at the end, on a thread of the service: for `ServiceMetrics`, or for
  /// metrics of another kind.
  public var onStatus: (@Sendable (ServiceStatus) -> Void)?
  /// What writes down the requests that come, to be sent again later; `nil`: nobody.
  public var recorder: RequestRecorder?
  #if Tracing
    /// What is told of each query after it was answered: a span, and one for each of its stages, within the span that the caller
    /// is in.
    ///
    /// Default: the tracer that the process was set up with before these options were made; `nil`, also where there is none: no spans.
    public var tracer = ServiceOptions.systemTracer
  #endif
  /// Where the status file is.
  package var fileSystem: any FileSystem = LocalFileSystem()
  /// Where instants come from.
  package var clock: any ServingClock = MonotonicClock()

  /// The defaults.
  public init() {}

  /// Refuses what could not be done under a budget: flags that nothing turns on, and a file that cannot be written.
  ///
  /// - Throws: `invalidConfiguration`, naming the flag; `notFound` and `io`, naming the directory.
  func check(against budget: PerformanceBudget) throws(NeedletailError) {
    try FlagStates.check(flags, against: budget)
    guard budget.cache.isEnabled, budget.cache.isPersistent, let cacheFile else { return }
    let directory = fileSystem.parentDirectory(cacheFile)
    guard try fileSystem.kind(of: directory) == .directory else {
      throw NeedletailError(
        .notFound, "The directory of the file for cached answers does not exist: make it first.",
        at: .init(path: directory))
    }
    guard unsafe access(directory, W_OK | X_OK) == 0 else {
      throw NeedletailError(
        .io, "Nothing can be written into the directory of the file for cached answers.",
        at: .init(path: directory))
    }
  }

  #if Tracing
    private static var systemTracer: (any Tracer)? {
      let tracer = InstrumentationSystem.tracer
      return tracer is NoOpTracer ? nil : tracer
    }
  #endif

  private static var coreCount: Int { Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
