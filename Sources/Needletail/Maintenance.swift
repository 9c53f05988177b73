public import NeedletailCore
import NeedletailEngine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How an index is looked after while it takes writes.
public struct MaintenanceOptions: Sendable, Hashable {
  /// Threads that build, the one that looks after the index among them.
  ///
  /// Default 1.
  public var threads = 1
  /// The share of the time that work takes, above 0 and at most 1; the rest the thread sleeps, between one piece of
  /// work and the next, a day at the most.
  ///
  /// Default 1. A build of a segment is one piece.
  public var pace = 1.0
  /// How long the thread sleeps when nothing needs doing, 0 or more; a day at the most.
  ///
  /// After work that failed it sleeps as long, and twice as long after each further failure, up to a minute.
  ///
  /// Default 50 ms.
  public var interval = Duration.milliseconds(50)
  /// Vectors in the log at which they are sealed.
  ///
  /// Default 50 000: half of what the log may hold, so that writers need not wait.
  public var sealCount = 50_000
  /// Bytes of the log at which its rows are sealed.
  ///
  /// Default 128 MiB.
  public var sealBytes = 128 << 20
  /// What is merged, and what it may take.
  public var compaction = CompactionOptions()

  /// The defaults.
  public init() {}

  func policy() throws(NeedletailError) -> MaintenancePolicy {
    guard threads >= 1, pace > 0, pace <= 1, sealCount >= 1, sealBytes >= 1, interval >= .zero
    else {
      throw NeedletailError(
        .invalidConfiguration,
        "threads (\(threads)), sealCount (\(sealCount)) and sealBytes (\(sealBytes)) are at least 1, pace (\(pace))"
          + " is above 0 and at most 1, and the interval (\(interval)) is not negative.")
    }
    var policy = MaintenancePolicy()
    policy.threads = threads
    policy.pace = pace
    policy.sealCount = sealCount
    policy.sealByteCount = sealBytes
    policy.merging = compaction.compaction.policy
    policy.limits = compaction.limits
    return policy
  }
}

/// What looking after an index has done, and does now.
public struct MaintenanceStatus: Sendable, Hashable {
  /// Whether the thread runs.
  public var isRunning = false
  /// How far the present piece of work has come; its phase is empty while there is none.
  public var progress = WorkMonitor().progress
  /// Segments that were made.
  public var sealedSegments = 0
  /// Segments that were merged into those.
  public var mergedSegments = 0
  /// Rows that wait to be linked; searches score them one by one.
  public var unlinkedCount = 0
  /// Vectors in the log.
  public var logVectors = 0
  /// Bytes of the log.
  public var logBytes = 0
  /// The last failure; the work is tried again.
  public var failure: NeedletailError?

  /// Whether both say the same; failures are compared by what they say.
  public static func == (left: Self, right: Self) -> Bool {
    left.isRunning == right.isRunning && left.progress == right.progress
      && left.sealedSegments == right.sealedSegments && left.mergedSegments == right.mergedSegments
      && left.unlinkedCount == right.unlinkedCount && left.logVectors == right.logVectors
      && left.logBytes == right.logBytes && left.failure?.description == right.failure?.description
  }

  /// Hashes what is counted.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(sealedSegments)
    hasher.combine(logVectors)
  }
}

/// Looks after an index on a thread of its own: links rows that came out of the log, seals and merges.
///
/// The caller starts and stops it; nothing runs otherwise. Dropping it stops it. The thread takes no signals.
public final class Maintenance: Sendable {
  private struct State {
    var status = MaintenanceStatus()
    var monitor: WorkMonitor?
    var isStopping = false
    var thread: pthread_t?
  }

  private let shared: Shared

  /// What the thread and its owner both have.
  private final class Shared: Sendable {
    let state = Guarded(State())
    let index: LiveIndex
    let policy: MaintenancePolicy
    let interval: Duration

    init(_ index: LiveIndex, _ policy: MaintenancePolicy, _ interval: Duration) {
      self.index = index
      self.policy = policy
      self.interval = interval
    }

    /// What the thread does.
    func run() {
      var pauses = MaintenancePauses(pace: policy.pace, interval: interval)
      while let monitor = begin() {
        let start = ContinuousClock.now
        let outcome: MaintenancePauses.Outcome
        do throws(NeedletailError) {
          outcome = end(try index.maintain(policy, monitor: monitor))
        } catch {
          outcome = end(error)
        }
        sleep(pauses.next(after: outcome, busy: ContinuousClock.now - start))
      }
    }

    /// A monitor for the next piece of work; `nil` when there is to be none.
    private func begin() -> WorkMonitor? {
      state.withLock { state in
        guard !state.isStopping else { return nil }
        let monitor = WorkMonitor()
        state.monitor = monitor
        return monitor
      }
    }

    private func end(_ step: MaintenanceStep) -> MaintenancePauses.Outcome {
      state.withLock { state in
        state.monitor = nil
        guard case .sealed(let plan) = step else { return }
        state.status.failure = nil
        state.status.sealedSegments += 1
        state.status.mergedSegments += plan.merged.count
      }
      return step == .none ? .idle : .worked
    }

    private func end(_ failure: NeedletailError) -> MaintenancePauses.Outcome {
      // Sealing that was stopped, or that somebody else does, is no failure.
      let isFailure = failure.code != .cancelled && failure.code != .locked
      state.withLock { state in
        state.monitor = nil
        if isFailure { state.status.failure = failure }
      }
      return isFailure ? .failed : .leftOut
    }

    /// Sleeps in short pieces, so that it ends soon when it is asked to.
    private func sleep(_ duration: Duration) {
      let end = ContinuousClock.now + duration
      while ContinuousClock.now < end, !state.withLock({ $0.isStopping }) {
        pauseThread(min(end - ContinuousClock.now, .milliseconds(5)))
      }
    }
  }

  fileprivate init(
    _ index: LiveIndex, _ options: MaintenanceOptions
  ) throws(NeedletailError) {
    shared = Shared(index, try options.policy(), options.interval)
    var thread = pthread_t.initial
    let context = unsafe Unmanaged.passRetained(shared)
    // The handlers of the program belong on its own threads.
    var every = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&every)
    unsafe pthread_sigmask(SIG_SETMASK, &every, &before)
    // SAFETY: the thread takes over the reference that was retained for it.
    let status = unsafe pthread_create(
      &thread, nil,
      { (raw) -> UnsafeMutableRawPointer? in
        let context: UnsafeMutableRawPointer? = unsafe raw
        if let context = unsafe context {
          unsafe Unmanaged<Shared>.fromOpaque(context).takeRetainedValue().run()
        }
        return nil
      }, context.toOpaque())
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    guard status == 0 else {
      unsafe context.release()
      throw NeedletailError(
        .io, "The system gives no thread to look after the index (errno \(status)).")
    }
    let started = thread
    shared.state.withLock { state in
      state.thread = started
      state.status.isRunning = true
    }
  }

  deinit { stop() }

  /// What has been done, and what is done now.
  public var status: MaintenanceStatus {
    var status = shared.state.withLock { state in
      var status = state.status
      status.progress = state.monitor?.progress ?? WorkMonitor().progress
      return status
    }
    status.unlinkedCount = shared.index.unlinkedCount
    (status.logVectors, status.logBytes) = shared.index.logSize
    return status
  }

  /// Cancels what is done and waits for the thread to end; a second call does nothing.
  ///
  /// What was not published is left out; the rows of it are in memory and in the log as before.
  public func stop() {
    let thread = shared.state.withLock { state in
      state.isStopping = true
      state.monitor?.cancel()
      defer { state.thread = nil }
      return state.thread
    }
    if let thread { _ = pthread_join(thread, nil) }
    shared.state.withLock { $0.status.isRunning = false }
  }
}

/// Lets the calling thread sleep.
private func pauseThread(_ duration: Duration) {
  let (seconds, attoseconds) = duration.components
  guard seconds > 0 || attoseconds > 0 else { return }
  var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
  unsafe nanosleep(&time, nil)
}

extension pthread_t {
  fileprivate static var initial: pthread_t {
    #if canImport(Glibc)
      0
    #else
      unsafe pthread_t(bitPattern: 0)
    #endif
  }
}

extension VectorIndex {
  /// Starts looking after the index, on a thread of its own; this process becomes its writer.
  ///
  /// - Returns: what runs until it is stopped or dropped.
  /// - Throws: `invalidConfiguration`; `locked` while another process writes; `io`.
  public func startMaintenance(
    _ options: MaintenanceOptions = MaintenanceOptions()
  ) throws(NeedletailError) -> Maintenance {
    try Maintenance(writing(), options)
  }
}
