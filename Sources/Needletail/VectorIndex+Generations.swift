public import NeedletailCore
import NeedletailEngine

/// What is merged when rows in memory are sealed.
public enum Compaction: String, Sendable, Hashable, Codable, CaseIterable {
  /// Nothing: they become a segment of their own.
  case none
  /// Segments of which much is dead, and the newest as long as they are not much larger than what they are merged
  /// with: segments stay few, and a row is written anew a few times in its life. The default.
  case automatic
  /// Everything: one segment, as a build of the same rows makes it.
  case full

  var policy: MergePolicy {
    switch self {
    case .none: .none
    case .automatic: .automatic
    case .full: .all
    }
  }
}

/// What sealing and merging may take.
public struct CompactionOptions: Sendable, Hashable {
  /// What is merged.
  ///
  /// Default `.automatic`.
  public var compaction = Compaction.automatic
  /// How many threads build.
  ///
  /// Default 1.
  public var threads = 1
  /// The most bytes of memory above what the index uses already; `nil`: no limit.
  public var memoryLimit: Int?
  /// The most bytes of new files; `nil`: no limit.
  public var diskLimit: Int?

  /// The defaults.
  public init(_ compaction: Compaction = .automatic) { self.compaction = compaction }

  var limits: SealLimits {
    var limits = SealLimits()
    limits.memory = memoryLimit
    limits.disk = diskLimit
    return limits
  }
}

/// What sealing and merging take.
public struct CompactionPlan: Sendable, Hashable, Codable {
  /// Segments that are merged into the new one.
  public var mergedSegments: Int
  /// Vectors of the new segment.
  public var count: Int
  /// The most bytes of memory, above what the index uses already.
  public var memory: Int
  /// Bytes of the new files, at the most.
  public var disk: Int

  init(_ plan: SealPlan?) {
    mergedSegments = plan?.merged.count ?? 0
    count = plan?.rows ?? 0
    memory = plan?.memoryByteCount ?? 0
    disk = plan?.diskByteCount ?? 0
  }

  /// Whether nothing needs to be done.
  public var isEmpty: Bool { disk == 0 }
}

extension VectorIndex {
  /// Seals the rows in memory into the layout that searches fastest, merges segments with them, and publishes the
  /// result as a new generation.
  ///
  /// Searches and writes go on meanwhile.
  ///
  /// - Parameters:
  ///   - options: what is merged, and what it may take.
  ///   - monitor: sees the progress, and may cancel.
  /// - Returns: what was done; `nil` when there was nothing to do.
  /// - Throws: `overBudget` before anything is done when it would take more than it may; `locked`; `cancelled`; `io`.
  ///   The index is then as it was, or the new generation is in use and only its durability in doubt.
  /// - Complexity: a build of the rows that are merged.
  @discardableResult
  public func compact(
    _ options: CompactionOptions = CompactionOptions(), monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> CompactionPlan? {
    guard options.threads >= 1 else {
      throw NeedletailError(
        .invalidConfiguration, "threads is \(options.threads); it must be at least 1.")
    }
    return try writing().seal(
      options.compaction.policy, limits: options.limits, threads: options.threads,
      monitor: monitor
    ).map { CompactionPlan($0) }
  }

  /// What `compact` would do with what `snapshot` shows; zeros when there is nothing to do.
  ///
  /// Changes nothing, and needs no lock: another process may write.
  ///
  /// - Throws: `notFound` when nothing was committed yet.
  public func compactionPlan(
    _ compaction: Compaction = .automatic
  ) throws(NeedletailError) -> CompactionPlan {
    let view = try snapshot().view
    let plan = SealPlan(view, compaction.policy, view.generation.buildOptions)
    return CompactionPlan(plan.isIdle(view) ? nil : plan)
  }

  /// The generations that can be gone back to, ascending; the last is the one in use.
  public func generations() throws(NeedletailError) -> [Int] {
    try LocalIndex.generations(path).map { Int(clamping: $0) }
  }

  /// Publishes the content of a kept generation as a new one, with the offsets at which sources stood then, so that
  /// consumers send again what came later.
  ///
  /// What was written since is gone. Withdrawals stay. Snapshots that are open keep what they show.
  ///
  /// - Throws: `notFound` when the generation is not kept; `locked`; `io`.
  public func rollback(to generation: Int) throws(NeedletailError) {
    guard let number = UInt64(exactly: generation) else {
      throw NeedletailError(
        .notFound, "There is no generation \(generation).", at: .init(path: path))
    }
    try writing().rollback(to: number)
  }

  /// Why the index shows its last generation only.
  ///
  /// Reading the log has then ended the process that wrote it three times in a row; `VectorIndex.repair` tries again.
  /// `nil` as a rule.
  public var safeMode: String? {
    guard case .reading(let follower) = state.withLock({ $0.access }) else { return nil }
    return follower.safeMode
  }

  /// Looks whether another process published a generation or wrote, and shows that to snapshots from now on.
  ///
  /// Withdrawals of another process are followed without it.
  ///
  /// - Returns: whether anything had changed.
  /// - Throws: `corrupted`, `io`; what was there before stays then.
  @discardableResult
  public func refresh() throws(NeedletailError) -> Bool {
    guard case .reading(let follower) = state.withLock({ $0.access }) else { return false }
    return try follower.refresh()
  }
}
