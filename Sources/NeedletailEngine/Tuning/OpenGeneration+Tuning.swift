package import NeedletailCore
package import NeedletailStorage

extension OpenGeneration {
  /// Which settings reach which recall, when that was measured.
  package var tuning: Tuning? { manifest.tuning }

  /// The setting of a search that shall have a recall.
  ///
  /// - Throws: `invalidConfiguration` for a recall that is none, `notFound` for an index that nobody tuned.
  /// - Complexity: O(targets), no allocation.
  package func setting(recall: Double, k: Int) throws(NeedletailError) -> Tuning.Setting {
    guard recall > 0, recall <= 1 else {
      throw NeedletailError(
        .invalidConfiguration, "recall is \(recall); it must be above 0 and at most 1.")
    }
    if let tuning = manifest.tuning { return tuning.setting(recall: recall, k: k) }
    guard segment.isAlwaysScanned else {
      throw NeedletailError(
        .notFound,
        "Nobody measured which setting of this index reaches which recall. Run `needletail tune`, or "
          + "tune it in the program, or give efSearch instead of a recall.")
    }
    return Tuning.Setting(
      target: 1, efSearch: max(1, min(k, Limits.searchWidth)), recall: 1,
      evaluations: Double(segment.count), nanoseconds: 0)
  }

  /// Publishes what a tuner found as a new generation, over the same sealed files.
  ///
  /// Readers that have the index open keep what they have, as this value does. When it throws, the old generation is in use,
  /// or the new one is and only its durability is in doubt.
  ///
  /// - Returns: the new generation, over the segment that is open here.
  /// - Throws: `locked` when the generation in use has other rows than this one; `capacityExceeded` after
  ///   the last number that a generation can have; `io`.
  /// - Precondition: nobody else publishes at the same time; see `DirectoryLock`.
  package func publish(
    _ tuning: Tuning, at path: String, in fileSystem: any FileSystem
  ) throws(NeedletailError) -> OpenGeneration {
    let directory = IndexDirectory(path, in: fileSystem)
    var next = try successor(in: directory)
    next.tuning = tuning
    try directory.publish(next)
    return try OpenGeneration(manifest: next, segments: segments)
  }
}

extension LocalIndex {
  /// Measures an index on this machine's disk and publishes the outcome as a new generation.
  ///
  /// - Returns: the new generation; `nil` where there was nothing to choose, and nothing is published.
  /// - Throws: `locked` while another writer holds the index; as `Tuner` and `OpenGeneration.publish`.
  package static func tune(
    _ generation: OpenGeneration, at path: String, _ request: TuningRequest, threads: Int,
    monitor: WorkMonitor?
  ) throws(NeedletailError) -> OpenGeneration? {
    let lock = try DirectoryLock(path)
    let tuner = try Tuner(generation.segment, request, threads: threads, monitor: monitor)
    guard let table = try tuner.run() else { return nil }
    monitor?.begin("publishing", total: 1)
    try monitor?.advance(by: 0)
    let published = try generation.publish(table, at: path, in: LocalFileSystem())
    try? monitor?.advance(by: 1)
    _ = consume lock
    return published
  }
}
