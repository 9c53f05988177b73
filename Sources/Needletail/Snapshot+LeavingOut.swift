import NeedletailEngine

extension Snapshot {
  /// The same view without some sealed segments, for a service that goes on while a file is damaged.
  ///
  /// Whatever a search of it finds says `partialSegments`; ids of rows that are left out are not there. Rows in
  /// memory, removals and withdrawals are as before. Where nothing is left to search, answers are empty, and say so
  /// too. Filters are to be compiled for the new view.
  ///
  /// - Parameter segments: hashes, as in `IndexInformation.segments`; those that the snapshot does not have count for
  ///   nothing.
  /// - Returns: the view without them; the snapshot itself, where it has none of them.
  /// - Complexity: O(segments).
  public func leavingOut(segments: Set<String>) -> Snapshot {
    Snapshot(view: view.leavingOut(segments), path: path)
  }

  /// The hashes of the segments that the snapshot leaves out.
  public var leftOutSegments: Set<String> { view.leftOut }
}
