package import NeedletailCore
import NeedletailStorage

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
}
