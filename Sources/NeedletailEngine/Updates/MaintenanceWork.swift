package import NeedletailCore
import NeedletailStorage

/// How an index is looked after.
package struct MaintenancePolicy: Sendable, Hashable {
  /// Threads that build.
  package var threads = 1
  /// The share of the time that work takes, above 0 and at most 1.
  package var pace = 1.0
  /// Vectors in the log at which they are sealed.
  package var sealCount = 50_000
  /// Bytes of the log at which its rows are sealed.
  package var sealByteCount = 128 << 20
  /// What is merged.
  package var merging = MergePolicy.automatic
  package var limits = SealLimits()

  package init() {}
}

/// What is done next for an index.
package enum MaintenanceStep: Sendable, Hashable {
  /// Nothing needs doing.
  case none
  /// Rows were linked, and so many wait still.
  case linked(waiting: Int)
  /// Rows were sealed or segments merged, as this plan says.
  case sealed(SealPlan)
}

extension LiveIndex {
  /// Rows that are linked at a time: writers wait for a few milliseconds.
  private static let linkedAtATime = 128
  /// Rows of a live segment that may have ended, unless twice as many have not.
  private static let mostEnded = 16_384

  /// Does the next thing that needs doing, if any.
  ///
  /// - Throws: as `seal`.
  package func maintain(
    _ policy: MaintenancePolicy, monitor: WorkMonitor?
  ) throws(NeedletailError) -> MaintenanceStep {
    // Where somebody else seals, nothing is left to do.
    if needsSealing(policy), tryPublishing() {
      defer { endPublishing() }
      do throws(NeedletailError) {
        let plan = try sealInTurn(
          policy.merging, limits: policy.limits, threads: policy.threads, monitor: monitor)
        if let plan { return .sealed(plan) }
      } catch {
        // What cannot be sealed should be searched the faster for it.
        _ = try linkMore(Self.linkedAtATime)
        throw error
      }
    }
    let before = unlinkedCount
    guard before > 0 else { return .none }
    return .linked(waiting: try linkMore(Self.linkedAtATime))
  }

  /// Rows that searches score one by one, because they are not linked yet.
  package var unlinkedCount: Int {
    view.stack.live.reduce(0) { $0 + $1.segment.unlinkedRows }
  }

  /// Rows and bytes of the log, and what its bounds are.
  package var logSize: (vectors: Int, bytes: Int) {
    state.withLock { ($0.log.unsealedVectorCount, $0.log.unsealedByteCount) }
  }

  private func needsSealing(_ policy: MaintenancePolicy) -> Bool {
    let size = logSize
    if size.vectors >= min(policy.sealCount, options.log.vectorBound)
      || size.bytes >= min(policy.sealByteCount, options.log.byteBound)
    {
      return true
    }
    let stack = view.stack
    // What ended in memory is given back by sealing what has not.
    if stack.live.contains(where: { $0.view.endedCount > max(Self.mostEnded, 2 * $0.count) }) {
      return true
    }
    guard policy.merging != .none else { return false }
    // A segment that is dead for a large part is worth a merge though nothing was written since; one that was moved
    // into memory is not.
    return stack.sealed.contains { part in
      guard let dead = part.dead, part.count > 0 || stack.live.isEmpty, part.segment.canBeMerged
      else { return false }
      return Double(dead.count) > SealPlan.deadShare * Double(part.segment.count)
    }
  }
}
