import NeedletailCore
import NeedletailStorage

/// Updates in place: an index of one segment that is not large is moved into the live segment once it changes, links
/// and all, so that searches walk one graph, from which rows that end are taken out.
///
/// Beside a sealed segment, a live one costs every search a second walk, and what ended in the sealed one is passed
/// on the way until it is merged. Sealed rows stay where they are, all dead, until the next seal.
extension IndexContents {
  /// The part of a segment that has to have changed.
  private static let shareToMove = 32
  /// New rows that may have to be linked again, at the most, or the part of the segment.
  private static let mostToLink = 4096
  private static let shareToLink = 8

  /// Whether the next batch should move the index into memory first.
  var isUpdateInPlaceDue: Bool { segmentToMove != nil }

  /// The place of the segment that is to be moved, if any.
  private var segmentToMove: Int? {
    guard mayMove, !isSealing, live.count <= 1, live.isEmpty || !isFrozen else { return nil }
    var place: Int?
    for (number, segment) in generation.segments.enumerated() where segment.count > 0 {
      guard place == nil else { return nil }
      place = number
    }
    guard let place else { return nil }
    let segment = generation.segments[place]
    let ended = dead[place]?.count ?? 0
    guard segment.count <= options.inPlaceLimit, ended < segment.count, segment.hasPreciseRows,
      let quantizer = segment.quantizer
    else { return nil }
    let written = live.last?.view().liveCount ?? 0
    guard (ended + written) * Self.shareToMove >= segment.count,
      written <= max(Self.mostToLink, segment.count / Self.shareToLink),
      live.last.map({ $0.quantizer.centre === quantizer.centre }) ?? true
    else { return nil }
    // With less room it would soon have to be sealed again.
    let row = build.dimensions * 4 + quantizer.codeByteCount + build.graph.m * 8 + 64
    if let limit = options.liveMemoryLimit, 2 * segment.count * row > limit { return nil }
    return place
  }

  /// Moves the index into memory, if that is due; where it does not fit, everything stays as it was.
  mutating func updateInPlace() {
    guard let place = segmentToMove else { return }
    do throws(NeedletailError) { try move(place) } catch { mayMove = false }
  }

  private mutating func move(_ place: Int) throws(NeedletailError) {
    let segment = generation.segments[place]
    guard let quantizer = segment.quantizer else { return }
    let made = try makeLive(quantizer, isReplayed: false)
    try made.takeOver(segment, except: dead[place])
    if let newest = live.last {
      let taken = try ShownRows(newest, newest.view())
      _ = try made.upsert(taken.rows, ids: taken.ids, attributes: taken.attributes)
    }
    // Only once all of its rows are there can it be told which of them are withdrawn.
    try withdrawn.hide(in: made)
    try endAll(of: place)
    live = [made]
    isFrozen = false
    training = nil
  }
}
