import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// A manifest with everything filled.
func sampleManifest(_ generation: UInt64, _ segments: [FileReference] = []) -> Manifest {
  var generator = SplitMix64(seed: 3)
  return Manifest(
    indexIdentity: Manifest.identity(using: &generator), dimensions: 384, metric: .cosine,
    generation: generation, segments: segments,
    quantizers: [FileReference(hash: ContentHash(1...16), byteCount: 4711)],
    configuration: [1, 2, 3, 4, 5])
}

/// Makes an index with one sealed segment in a new directory.
func buildIndex(_ target: String, in fileSystem: any FileSystem) throws(NeedletailError) {
  let builder = try IndexDirectoryBuilder(target: target, in: fileSystem)
  let reference = try builder.directory.seal(.segment) { writer throws(NeedletailError) in
    try writer.write(SectionKind("DATA"), count: 4, bytes: [1, 2, 3, 4])
  }
  try builder.directory.publish(sampleManifest(1, [reference]))
  try builder.finish()
}

@Suite struct IndexDirectoryTests {
  @Test(arguments: Metric.allCases)
  func manifestsComeBack(metric: Metric) throws {
    let fileSystem = InMemoryFileSystem()
    var manifest = sampleManifest(
      .max, (0..<50).map { FileReference(hash: ContentHash([$0]), byteCount: .max, rowCount: 9) })
    manifest.metric = metric
    try manifest.write(to: "m", in: fileSystem)
    #expect(try Manifest(fileSystem.map("m")) == manifest)
    manifest.quantizers = []
    manifest.segments = []
    manifest.configuration = []
    try manifest.write(to: "n", in: fileSystem)
    #expect(try Manifest(fileSystem.map("n")) == manifest)
  }

  @Test func everyBitFlipAndTruncationOfAManifestIsRefused() throws {
    let fileSystem = InMemoryFileSystem()
    try sampleManifest(1).write(to: "m", in: fileSystem)
    let bytes = try #require(fileSystem.contents("m"))
    for bit in 0..<(bytes.count * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: NeedletailError.self) { try Manifest(MappedRegion(damaged, path: "m")) }
    }
    for length in 0..<bytes.count {
      #expect(throws: NeedletailError.self) {
        try Manifest(MappedRegion(Array(bytes.prefix(length)), path: "m"))
      }
    }
  }

  /// Sections of a manifest with sound checksums and unsound contents.
  @Test func hostileManifestsAreRefused() throws {
    let identity = [UInt8](repeating: 7, count: 16)
    let hostile: [(String, generation: UInt64, dimensions: UInt32, metric: UInt32, rows: UInt64)] =
      [
        ("generation 0", 0, 8, 0, 1), ("no dimension", 1, 0, 0, 1),
        ("too many dimensions", 1, 16_385, 0, 1), ("2³²−1 dimensions", 1, .max, 0, 1),
        ("no such metric", 1, 8, 3, 1), ("2³²−1 as metric", 1, 8, .max, 1),
        ("too many rows", 1, 8, 0, 1 << 31), ("2⁶⁴−1 rows", 1, 8, 0, .max),
      ]
    for (name, generation, dimensions, metric, rows) in hostile {
      let fileSystem = InMemoryFileSystem()
      let writer = try SectionedFileWriter(.manifest, at: "m", in: fileSystem)
      var index = ByteWriter()
      index.append(contentsOf: identity)
      index.append(generation)
      index.append(dimensions)
      index.append(metric)
      try writer.write(SectionKind("INDX"), count: 1, bytes: index.bytes)
      try writer.write(SectionKind("CONF"), count: 0, bytes: [])
      var segment = ByteWriter()
      segment.append(contentsOf: identity)
      segment.append(100 as UInt64)
      segment.append(rows)
      try writer.write(SectionKind("SEGM"), count: 1, bytes: segment.bytes)
      try writer.write(SectionKind("QNTZ"), count: 0, bytes: [])
      try writer.write(SectionKind("SRCO"), count: 0, bytes: [])
      try writer.write(SectionKind("TOMB"), count: 0, bytes: [])
      _ = try writer.finish()
      let found = code { () throws(NeedletailError) in _ = try Manifest(fileSystem.map("m")) }
      #expect(found == .corrupted, "\(name)")
    }
  }

  @Test func currentNamesTheGenerationAndNothingElseDoes() throws {
    let fileSystem = InMemoryFileSystem()
    try buildIndex("index", in: fileSystem)
    let directory = IndexDirectory("index/", in: fileSystem)
    #expect(try directory.currentGeneration() == 1)
    let bytes = try #require(fileSystem.contents("index/CURRENT"))
    #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("needletail generation 1 crc32c "))
    for bit in 0..<(bytes.count * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      try fileSystem.setContents("index/CURRENT", damaged)
      #expect(
        code { () throws(NeedletailError) in _ = try directory.currentGeneration() } == .corrupted)
    }
    for length in 0..<bytes.count {
      try fileSystem.setContents("index/CURRENT", Array(bytes.prefix(length)))
      #expect(
        code { () throws(NeedletailError) in _ = try directory.currentGeneration() } == .corrupted)
    }
    for text in ["needletail generation 01 crc32c 00000000\n", String(repeating: " 1", count: 500)]
    {
      try fileSystem.setContents("index/CURRENT", Array(text.utf8))
      #expect(
        code { () throws(NeedletailError) in _ = try directory.currentGeneration() } == .corrupted)
    }
    try fileSystem.setContents("index/CURRENT", bytes + [10])
    #expect(
      code { () throws(NeedletailError) in _ = try directory.currentGeneration() } == .corrupted)
  }

  @Test func sealedFilesAreNamedAndCheckedByTheirContents() throws {
    let fileSystem = InMemoryFileSystem()
    try buildIndex("index", in: fileSystem)
    let directory = IndexDirectory("index", in: fileSystem)
    let reference = try #require(try directory.manifest().segments.first)
    let path = directory.path(of: .segment, reference.hash)
    #expect(path == "index/segments/\(reference.hash).segment")
    let file = try directory.open(.segment, reference, verification: .full)
    #expect(try file.section(SectionKind("DATA")).count == 4)

    // The same contents give the same name.
    let again = try directory.seal(.segment) { writer throws(NeedletailError) in
      try writer.write(SectionKind("DATA"), count: 4, bytes: [1, 2, 3, 4])
    }
    #expect(again == reference)
    // A sound file of the same length in its place is seen in both modes.
    let other = try directory.seal(.segment) { writer throws(NeedletailError) in
      try writer.write(SectionKind("DATA"), count: 4, bytes: [1, 2, 3, 5])
    }
    #expect(other.byteCount == reference.byteCount && other.hash != reference.hash)
    try fileSystem.rename(directory.path(of: .segment, other.hash), to: path)
    for verification: Verification in [.structure, .full] {
      let found = code { () throws(NeedletailError) in
        _ = try directory.open(.segment, reference, verification: verification)
      }
      #expect(found == .corrupted)
    }
    var longer = reference
    longer.byteCount += 1
    #expect(
      code { () throws(NeedletailError) in
        _ = try directory.open(.segment, longer, verification: .structure)
      } == .corrupted)
  }

  @Test func missingThingsAreNotFound() throws {
    let fileSystem = InMemoryFileSystem()
    #expect(
      code { () throws(NeedletailError) in
        _ = try IndexDirectory("none", in: fileSystem).manifest()
      } == .notFound)
    try fileSystem.makeDirectory("bare")
    do {
      _ = try IndexDirectory("bare", in: fileSystem).manifest()
      Issue.record("an index without CURRENT was opened")
    } catch {
      #expect(error.code == .notFound && error.message.contains("CURRENT"))
    }
    #expect(
      code { () throws(NeedletailError) in try buildIndex("no/such/parent", in: fileSystem) }
        == .notFound)
    #expect(
      code { () throws(NeedletailError) in try buildIndex("", in: fileSystem) }
        == .invalidConfiguration)
  }

  @Test func oldGenerationsCannotBePublishedAgain() throws {
    let fileSystem = InMemoryFileSystem()
    try buildIndex("index", in: fileSystem)
    let directory = IndexDirectory("index", in: fileSystem)
    #expect(
      code { () throws(NeedletailError) in try directory.publish(sampleManifest(1)) }
        == .invalidConfiguration)
    try directory.publish(sampleManifest(5))
    #expect(try directory.manifest() == sampleManifest(5))
    #expect(try directory.manifest(1).generation == 1)
    try fileSystem.rename("index/generations/1.manifest", to: "index/generations/4.manifest")
    #expect(code { () throws(NeedletailError) in _ = try directory.manifest(4) } == .corrupted)
  }

  @Test func aTargetThatExistsIsRefusedFirstAndLast() throws {
    let fileSystem = InMemoryFileSystem()
    try fileSystem.makeDirectory("index")
    let log = FaultyFileSystem(fileSystem)
    #expect(
      code { () throws(NeedletailError) in try buildIndex("index", in: log) } == .alreadyExists)
    #expect(log.log == ["kind index"], "nothing else was touched")

    let builder = try IndexDirectoryBuilder(target: "other", in: fileSystem)
    try builder.directory.publish(sampleManifest(1))
    try fileSystem.setContents("other", [1])
    #expect(code { () throws(NeedletailError) in try builder.finish() } == .alreadyExists)
    #expect(fileSystem.allFiles() == ["other"])
  }

  @Test func leftoversAreFoundAndPartialFilesRemoved() throws {
    let fileSystem = InMemoryFileSystem()
    try buildIndex("index", in: fileSystem)
    let directory = IndexDirectory("index", in: fileSystem)
    try fileSystem.setContents("index/CURRENT.partial", [1])
    try fileSystem.setContents("index/segments/new.partial", [1])
    try fileSystem.setContents("index/generations/2.manifest.partial", [1])
    // What a killed writer left is no obstacle for the next one.
    try directory.publish(sampleManifest(2))
    #expect(try directory.removePartialFiles() == ["index/segments/new.partial"])
    try fileSystem.makeDirectory("index.building-1-1")
    #expect(
      try IndexDirectoryBuilder.leftovers(of: "index", in: fileSystem) == ["index.building-1-1"])
    do {
      let builder = try IndexDirectoryBuilder(target: "second", in: fileSystem)
      #expect(
        try IndexDirectoryBuilder.leftovers(of: "second", in: fileSystem)
          == [builder.directory.path])
    }
    #expect(try IndexDirectoryBuilder.leftovers(of: "second", in: fileSystem).isEmpty)
  }

  @Test func aRealDiskHoldsARealIndex() throws {
    let temporary = try TemporaryDirectory()
    let fileSystem = LocalFileSystem()
    try buildIndex(temporary("index") + "//", in: fileSystem)
    #expect(try fileSystem.list(temporary.path) == ["index"])
    let directory = IndexDirectory(temporary("index"), in: fileSystem)
    let reference = try #require(try directory.manifest().segments.first)
    let file = try directory.open(.segment, reference, verification: .full)
    #expect(file.region.isMapped)
    #expect(
      code { () throws(NeedletailError) in try buildIndex(temporary("index"), in: fileSystem) }
        == .alreadyExists)
    try directory.publish(sampleManifest(2, [reference]))
    #expect(try directory.manifest().generation == 2)
  }
}
