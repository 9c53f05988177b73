import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// Batches whose write was cut off, and whose contents look like records.
@Suite struct LogTornBatchTests {
  /// Ids that are lengths and numbers of possible records, of one and a half megabytes of rows.
  static let lists: [(name: String, ids: [VectorID])] = {
    let descending = (0..<1_000).map { 18_000 - VectorID($0) }
    var generator = SplitMix64(seed: 3)
    return [("descending", descending), ("shuffled", descending.shuffled(using: &generator))]
  }()

  @Test(arguments: [0, 1]) func aBatchThatWasCutOffIsATornTail(list: Int) throws {
    let disk = try LogSample.disk()
    let writer = try LogSample.open(disk).writer
    _ = try writer.append(.remove(ids: [7]))
    try writer.commit(.synced)
    let sound = try #require(disk.contents("index/log/1.wal")).count
    let (name, ids) = Self.lists[list]
    _ = try writer.append(
      .upsert(
        ids: ids, dimensions: 384, components: [Float](repeating: 0.25, count: 1_000 * 384)))
    try writer.commit(.buffered)
    let bytes = try #require(disk.contents("index/log/1.wal"))
    for length in [sound + 100, 20_000, 750_000, bytes.count - 1] {
      try disk.setContents("index/log/1.wal", Array(bytes.prefix(length)))
      let (entries, report) = try LogSample.read(disk)
      #expect(entries.map(\.batch.ids) == [[7]] && report.loss == nil, "\(name), \(length) bytes")
      #expect(report.tornTail?.byteCount == length - sound)
      let (writer, _, _) = try LogSample.open(disk)
      #expect(try writer.append(.remove(ids: [8])) == .appended(lsn: 2))
    }
  }
}
