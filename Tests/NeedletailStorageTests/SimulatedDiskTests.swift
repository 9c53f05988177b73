import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The disk of the crash tests is as bad as it claims to be, and no worse.
@Suite struct SimulatedDiskTests {
  /// A durable file of 20 000 ones.
  private func disk() throws -> SimulatedDisk {
    let disk = SimulatedDisk(seed: 1)
    let file = try disk.create("f")
    try file.write([UInt8](repeating: 1, count: 20_000))
    try file.synchronize()
    try disk.synchronizeDirectory("")
    return disk
  }

  @Test func whatIsSynchronisedSurvivesEveryCrash() throws {
    for seed in 0..<200 as Range<UInt64> {
      let disk = try disk()
      let file = try disk.reopen("f")
      try file.write([2, 2, 2])
      try file.synchronize()
      disk.crash(seed: seed)
      #expect(disk.contents("f") == [UInt8](repeating: 1, count: 20_000) + [2, 2, 2])
      #expect(throws: NeedletailError.self) { try file.write([3]) }
    }
  }

  @Test func unsynchronisedWritesAreDroppedReorderedAndTorn() throws {
    var fates: Set<String> = []
    for seed in 0..<400 as Range<UInt64> {
      let disk = try disk()
      let file = try disk.reopen("f")
      try file.write([UInt8](repeating: 2, count: 10_000))
      try file.write([UInt8](repeating: 3, count: 10_000))
      let written = try #require(disk.contents("f"))
      disk.crash(seed: seed)
      let bytes = try #require(disk.contents("f"))
      #expect(bytes.prefix(19_968) == written.prefix(19_968), "a whole sector was synchronised")
      if bytes.count == 20_000 { fates.insert("dropped") }
      if bytes == written { fates.insert("kept") }
      if bytes.count == 40_000, bytes[35_000] == 3, bytes[22_000...29_000].contains(0) {
        fates.insert("reordered")
      }
      for (start, value) in zip(bytes.indices.dropFirst(), bytes.dropFirst())
      where value != bytes[start - 1] && start != 20_000 && start != 30_000 {
        #expect(start.isMultiple(of: 512))
        fates.insert(start.isMultiple(of: 4096) ? "torn at 4096" : "torn at 512")
      }
    }
    #expect(fates == ["dropped", "kept", "reordered", "torn at 512", "torn at 4096"])
  }

  @Test func namesAreInDoubtUntilTheirDirectoryIsSynchronised() throws {
    var fates: Set<[String]> = []
    for seed in 0..<100 as Range<UInt64> {
      let disk = try disk()
      try disk.rename("f", to: "g")
      _ = try disk.create("h")
      disk.crash(seed: seed)
      fates.insert(try disk.list(""))
    }
    #expect(fates == [["f"], ["g"], ["f", "h"], ["g", "h"]])
  }

  @Test func theSameSeedGivesTheSameFate() throws {
    for seed in 0..<20 as Range<UInt64> {
      let fates = try (0..<2).map { _ in
        let disk = try disk()
        try disk.reopen("f").write([UInt8](repeating: 2, count: 9_999))
        disk.crash(seed: seed)
        return disk.contents("f")
      }
      #expect(fates[0] == fates[1])
    }
  }

  @Test(arguments: [EIO, ENOSPC, EMFILE])
  func theNthCallFails(number: Int32) throws {
    let disk = try disk()
    disk.arm(.init(call: 2, operations: [.write], number: number))
    let file = try disk.create("g")
    try file.write([1])
    do {
      try file.write([2])
      Issue.record("the second write succeeded")
    } catch {
      #expect(error.code == .io && error.message.contains("errno \(number)"))
    }
    #expect(disk.hasFired)
    // As with the real file: first a cut, then it goes on.
    #expect(throws: NeedletailError.self) { try file.write([3]) }
    try file.truncate(to: 1)
    try file.write([4])
    #expect(disk.contents("g") == [1, 4])
  }

  @Test func aFailedSynchronisationForgetsWhatReadersStillSee() throws {
    var survivors: Set<Int> = []
    for seed in 0..<100 as Range<UInt64> {
      let disk = SimulatedDisk(seed: seed)
      let file = try disk.create("f")
      try disk.synchronizeDirectory("")
      try file.write([UInt8](repeating: 1, count: 600))
      disk.arm(.init(call: 1, operations: [.synchronize]))
      #expect(throws: NeedletailError.self) { try file.synchronize() }
      #expect(throws: NeedletailError.self) { try file.synchronize() }
      // Another descriptor hears of nothing, and has nothing to do.
      try disk.reopen("f").synchronizeData()
      #expect(disk.contents("f")?.count == 600)
      disk.crash(seed: 0)
      survivors.insert(disk.contents("f")?.filter { $0 == 1 }.count ?? -1)
    }
    #expect(survivors.isSuperset(of: [0, 600]))
  }

  /// Publishing, on a disk that keeps no more than it must, ended at every call in several ways.
  @Test func afterAPowerCutTheOldOrTheNewGenerationIsThere() throws {
    for call in 1...1_000 {
      var hasFired = true
      for seed in 0..<UInt64(Effort.count(20, long: 500)) {
        let disk = SimulatedDisk(seed: seed)
        try buildIndex("index", in: disk)
        let directory = IndexDirectory("index", in: disk)
        disk.arm(.init(call: call, isPermanent: true, isTorn: true))
        let failure = code { () throws(NeedletailError) in
          let segment = try directory.seal(.segment) { writer throws(NeedletailError) in
            try writer.write(
              SectionKind("DATA"), count: 1, bytes: [UInt8](repeating: 7, count: 9_000))
          }
          try directory.publish(sampleManifest(2, [segment]))
        }
        hasFired = disk.hasFired
        disk.crash(seed: seed)
        let manifest = try directory.manifest()
        #expect(failure == nil ? manifest.generation == 2 : [1, 2].contains(manifest.generation))
        for segment in manifest.segments {
          _ = try directory.open(.segment, segment, verification: .full)
        }
        try directory.removePartialFiles()
        try directory.publish(sampleManifest(3, manifest.segments))
        disk.crash(seed: seed)
        #expect(try directory.manifest().generation == 3, "call \(call), seed \(seed)")
      }
      if !hasFired {
        #expect(call > 18)
        return
      }
    }
    Issue.record("publishing never came through")
  }
}
