public import NeedletailCore
import NeedletailEngine

/// A look at every byte of a snapshot's files of rows while it is served, a piece at a time.
///
/// It reads the files, as mapped: what a later opening, and searches of what is placed `.mapped`, will read. Copies in
/// memory are not looked at. A value, to be advanced by one thread; whoever has enough of it drops it.
public struct SegmentScrub: Sendable {
  /// A segment whose file is not what was written.
  public struct Damage: Sendable {
    /// The segment's hash, as in `IndexInformation.segments`.
    public var segment: String
    /// Code `corrupted`, with path, section and offset of the first damaged block.
    public var error: NeedletailError
  }

  private var checks: [SegmentCheck]
  private var next = 0
  /// Segments that are damaged, each once, in the order in which they were found.
  public private(set) var damage: [Damage] = []

  init(_ checks: [SegmentCheck]) { self.checks = checks }

  /// Bytes of all files.
  public var byteCount: Int { checks.reduce(0) { $0 + $1.byteCount } }
  /// Bytes that were checked; of a damaged file, those before the damage.
  public var checkedByteCount: Int { checks.reduce(0) { $0 + $1.checkedByteCount } }
  /// Whether every file was checked, to its end or to the first damage.
  public var isDone: Bool { next == checks.count }

  /// Checks more bytes.
  ///
  /// - Parameter bytes: how many, in whole blocks of 64 KiB. Default 4 MiB.
  /// - Returns: whether there are more.
  /// - Complexity: one read of the bytes; about 2 GB/s once they are in memory.
  @discardableResult
  public mutating func advance(bytes: Int = 4 << 20) -> Bool {
    guard !isDone else { return false }
    do throws(NeedletailError) {
      try checks[next].advance(bytes)
      if checks[next].isDone { next += 1 }
    } catch {
      damage.append(Damage(segment: checks[next].hash, error: error))
      next += 1
    }
    return !isDone
  }
}

extension Snapshot {
  /// Begins a look at every byte of the files that the snapshot searches; nothing is read yet.
  public func scrub() -> SegmentScrub { SegmentScrub(view.checks) }

  /// Reads every byte of one segment's file.
  ///
  /// - Parameters:
  ///   - hash: the segment, as in `IndexInformation.segments`.
  ///   - monitor: sees the progress in bytes, and may cancel every 4 MiB.
  /// - Throws: `corrupted`, with section and offset of the first damaged block; `notFound` for a segment that the
  ///   snapshot does not search; `cancelled`.
  /// - Complexity: one read of the file; about 2 GB/s once it is in memory.
  public func verifySegment(
    _ hash: String, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) {
    guard var check = view.checks.first(where: { $0.hash == hash }) else {
      throw NeedletailError(
        .notFound, "The snapshot searches no segment \(hash).", at: .init(path: path))
    }
    monitor?.begin("verifying", total: check.byteCount)
    while !check.isDone {
      let before = check.checkedByteCount
      try check.advance(4 << 20)
      try monitor?.advance(by: check.checkedByteCount - before)
    }
  }
}
