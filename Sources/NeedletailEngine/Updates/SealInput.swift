import NeedletailCore

/// The rows of a new segment, in the order of their ids, and where they come from.
struct SealInput {
  /// Where a row stood.
  struct Origin {
    /// The sealed segment's place in the generation, or the live segment's behind all of those.
    let part: UInt32
    let ordinal: UInt32
  }

  let rows: VectorMatrix
  let ids: [VectorID]
  /// Of each row, or none when no row has any.
  let attributes: [Attributes]
  let origins: [Origin]

  /// Copies the rows that a view shows of some of its parts.
  ///
  /// - Parameters:
  ///   - view: what is there.
  ///   - merged: places of sealed parts; all live parts are taken.
  ///   - dimensions: components of a row.
  ///   - monitor: sees the progress, and may cancel.
  /// - Throws: `cancelled`.
  init(
    _ view: IndexView, merging merged: [Int], dimensions: Int, _ monitor: WorkMonitor?
  ) throws(NeedletailError) {
    let (sealed, live) = (view.stack.sealed, view.stack.live)
    var found: [(id: VectorID, origin: Origin)] = []
    for place in merged {
      let part = sealed[place]
      for ordinal in 0..<UInt32(part.segment.count)
      where !(part.dead?.contains(ordinal) ?? false) {
        unsafe found.append(
          (part.segment.id(ordinal), Origin(part: UInt32(place), ordinal: ordinal)))
      }
    }
    for (number, part) in live.enumerated() {
      for ordinal in part.segment.ordinals(part.view) {
        found.append(
          (
            part.segment.id(of: ordinal, part.view),
            Origin(part: UInt32(sealed.count + number), ordinal: ordinal)
          ))
      }
    }
    // In the order of ids a merged index is, byte for byte, the one that is built of its rows in that order.
    found.sort { $0.id < $1.id }
    ids = found.map(\.id)
    let origins = found.map(\.origin)
    self.origins = origins
    let items = origins.map { origin in
      let part = Int(origin.part)
      guard part >= sealed.count else {
        return sealed[part].segment.attributes(of: origin.ordinal)
      }
      let source = live[part - sealed.count]
      return source.segment.attributes(of: origin.ordinal, source.view)
    }
    attributes = items.allSatisfy(\.isEmpty) ? [] : items
    monitor?.begin("gathering", total: origins.count)
    let components = unsafe [Float](unsafeUninitializedCapacity: origins.count * dimensions) {
      buffer, count in
      if let start = buffer.baseAddress {
        for (i, origin) in origins.enumerated() {
          let row = unsafe start + i * dimensions
          let part = Int(origin.part)
          if part < sealed.count {
            unsafe sealed[part].segment.export(origin.ordinal, into: row)
          } else {
            let part = live[part - sealed.count]
            unsafe part.segment.export(origin.ordinal, part.view, into: row)
          }
        }
      }
      count = origins.count * dimensions
    }
    rows = try VectorMatrix(components, dimensions: dimensions)
    try monitor?.advance(by: origins.count)
  }
}
