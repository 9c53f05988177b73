import NeedletailCore
import NeedletailStorage

/// What an index shows at one moment; immutable, and kept by every snapshot of it.
///
/// Rows that were sealed are in the generation; rows in memory are in live segments, each seen as of that moment.
package final class IndexView: Sendable {
  /// The newest generation at that moment, with the rows that were dead as it was published.
  package let generation: OpenGeneration
  /// All parts, with the rows that are dead by now.
  package let stack: SegmentStack
  /// The ids that it does not show, by now.
  package let withdrawn: WithdrawnIDs
  /// The last batch of the log that is shown.
  package let lsn: UInt64
  /// For each source, where the last batch of it stands that is shown.
  package let sourceOffsets: [String: UInt64]
  /// The hashes of sealed segments of the generation that the view leaves out, on somebody's word.
  package let leftOut: Set<String>
  /// Whether it leaves out any.
  package let isPartial: Bool

  init(
    generation: OpenGeneration, stack: SegmentStack, withdrawn: WithdrawnIDs, lsn: UInt64,
    sourceOffsets: [String: UInt64], leftOut: Set<String> = []
  ) {
    self.generation = generation
    self.stack = stack
    self.withdrawn = withdrawn
    self.lsn = lsn
    self.sourceOffsets = sourceOffsets
    self.leftOut = leftOut
    isPartial = !leftOut.isEmpty
  }
}

extension IndexView? {
  /// The view, where it is of the index that a manifest describes: what it has open need not be opened again.
  func sharing(_ manifest: Manifest) -> IndexView? {
    flatMap { $0.generation.manifest.indexIdentity == manifest.indexIdentity ? $0 : nil }
  }
}
