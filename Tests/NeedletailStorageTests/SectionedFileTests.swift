import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// What the tests put into a container, and what must come out again.
struct Sample: Hashable {
  var sections: [(kind: SectionKind, count: Int, bytes: [UInt8])]

  static func == (a: Sample, b: Sample) -> Bool {
    a.sections.elementsEqual(b.sections) { $0.kind == $1.kind && $0.bytes == $1.bytes }
  }

  func hash(into hasher: inout Hasher) { hasher.combine(sections.count) }

  static let small = Sample(sections: [
    (SectionKind("ONE "), 3, [1, 2, 3]),
    (SectionKind("NONE"), 0, []),
    (SectionKind("TWO "), 10, (0..<100).map { UInt8($0) }),
  ])

  /// Sections about the ends of blocks.
  static func large(_ sizes: [Int]) -> Sample {
    var generator = SplitMix64(seed: UInt64(sizes.count))
    let names = [SectionKind("AAAA"), SectionKind("BBBB"), SectionKind("CCCC")]
    return Sample(
      sections: zip(names, sizes).map { kind, size in
        (kind, size, (0..<size).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
      })
  }

  /// Writes the sample, in pieces of a length.
  func encoded(
    _ format: FileFormat = .quantizer, piece: Int = .max, optionalFeatures: UInt64 = 0
  ) throws(NeedletailError) -> (bytes: [UInt8], hash: ContentHash) {
    let fileSystem = InMemoryFileSystem()
    let writer = try SectionedFileWriter(
      format, at: "file", in: fileSystem, optionalFeatures: optionalFeatures)
    for section in sections {
      try writer.beginSection(section.kind, count: section.count)
      var rest = section.bytes[...]
      while !rest.isEmpty {
        try writer.append(Array(rest.prefix(piece)))
        rest = rest.dropFirst(piece)
      }
      writer.endSection()
    }
    let (hash, byteCount) = try writer.finish()
    let bytes = fileSystem.contents("file") ?? []
    #expect(bytes.count == byteCount)
    return (bytes, hash)
  }

  init(sections: [(kind: SectionKind, count: Int, bytes: [UInt8])]) { self.sections = sections }

  /// Reads all sections of a file.
  init(_ file: SectionedFile) {
    sections = file.sections.map { section in
      unsafe (section.kind, section.count, [UInt8](file.bytes(section)))
    }
  }
}

func open(
  _ bytes: [UInt8], _ format: FileFormat = .quantizer, _ verification: Verification = .full
) throws(NeedletailError) -> SectionedFile {
  try SectionedFile(MappedRegion(bytes, path: "file"), format, verification: verification)
}

@Suite struct SectionedFileTests {
  @Test func sectionsComeBackAlignedInOrder() throws {
    let (bytes, hash) = try Sample.small.encoded()
    for verification: Verification in [.structure, .full] {
      let file = try open(bytes, .quantizer, verification)
      #expect(Sample(file) == .small)
      #expect(file.contentHash == hash && file.computedHash() == hash)
      #expect(file.sections.map(\.count) == [3, 0, 10])
      #expect(file.sections.allSatisfy { $0.byteOffset.isMultiple(of: 64) })
      #expect(try file.damagedBlocks().isEmpty)
    }
    let file = try open(bytes)
    #expect(try file.section(SectionKind("TWO "), count: 10, stride: 10).byteCount == 100)
    for (count, stride) in [(10, 9), (9, 10), (Int.max, 2), (100, 1)] {
      #expect(throws: NeedletailError.self) {
        try file.section(SectionKind("TWO "), count: count, stride: stride)
      }
    }
    #expect(throws: NeedletailError.self) { try file.section(SectionKind("GONE")) }
    #expect(!file.hasSection(SectionKind("GONE")) && file.hasSection(SectionKind("NONE")))
    var reader = file.reader(try file.section(SectionKind("ONE ")))
    let first = try reader.readBytes(3)
    #expect(first == [1, 2, 3])
  }

  @Test(arguments: [FileFormat.segment, .quantizer, .manifest])
  func everyFormatHoldsNoSectionAtAll(format: FileFormat) throws {
    let (bytes, _) = try Sample(sections: []).encoded(format)
    #expect(bytes.count == format.headerByteCount + 4 + 48)
    #expect(try open(bytes, format).sections.isEmpty)
    for other in [FileFormat.segment, .quantizer, .manifest] where other != format {
      #expect(
        code { () throws(NeedletailError) in _ = try open(bytes, other) } == .unsupportedFormat)
    }
  }

  /// Bodies that end just before, at and after the end of a block.
  @Test(arguments: [
    65_024, 65_025, 65_023, 64_960, 64_961, 65_536, 131_072 - 512, 131_073, 200_000,
  ])
  func filesOfManyBlocksAreSound(size: Int) throws {
    let sample = Sample.large([size, 5, 70_000])
    let (bytes, hash) = try sample.encoded()
    let file = try open(bytes)
    #expect(Sample(file) == sample && file.computedHash() == hash)
    for piece in [1_000, 65_536, 65_535, 200_001] {
      #expect(try sample.encoded(piece: piece).bytes == bytes)
    }
  }

  @Test func identityFollowsEveryByteAndName() throws {
    var hashes = [try Sample.small.encoded().hash]
    for section in [0, 2] {
      var other = Sample.small
      other.sections[section].bytes[0] ^= 1
      hashes.append(try other.encoded().hash)
      other = .small
      other.sections[section].count += 1
      hashes.append(try other.encoded().hash)
    }
    hashes.append(try Sample.small.encoded(optionalFeatures: 1).hash)
    #expect(Set(hashes).count == hashes.count)
  }

  @Test func optionalFeaturesAreIgnoredAndShown() throws {
    let (bytes, _) = try Sample.small.encoded(optionalFeatures: 0x8000_0000_0000_0001)
    #expect(try open(bytes).optionalFeatures == 0x8000_0000_0000_0001)
  }

  @Test func damageIsReportedByBlockAndSection() throws {
    var (bytes, _) = try Sample.large([70_000, 5, 200_000]).encoded()
    bytes[600] ^= 1
    bytes[250_000] ^= 1
    let file = try open(bytes, .quantizer, .structure)
    let damaged = try file.damagedBlocks()
    #expect(damaged.map(\.range) == [0..<65_536, 196_608..<262_144])
    #expect(damaged.map(\.parts) == [["header", "AAAA"], ["CCCC"]])
    #expect(file.damagedBlocks(in: 1..<3).isEmpty)
    do {
      try file.verify()
      Issue.record("damage was not seen")
    } catch {
      #expect(error.code == .corrupted && error.location?.byteOffset == 0)
      #expect(error.message.contains("2 of 5 blocks"))
    }
    // The last 4 bytes of the checksum table, before the footer.
    bytes[bytes.count - 49] ^= 1
    let parts = try open(bytes, .quantizer, .structure).damagedBlocks().map(\.parts)
    #expect(parts.first == ["checksum table"])
  }

  @Test(arguments: [3, 65_000, 65_536, 400_000])
  func tamperingGivesASoundFileOfAnotherIdentity(size: Int) throws {
    let (original, hash) = try Sample.large([100, size, 70_000]).encoded()
    var bytes = original
    #expect(Tampering.mend(&bytes, .quantizer) == hash && bytes == original)
    let changed = try Tampering.change(SectionKind("BBBB"), of: &bytes, .quantizer) {
      $0[size - 1] ^= 0xff
    }
    let file = try open(bytes)
    #expect(file.contentHash == changed && changed != hash)
    #expect(
      Sample(file).sections[1].bytes.last == original[file.sections[1].range.upperBound - 1] ^ 0xff)
  }

  @Test func theFormatOfToday() throws {
    let container = try Sample.small.encoded(optionalFeatures: 2).bytes
    #expect(try GoldenFile.contents("container.quantizer", recording: container) == container)
    let fileSystem = InMemoryFileSystem()
    let segment = FileReference(hash: ContentHash(16..<32), byteCount: 1 << 40, rowCount: 200_000)
    try fileSystem.makeDirectory("index")
    try fileSystem.makeDirectory("index/generations")
    try IndexDirectory("index", in: fileSystem).publish(sampleManifest(7, [segment]))
    for (name, path) in [
      ("7.manifest", "index/generations/7.manifest"), ("CURRENT", "index/CURRENT"),
    ] {
      let bytes = try #require(fileSystem.contents(path))
      #expect(try GoldenFile.contents(name, recording: bytes) == bytes)
    }
  }

  @Test func verifyingCanBeCancelled() throws {
    let file = try open(Sample.small.encoded().bytes)
    let monitor = WorkMonitor()
    monitor.cancel()
    #expect(
      code { () throws(NeedletailError) in try file.verify(monitor: monitor) } == .cancelled)
  }
}

func code(_ body: () throws(NeedletailError) -> Void) -> NeedletailError.Code? {
  do throws(NeedletailError) { try body() } catch { return error.code }
  return nil
}
