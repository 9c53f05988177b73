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

@Suite struct GenerationsTests {
  /// Five generations; each has a segment of its own, one of the one before, and one of all.
  private func sample(_ fileSystem: any FileSystem) throws(NeedletailError) -> IndexDirectory {
    let builder = try IndexDirectoryBuilder(target: "index", in: fileSystem)
    let shared = try seal(0, in: builder.directory)
    var last = try seal(1, in: builder.directory)
    try builder.directory.publish(manifest(1, [shared, last], in: builder.directory))
    try builder.finish()
    let directory = IndexDirectory("index", in: fileSystem)
    for generation in 2...5 as ClosedRange<UInt64> {
      let own = try seal(UInt8(generation), in: directory)
      try directory.publish(manifest(generation, [shared, last, own], in: directory))
      last = own
    }
    return directory
  }

  private func seal(
    _ number: UInt8, _ format: FileFormat = .segment, in directory: IndexDirectory
  ) throws(NeedletailError) -> FileReference {
    try directory.seal(format) { writer throws(NeedletailError) in
      try writer.write(SectionKind("DATA"), count: 1, bytes: [number])
    }
  }

  private func manifest(
    _ generation: UInt64, _ segments: [FileReference], in directory: IndexDirectory
  ) throws(NeedletailError) -> Manifest {
    var manifest = sampleManifest(generation, segments)
    manifest.quantizers = [try seal(UInt8(generation / 3), .quantizer, in: directory)]
    return manifest
  }

  /// Whether every generation that is there can be opened whole.
  private func check(_ directory: IndexDirectory) throws {
    for generation in try directory.generations() {
      let manifest = try directory.manifest(generation)
      for segment in manifest.segments {
        _ = try directory.open(.segment, segment, verification: .full)
      }
      for quantizer in manifest.quantizers {
        _ = try directory.open(.quantizer, quantizer, verification: .full)
      }
    }
  }

  private func counts(_ directory: IndexDirectory) throws -> [Int] {
    try ["generations", "segments", "quantizers"].map {
      try directory.fileSystem.list("index/" + $0).count
    }
  }

  @Test(arguments: [
    (1, [1, 3, 1]), (2, [2, 4, 1]), (3, [3, 5, 1]), (4, [4, 6, 2]), (5, [5, 6, 2]), (9, [5, 6, 2]),
  ])
  func whatKeptGenerationsNameIsKept(count: Int, left: [Int]) throws {
    let directory = try sample(InMemoryFileSystem())
    #expect(try directory.generations() == [1, 2, 3, 4, 5])
    let report = try directory.removeUnneeded(keeping: count)
    #expect(report.failures.isEmpty && report.unknown.isEmpty)
    #expect(try counts(directory) == left)
    #expect(report.removed.count == 13 - left.reduce(0, +))
    #expect(try directory.manifest().generation == 5)
    try check(directory)
    #expect(try directory.removeUnneeded(keeping: count) == RemovalReport())
  }

  @Test func namedGenerationsAndFilesAreKept() throws {
    let directory = try sample(InMemoryFileSystem())
    let unpublished = try seal(99, in: directory)
    try directory.removeUnneeded(keeping: 1, generations: [2], files: [unpublished.hash])
    #expect(try directory.generations() == [2, 5])
    _ = try directory.open(.segment, unpublished, verification: .full)
    try check(directory)
  }

  @Test func aGenerationThatWasNeverInUseGoes() throws {
    let directory = try sample(InMemoryFileSystem())
    try sampleManifest(6).write(to: directory.manifestPath(6), in: directory.fileSystem)
    #expect(try directory.generations().last == 6)
    try directory.removeUnneeded(keeping: 2)
    #expect(try directory.generations() == [4, 5])
  }

  @Test func unknownFilesStayAndAreTold() throws {
    let fileSystem = InMemoryFileSystem()
    let directory = try sample(fileSystem)
    let names = [
      "generations/01.manifest", "generations/x.manifest", "quantizers/a.quantizer",
      "segments/notes.txt",
    ].map { "index/" + $0 }
    for name in names { try fileSystem.setContents(name, [1]) }
    try fileSystem.setContents("index/segments/new.partial", [1])
    let report = try directory.removeUnneeded(keeping: 1)
    #expect(report.unknown.sorted() == names)
    #expect(try names.allSatisfy { try fileSystem.kind(of: $0) == .file })
    #expect(try fileSystem.kind(of: "index/segments/new.partial") == .file)
  }

  @Test func behindADamagedManifestNothingSealedIsRemoved() throws {
    let fileSystem = InMemoryFileSystem()
    let directory = try sample(fileSystem)
    try fileSystem.setContents("index/generations/4.manifest", [1, 2, 3])
    let report = try directory.removeUnneeded(keeping: 2)
    #expect(report.failures.count == 1 && report.failures[0].contains("4.manifest"))
    #expect(try counts(directory) == [2, 6, 2])
    // Once it is out of the window nothing is asked of it.
    #expect(try directory.removeUnneeded(keeping: 1).failures.isEmpty)
    #expect(try counts(directory) == [1, 3, 1])
    try fileSystem.setContents("index/generations/5.manifest", [1, 2, 3])
    let found = code { () throws(NeedletailError) in _ = try directory.removeUnneeded(keeping: 1) }
    #expect(found == .corrupted)
    #expect(try counts(directory) == [1, 3, 1])
  }

  @Test func whatCannotBeRemovedIsToldAndKeepsItsFiles() throws {
    for call in 1...100 {
      let base = InMemoryFileSystem()
      _ = try sample(base)
      let faulty = FaultyFileSystem(
        base, fault: .init(call: call, operations: [.remove], number: EPERM))
      let report = try IndexDirectory("index", in: faulty).removeUnneeded(keeping: 1)
      let directory = IndexDirectory("index", in: base)
      #expect(report.failures.count == (faulty.hasFired ? 1 : 0))
      try check(directory)
      #expect(try directory.removeUnneeded(keeping: 1).failures.isEmpty)
      #expect(try counts(directory) == [1, 3, 1])
      if !faulty.hasFired { return }
    }
  }

  /// Any call fails, or the process or the machine ends there: every manifest that is left can be opened.
  @Test(arguments: [false, true], [false, true])
  func afterACrashAtAnyCallTheIndexIsWhole(isPermanent: Bool, powerFails: Bool) throws {
    for call in 1...200 {
      let disk = SimulatedDisk(seed: UInt64(call))
      let directory = try sample(disk)
      disk.arm(.init(call: call, isPermanent: isPermanent))
      let report = try? directory.removeUnneeded(keeping: 2)
      let hasFired = disk.hasFired
      if powerFails { disk.crash(seed: UInt64(call)) } else { disk.kill() }
      #expect(try directory.manifest().generation == 5, "call \(call)")
      try check(directory)
      #expect(try directory.removeUnneeded(keeping: 2).failures.isEmpty)
      #expect(try counts(directory) == [2, 4, 1], "call \(call)")
      if !hasFired {
        #expect(call > 12 && report?.failures.isEmpty == true)
        return
      }
    }
    Issue.record("removing never ended")
  }

  /// A generation whose publishing could not be made durable does not take the one before with it.
  @Test func nothingGoesBeforeTheGenerationInUseIsDurable() throws {
    for seed in 0..<50 as Range<UInt64> {
      let disk = SimulatedDisk(seed: seed)
      let directory = try sample(disk)
      let next = try manifest(6, [], in: directory)
      disk.arm(.init(call: 2, operations: [.synchronizeDirectory]))
      #expect(code { () throws(NeedletailError) in try directory.publish(next) } == .io)
      #expect(try directory.currentGeneration() == 6)
      disk.arm(.init(call: 2, operations: [.synchronizeDirectory]))
      #expect(
        code { () throws(NeedletailError) in _ = try directory.removeUnneeded(keeping: 1) } == .io)
      disk.crash(seed: seed)
      _ = try directory.manifest()
      try check(directory)
    }
  }
}
