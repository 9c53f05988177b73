import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// What the tests of withdrawals share.
enum WithdrawalSample {
  static let identity = [UInt8](1...16)
  static let path = "index/withdrawn/1.log"

  static func options(rewriteByteCount: Int = 64 << 10, seed: UInt64 = 5) -> WithdrawalLog.Options {
    var options = WithdrawalLog.Options()
    options.rewriteByteCount = rewriteByteCount
    options.seed = seed
    return options
  }

  static func open(
    _ fileSystem: any FileSystem, options: WithdrawalLog.Options = options(),
    acceptingLoss: Bool = false, identity: [UInt8] = identity
  ) throws(NeedletailError) -> WithdrawalLog {
    let (log, ids) = try WithdrawalLog.open(
      IndexDirectory("index", in: fileSystem), indexIdentity: identity, options: options,
      acceptingLoss: acceptingLoss)
    #expect(log.ids == ids)
    return log
  }

  static func reader(
    _ fileSystem: any FileSystem, identity: [UInt8] = identity
  ) -> WithdrawalReader {
    WithdrawalReader(IndexDirectory("index", in: fileSystem), indexIdentity: identity)
  }

  /// The ids that a new reader finds.
  static func read(_ fileSystem: any FileSystem) throws(NeedletailError) -> Set<VectorID> {
    var reader = reader(fileSystem)
    _ = try reader.poll()
    return reader.ids
  }

  /// One file: three ids withdrawn, one reinstated, another two withdrawn; each with a mark behind it.
  static func small(_ disk: SimulatedDisk) throws(NeedletailError) -> [Set<VectorID>] {
    let log = try open(disk)
    try log.withdraw([10, 20, 30])
    try log.reinstate([20])
    try log.withdraw([40, .max])
    return [[], [10, 20, 30], [10, 30], [10, 30, 40, .max]]
  }

  /// A disk on which the small log's file has other bytes.
  static func disk(_ bytes: [UInt8]) throws(NeedletailError) -> SimulatedDisk {
    let disk = try LogSample.disk()
    try disk.makeDirectory("index/withdrawn")
    try disk.setContents(path, bytes)
    return disk
  }
}
