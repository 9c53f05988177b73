import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// Inputs of the fuzzer: those that once failed, and golden files as they are, mended and mutated a little.
@Suite struct FuzzCasesTests {
  private func inputs(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    let fileSystem = LocalFileSystem()
    let directory = GoldenFile.path("../../Fuzzing/FailCases/\(target.rawValue)")
    var inputs: [(String, [UInt8])] = []
    if try fileSystem.kind(of: directory) == .directory {
      for name in try fileSystem.list(directory) {
        inputs.append((name, try fileSystem.map(directory + "/" + name).array()))
      }
    }
    return inputs
  }

  @Test(arguments: FuzzTarget.allCases)
  func whatOnceFailedDoesNotFailAgain(target: FuzzTarget) throws {
    for (_, bytes) in try inputs(target) { target.run(bytes) }
  }

  @Test(arguments: [
    (FuzzTarget.container, "container.quantizer"), (.manifest, "4.manifest"),
    (.manifest, "7.manifest"), (.log, "1.wal"), (.withdrawals, "withdrawn-2.log"),
    (.lines, "CURRENT"),
  ])
  func mutatedGoldenFilesKeepEveryPromise(target: FuzzTarget, name: String) throws {
    let golden = try LocalFileSystem().map(GoldenFile.path(name)).array()
    var generator = SplitMix64(seed: 41)
    for round in 0..<Effort.count(600, long: 60_000) {
      var bytes = golden
      for _ in 0..<(round % 4) {
        let at = Int(generator.next(below: UInt64(bytes.count)))
        switch generator.next(below: 4) {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: generator.next())
        case 1: bytes[at] ^= 1 << UInt8(generator.next(below: 8))
        case 2: bytes.insert(UInt8(truncatingIfNeeded: generator.next()), at: at)
        default: bytes.remove(at: at)
        }
      }
      target.run(bytes + [[0, 1, 3][round % 3]])
    }
  }
}
