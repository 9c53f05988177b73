import NeedletailCore
import NeedletailStorage

/// What a walk over the memory of a view did and found, in bytes.
package struct MemoryState: Sendable, Hashable {
  /// Bytes that searches of the view may read.
  package var byteCount = 0
  /// Bytes whose pages were brought in.
  package var touched = 0
  /// Bytes that are locked in memory.
  package var locked = 0
  /// Whether the time was over before everything was done.
  package var isCutShort = false

  package init() {}
}

extension IndexView {
  /// All memory that searches of the view may read.
  ///
  /// Dictionaries of texts in memory are left out.
  var memory: [MemoryRange] {
    stack.sealed.flatMap(\.segment.memory)
      + stack.live.flatMap { $0.segment.tables.memory(rows: $0.view.count) }
  }

  /// Brings everything into memory that searches of the view may read, and locks it there if asked to.
  ///
  /// - Parameters:
  ///   - locking: locks the pages, until the view and all that share its files are gone; what the system refuses
  ///     is only counted.
  ///   - deadline: after it nothing more is brought in or locked; it is looked at every 2 MiB.
  /// - Returns: what was done.
  /// - Complexity: as long as the disk takes for what is not in memory.
  package func populate(locking: Bool, until deadline: ContinuousClock.Instant?) -> MemoryState {
    let ranges = memory
    var state = MemoryState()
    state.byteCount = ranges.reduce(0) { $0 + $1.byteCount }
    func isOver() -> Bool {
      if let deadline, !state.isCutShort { state.isCutShort = ContinuousClock.now >= deadline }
      return state.isCutShort
    }
    for range in ranges {
      var step = range.step(from: 0)
      while !step.isEmpty, !isOver() {
        range.touch(step)
        state.touched += step.count
        step = range.step(from: step.upperBound)
      }
    }
    var isRefused = !locking
    for range in ranges where !isRefused {
      var step = range.step(from: 0)
      while !step.isEmpty, !isRefused, !isOver() {
        isRefused = !range.lock(step)
        if !isRefused { state.locked += step.count }
        step = range.step(from: step.upperBound)
      }
    }
    return state
  }

  /// Bytes of what searches of the view may read that are in memory now.
  ///
  /// - Complexity: some ms a GiB.
  package var residentByteCount: Int {
    memory.reduce(0) { $0 + $1.residentByteCount(0..<$1.byteCount) }
  }
}

extension SealedSegment {
  /// The memory that searches may read.
  var memory: [MemoryRange] {
    var components = [codes, terms, ids, idOrder]
    for component in [lowerCodes, turbo?.rows, norms, rows, columns?.component] {
      if let component { components.append(component) }
    }
    var ranges = components.map(\.memory)
    // Links that lie between other things are counted with these.
    for (level, table) in tables.enumerated() where turbo == nil || level > 0 {
      ranges.append(table.memory)
    }
    if let quantizer { ranges += quantizer.memory }
    return ranges.filter { $0.byteCount > 0 }
  }
}

extension Quantizer {
  /// The memory that searches read.
  var memory: [MemoryRange] {
    unsafe [
      MemoryRange(centre.bytes, owner: centre), MemoryRange(signs.bytes, owner: signs),
    ]
  }
}
