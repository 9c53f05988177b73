import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// What the tests of the log share: an index without segments, and batches drawn by seed.
enum LogSample {
  static let identity = [UInt8](1...16)

  /// An index's directory, durable, whose log is still to be made.
  static func disk(seed: UInt64 = 0) throws(NeedletailError) -> SimulatedDisk {
    let disk = SimulatedDisk(seed: seed)
    try disk.makeDirectory("index")
    try disk.synchronizeDirectory("")
    return disk
  }

  static func reader(
    _ fileSystem: any FileSystem, after: UInt64 = 0, identity: [UInt8] = identity
  ) -> LogReader {
    LogReader(IndexDirectory("index", in: fileSystem), indexIdentity: identity, after: after)
  }

  /// Everything that can be read, without changing anything.
  static func read(
    _ fileSystem: any FileSystem, after: UInt64 = 0, acceptingLoss: Bool = false
  ) throws(NeedletailError) -> (entries: [LogEntry], report: LogReport) {
    var entries: [LogEntry] = []
    let report = try reader(fileSystem, after: after).read(acceptingLoss: acceptingLoss) {
      (entry) throws(NeedletailError) in entries.append(entry)
    }
    return (entries, report)
  }

  /// Opens the log for writing, and says what was in it.
  static func open(
    _ fileSystem: any FileSystem, after: UInt64 = 0, sourceOffsets: [String: UInt64] = [:],
    options: LogOptions = options(), acceptingLoss: Bool = false
  ) throws(NeedletailError) -> (writer: LogWriter, report: LogReport, entries: [LogEntry]) {
    var entries: [LogEntry] = []
    let (writer, report) = try LogWriter.open(
      reader(fileSystem, after: after), sourceOffsets: sourceOffsets, options: options,
      acceptingLoss: acceptingLoss
    ) { (entry) throws(NeedletailError) in entries.append(entry) }
    return (writer, report, entries)
  }

  static func options(fileByteCount: Int = 64 << 20, seed: UInt64 = 5) -> LogOptions {
    var options = LogOptions()
    options.fileByteCount = fileByteCount
    options.seed = seed
    return options
  }

  /// A batch of up to `items` ids, a third of them removals, some with attributes.
  static func batch(
    _ generator: inout SplitMix64, items: Int = 4, dimensions: Int = 3,
    source: SourcePosition? = nil
  ) -> LogBatch {
    let count = Int(generator.next(below: UInt64(items + 1)))
    let ids = (0..<count).map { _ in generator.next() }
    if generator.next(below: 3) == 0 { return .remove(ids: ids, source: source) }
    let components = (0..<(count * dimensions)).map { _ in generator.nextGaussian() }
    let hasAttributes = generator.next(below: 2) == 0
    let attributes = (0..<(hasAttributes ? count : 0)).map { index in
      (0..<(index % 4)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }
    return .upsert(
      ids: ids, dimensions: dimensions, components: components, attributes: attributes,
      source: source)
  }

  /// A log of three files, each batch durable; the last file has the most batches.
  static func small(_ disk: SimulatedDisk) throws(NeedletailError) -> [LogBatch] {
    var generator = SplitMix64(seed: 11)
    let writer = try open(disk).writer
    var batches: [LogBatch] = []
    for number in 1...7 as ClosedRange<UInt64> {
      let source = number.isMultiple(of: 2) ? SourcePosition(name: "k", position: 10 * number) : nil
      batches.append(batch(&generator, items: 3, dimensions: 2, source: source))
      _ = try writer.append(batches[batches.count - 1])
      try writer.commit(.synced)
      if number == 2 || number == 4 { try writer.roll() }
    }
    return batches
  }
}
