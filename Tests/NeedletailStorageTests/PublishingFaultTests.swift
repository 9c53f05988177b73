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

/// Every call of building and publishing fails once, in every way: old or new, never neither.
@Suite struct PublishingFaultTests {
  /// The first call number at which nothing failed any more.
  private func countOfCalls(
    _ body: (Int) throws -> Bool
  ) rethrows -> Int {
    for call in 1...1_000 where try !body(call) { return call }
    return 0
  }

  @Test(arguments: [(EIO, false), (ENOSPC, true), (EMFILE, false), (EDQUOT, true)])
  func aFailingBuildLeavesNothing(number: Int32, isTorn: Bool) throws {
    let calls = try countOfCalls { call in
      let base = InMemoryFileSystem()
      let faulty = FaultyFileSystem(base, fault: .init(call: call, number: number, isTorn: isTorn))
      let failure = code { () throws(NeedletailError) in try buildIndex("index", in: faulty) }
      guard faulty.hasFired else {
        #expect(failure == nil)
        return false
      }
      let names = try base.list("")
      // Only the last step, the durability of the new name, comes after the index is complete.
      if failure == nil || names == ["index"] {
        #expect(try IndexDirectory("index", in: base).manifest().generation == 1)
        #expect(names == ["index"])
      } else {
        #expect(failure == .io)
        #expect(names.isEmpty, "call \(call): \(faulty.log.last ?? "")")
      }
      return true
    }
    #expect(calls > 20)
  }

  @Test(arguments: [(EIO, false), (ENOSPC, true)])
  func aFailingPublishLeavesTheOldOrTheNewGeneration(number: Int32, isTorn: Bool) throws {
    let calls = try countOfCalls { call in
      let base = InMemoryFileSystem()
      try buildIndex("index", in: base)
      let faulty = FaultyFileSystem(base, fault: .init(call: call, number: number, isTorn: isTorn))
      let failure = code { () throws(NeedletailError) in
        try IndexDirectory("index", in: faulty).publish(sampleManifest(2))
      }
      let generation = try IndexDirectory("index", in: base).manifest().generation
      if failure == nil { #expect(generation == 2) }
      #expect(generation == 1 || generation == 2)
      let partials = base.allFiles().filter { $0.hasSuffix(IndexDirectory.partialSuffix) }
      #expect(partials.isEmpty, "call \(call)")
      // And the writer can go on.
      try IndexDirectory("index", in: base).publish(sampleManifest(3))
      #expect(try IndexDirectory("index", in: base).manifest().generation == 3)
      return faulty.hasFired
    }
    #expect(calls > 12)
  }

  /// The process is killed at every call; then, also, the power goes.
  @Test(arguments: [false, true])
  func afterAKillTheOldOrTheNewGenerationIsThere(powerFails: Bool) throws {
    let calls = try countOfCalls { call in
      let base = InMemoryFileSystem()
      try buildIndex("index", in: base)
      let faulty = FaultyFileSystem(
        base, fault: .init(call: call, isPermanent: true, isTorn: true))
      let failure = code { () throws(NeedletailError) in
        let directory = IndexDirectory("index", in: faulty)
        let segment = try directory.seal(.segment) { writer throws(NeedletailError) in
          try writer.write(SectionKind("DATA"), count: 1, bytes: [UInt8(call & 0xff)])
        }
        try directory.publish(sampleManifest(2, [segment]))
      }
      if powerFails { base.crash() }
      let directory = IndexDirectory("index", in: base)
      let manifest = try directory.manifest()
      #expect(failure == nil ? manifest.generation == 2 : [1, 2].contains(manifest.generation))
      for segment in manifest.segments {
        _ = try directory.open(.segment, segment, verification: .full)
      }
      // The next writer is not stopped by what lies about.
      try directory.removePartialFiles()
      try directory.publish(sampleManifest(3, manifest.segments))
      #expect(try directory.manifest().generation == 3)
      return faulty.hasFired
    }
    #expect(calls > 18)
  }

  @Test func afterAKilledBuildTheTargetIsCompleteOrAbsent() throws {
    let calls = try countOfCalls { call in
      let base = InMemoryFileSystem()
      let faulty = FaultyFileSystem(base, fault: .init(call: call, isPermanent: true, isTorn: true))
      let failure = code { () throws(NeedletailError) in try buildIndex("index", in: faulty) }
      base.crash()
      let isThere = try base.kind(of: "index") != nil
      if failure == nil || isThere {
        let directory = IndexDirectory("index", in: base)
        let segment = try #require(try directory.manifest().segments.first)
        _ = try directory.open(.segment, segment, verification: .full)
      } else {
        let names = try base.list("")
        #expect(try names == IndexDirectoryBuilder.leftovers(of: "index", in: base))
        try buildIndex("index", in: base)
      }
      return faulty.hasFired
    }
    #expect(calls > 20)
  }

  @Test func everythingIsDurableBeforeItIsNamed() throws {
    let faulty = FaultyFileSystem(InMemoryFileSystem())
    try buildIndex("index", in: faulty)
    try IndexDirectory("index", in: faulty).publish(sampleManifest(2))
    let log = faulty.log.filter { !$0.hasPrefix("kind") && !$0.hasPrefix("write") }
    for (index, line) in log.enumerated() where line.hasPrefix("rename ") {
      let path = line.dropFirst("rename ".count)
      #expect(log[index - 2] == "synchronize \(path)")
      #expect(log[index - 1] == "close \(path)")
      #expect(log[index + 1].hasPrefix("synchronizeDirectory "))
    }
    let move = try #require(log.firstIndex { $0.hasPrefix("moveDirectory") })
    #expect(log[move + 1] == "synchronizeDirectory .")
  }

  @Test func impossiblePlacesAndClosedFilesAreRefused() throws {
    let temporary = try TemporaryDirectory()
    let file = try LocalFileSystem().create(temporary("f"))
    let failure = code { () throws(NeedletailError) in
      try file.writeFarAway()
    }
    #expect(failure == .io)
    try file.close()
    #expect(code { () throws(NeedletailError) in try file.synchronize() } == .io)
  }
}

extension WritableFile {
  fileprivate func writeFarAway() throws(NeedletailError) {
    var byte: UInt8 = 1
    let result: Result<Void, NeedletailError> = unsafe withUnsafeBytes(of: &byte) { bytes in
      Result { () throws(NeedletailError) in unsafe try write(bytes, at: 1 << 63) }
    }
    try result.get()
  }
}
