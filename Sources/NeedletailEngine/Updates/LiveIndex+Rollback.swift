package import NeedletailCore
import NeedletailStorage

extension LiveIndex {
  /// The generations that are kept, ascending.
  package func generations() throws(NeedletailError) -> [UInt64] {
    // A greater number is what a writer left that was killed, or failed, while it published.
    let current = view.generation.manifest.generation
    return try directory.generations().filter { $0 <= current }
  }

  /// Publishes the content of a kept generation as a new one, with the places at which sources stood then.
  ///
  /// What was written since is gone, in memory and in the log; consumers of sources read `sourceOffsets` and send it
  /// again. Withdrawals stay. Views that are open keep what they show.
  ///
  /// - Throws: `notFound` when the generation is not kept; `io`.
  package func rollback(to number: UInt64) throws(NeedletailError) {
    try beginPublishing()
    defer { endPublishing() }
    guard try generations().contains(number) else {
      let kept = try generations().map(String.init).joined(separator: ", ")
      throw NeedletailError(
        .notFound, "Generation \(number) is not kept; those that are: \(kept).",
        at: .init(path: directory.path))
    }
    let old = try directory.manifest(number)
    let opened = try OpenGeneration.open(
      old, directory, placements: options.placements, verification: .structure,
      present: view.generation)
    try state.withLock { (state) throws(NeedletailError) in
      try state.endLogFile()
      var next = try state.contents.generation.successor(in: directory)
      next.segments = old.segments
      next.quantizers = old.quantizers
      next.tombstones = old.tombstones
      next.tuning = old.tuning
      next.sourceOffsets = old.sourceOffsets
      next.sealedLSN = state.log.lastLSN
      do throws(NeedletailError) { try directory.publish(next) } catch {
        doubt(error, &state)
        throw error
      }
      do throws(NeedletailError) {
        let generation = try OpenGeneration(manifest: next, segments: opened.segments)
        try state.contents.adopt(
          generation, dead: generation.stack.sealed.map(\.dead),
          sealedLive: state.contents.live.count)
      } catch {
        state.failure = error.reopening
        throw error
      }
      state.log.replaceSourceOffsets(next.sourceOffsets)
      show(state)
      try? state.log.removeFiles(sealedThrough: next.sealedLSN)
    }
    _ = try? directory.removeUnneeded(keeping: options.keptGenerations)
  }
}
