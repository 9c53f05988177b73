import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// Withdrawals that nothing happens to.
@Suite struct WithdrawalTests {
  @Test func whatIsWithdrawnStaysSo() throws {
    let disk = try LogSample.disk()
    let log = try WithdrawalSample.open(disk)
    #expect(log.ids.isEmpty && log.lastNumber == 0)
    #expect(try disk.kind(of: "index/withdrawn") == nil, "nothing is made before it is needed")
    #expect(try log.withdraw([3, 1, 3, .max]) == [3, 1, .max])
    #expect(try log.withdraw([1, 2]) == [2])
    #expect(try log.reinstate([3, 99, 3]) == [3])
    #expect(log.ids == [1, 2, .max] && log.lastNumber == 3)
    disk.crash(seed: 1)
    let again = try WithdrawalSample.open(disk)
    #expect(again.ids == [1, 2, .max] && again.lastNumber == 3)
    #expect(again.report.tornTail == nil && again.report.loss == nil)
    #expect(try again.withdraw([5]) == [5])
    #expect(again.lastNumber == 4)
  }

  @Test func whatChangesNothingTouchesNothing() throws {
    let faulty = FaultyFileSystem(try LogSample.disk())
    let log = try WithdrawalSample.open(faulty)
    try log.withdraw([1])
    let before = faulty.log.count
    #expect(try log.withdraw([1, 1]).isEmpty)
    #expect(try log.withdraw([]).isEmpty)
    #expect(try log.reinstate([2]).isEmpty)
    #expect(faulty.log.count == before && log.lastNumber == 1)
  }

  @Test func aLogThatIsMostlyHistoryIsWrittenAnew() throws {
    let disk = try LogSample.disk()
    let options = WithdrawalSample.options(rewriteByteCount: 2_000)
    let log = try WithdrawalSample.open(disk, options: options)
    var follower = WithdrawalSample.reader(disk)
    try log.withdraw([7, 8])
    var most = 0
    for round in 0..<500 as Range<UInt64> {
      try log.withdraw([100 + round])
      try log.reinstate([100 + round])
      let files = try disk.list("index/withdrawn")
      #expect(files.count == 1)
      most = max(most, try #require(disk.contents("index/withdrawn/\(files[0])")).count)
      if round % 7 == 0 { _ = try follower.poll() }
    }
    #expect(most < 2_200)
    _ = try follower.poll()
    #expect(follower.ids == [7, 8] && follower.lastNumber == log.lastNumber)
    #expect(try WithdrawalSample.open(disk).ids == [7, 8])
    #expect(try WithdrawalSample.open(disk).lastNumber == log.lastNumber)
  }

  @Test func aLogThatIsAllStateIsLeftAlone() throws {
    let disk = try LogSample.disk()
    let options = WithdrawalSample.options(rewriteByteCount: 2_000)
    let log = try WithdrawalSample.open(disk, options: options)
    for id in 0..<1_000 as Range<UInt64> { try log.withdraw([id]) }
    // Marks and fields weigh ten times what an id does: it was written anew, but not each time.
    let last = try #require(try disk.list("index/withdrawn").last)
    #expect(try #require(UInt64(last.dropLast(4))) < 12)
    #expect(try WithdrawalSample.read(disk).count == 1_000)
  }

  @Test func aReaderHearsOfEveryChangeOnce() throws {
    let disk = try LogSample.disk()
    var reader = WithdrawalSample.reader(disk)
    #expect(try reader.poll() == nil)
    let log = try WithdrawalSample.open(disk)
    #expect(try reader.poll() == nil)
    try log.withdraw([5, 3])
    #expect(try reader.poll() == WithdrawalChanges(withdrawn: [3, 5]))
    #expect(try reader.poll() == nil)
    try log.reinstate([5])
    try log.withdraw([4])
    #expect(try reader.poll() == WithdrawalChanges(withdrawn: [4], reinstated: [5]))
    try log.rewrite()
    #expect(try reader.poll() == nil)
    try log.withdraw([5])
    try log.rewrite()
    try log.reinstate([3])
    #expect(try reader.poll() == WithdrawalChanges(withdrawn: [5], reinstated: [3]))
    // Back and forth is no change.
    try log.reinstate([5])
    try log.withdraw([5])
    #expect(try reader.poll() == nil)
    #expect(reader.ids == [4, 5] && reader.lastNumber == log.lastNumber)
  }

  @Test func askingAgainIsCheap() throws {
    let disk = try LogSample.disk()
    let log = try WithdrawalSample.open(disk)
    try log.withdraw([1])
    let faulty = FaultyFileSystem(disk)
    var reader = WithdrawalSample.reader(faulty)
    _ = try reader.poll()
    let before = faulty.log.count
    #expect(try reader.poll() == nil)
    #expect(faulty.log.count == before + 2)
  }

  @Test func anotherIndexsWithdrawalsAreRefused() throws {
    let disk = try LogSample.disk()
    try WithdrawalSample.open(disk).withdraw([1])
    let other = [UInt8](repeating: 9, count: 16)
    #expect(
      code { () throws(NeedletailError) in
        _ = try WithdrawalSample.open(disk, identity: other)
      } == .corrupted)
    var reader = WithdrawalSample.reader(disk, identity: other)
    #expect(code { () throws(NeedletailError) in _ = try reader.poll() } == .corrupted)
    // The write-ahead log of the same index is no log of withdrawals.
    let writer = try LogSample.open(disk).writer
    _ = try writer.append(.remove(ids: [1]))
    try writer.commit(.synced)
    try disk.setContents(WithdrawalSample.path, try #require(disk.contents("index/log/1.wal")))
    #expect(
      code { () throws(NeedletailError) in _ = try WithdrawalSample.open(disk) } == .corrupted)
  }

  /// The file that begins with the whole state is enough; without it, the ones before must be there.
  @Test func aLogWithoutItsBeginningIsRefused() throws {
    let disk = try LogSample.disk()
    let log = try WithdrawalSample.open(disk)
    try log.withdraw([1, 2])
    let first = try #require(disk.contents(WithdrawalSample.path))
    try log.rewrite()
    try log.withdraw([3])
    let second = try #require(disk.contents("index/withdrawn/2.log"))
    // Left by a crash between the two: the newer one counts, and opening removes the older.
    try disk.setContents(WithdrawalSample.path, first)
    #expect(try WithdrawalSample.read(disk) == [1, 2, 3])
    #expect(try WithdrawalSample.open(disk).ids == [1, 2, 3])
    #expect(try disk.list("index/withdrawn") == ["2.log"])
    // The same file with its state damaged.
    var damaged = second
    damaged[120] ^= 1
    for isFirstThere in [false, true] {
      if isFirstThere { try disk.setContents(WithdrawalSample.path, first) }
      try disk.setContents("index/withdrawn/2.log", damaged)
      #expect(
        code { () throws(NeedletailError) in _ = try WithdrawalSample.open(disk) } == .corrupted)
      #expect(
        code { () throws(NeedletailError) in _ = try WithdrawalSample.read(disk) } == .corrupted)
    }
    #expect(try WithdrawalSample.open(disk, acceptingLoss: true).ids == [1, 2])
  }

  @Test func aRealDiskIsFollowedToo() throws {
    let temporary = try TemporaryDirectory()
    let directory = IndexDirectory(temporary.path, in: LocalFileSystem())
    let identity = WithdrawalSample.identity
    var reader = WithdrawalReader(directory, indexIdentity: identity)
    #expect(try reader.poll() == nil)
    let log = try WithdrawalLog.open(directory, indexIdentity: identity).log
    for round in 0..<20 as Range<UInt64> {
      try log.withdraw([round, 1_000 + round])
      #expect(try reader.poll()?.withdrawn == [round, 1_000 + round])
      #expect(try reader.poll() == nil)
      if round == 10 { try log.rewrite() }
    }
    #expect(reader.ids == log.ids)
    #expect(try WithdrawalLog.open(directory, indexIdentity: identity).ids == log.ids)
  }
}
