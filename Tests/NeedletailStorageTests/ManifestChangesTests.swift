import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// What a manifest says of the log and of removed rows.
@Suite struct ManifestChangesTests {
  static func sample() -> Manifest {
    let rows: [UInt64] = [10, 0, 5]
    var manifest = sampleManifest(
      4,
      rows.enumerated().map {
        FileReference(hash: ContentHash([UInt8($0)]), byteCount: 9, rowCount: $1)
      })
    manifest.sealedLSN = 77
    manifest.sourceOffsets = ["orders": 12, "b": .max, "ärger": 0]
    manifest.tombstones = [[0, 3, 9], [], [4]]
    return manifest
  }

  private func bytes(_ manifest: Manifest) throws -> [UInt8] {
    let fileSystem = InMemoryFileSystem()
    try manifest.write(to: "m", in: fileSystem)
    return try #require(fileSystem.contents("m"))
  }

  private func read(_ bytes: [UInt8]) throws(NeedletailError) -> Manifest {
    try Manifest(MappedRegion(bytes, path: "m"))
  }

  @Test func everyCombinationComesBack() throws {
    for mask in 0..<8 {
      var manifest = Self.sample()
      if mask & 1 == 0 { manifest.sealedLSN = 0 }
      if mask & 2 == 0 { manifest.sourceOffsets = [:] }
      if mask & 4 == 0 { manifest.tombstones = [] }
      let bytes = try bytes(manifest)
      #expect(try read(bytes) == manifest)
      #expect(bytes[16] == (mask == 0 ? 0 : 1), "a program that cannot read it refuses it")
    }
  }

  @Test func theFormatOfToday() throws {
    let bytes = try bytes(Self.sample())
    #expect(try GoldenFile.contents("4.manifest", recording: bytes) == bytes)
  }

  @Test func emptyListsAreNone() throws {
    var manifest = Self.sample()
    (manifest.sealedLSN, manifest.sourceOffsets) = (0, [:])
    manifest.tombstones = []
    let plain = try bytes(manifest)
    manifest.tombstones = [[], []]
    #expect(try bytes(manifest) == plain)
    // A list that is missing at the end is there when it was read.
    manifest.tombstones = [[1]]
    #expect(manifest.tombstones(ofSegment: 2).isEmpty)
    #expect(try read(bytes(manifest)).tombstones == [[1], [], []])
    #expect(try read(bytes(manifest)).tombstones(ofSegment: 0) == [1])
  }

  @Test func theOrderOfSourcesDoesNotChangeTheFile() throws {
    var (one, other) = (Self.sample(), Self.sample())
    one.sourceOffsets = [:]
    other.sourceOffsets = [:]
    for number in 0..<50 { one.sourceOffsets["s\(number)"] = 1 }
    for number in (0..<50).reversed() { other.sourceOffsets["s\(number)"] = 1 }
    #expect(try bytes(one) == bytes(other))
  }

  @Test func everyBitFlipAndTruncationIsRefused() throws {
    let bytes = try bytes(Self.sample())
    for bit in 0..<(bytes.count * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: NeedletailError.self, "bit \(bit)") { try read(damaged) }
    }
    for length in 0..<bytes.count {
      #expect(throws: NeedletailError.self) { try read(Array(bytes.prefix(length))) }
    }
  }

  /// One change to a section whose checksums fit afterwards.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var section: SectionKind
    var change: @Sendable (inout [UInt8]) -> Void

    init(
      _ name: String, _ section: StaticString, _ change: @escaping @Sendable (inout [UInt8]) -> Void
    ) {
      testDescription = name
      self.section = SectionKind(section)
      self.change = change
    }
  }

  // SRCO: LSN, then (position, length, name) of "b", "orders", "ärger". TOMB: 3 counts, 4 ordinals.
  static let cases = [
    Case("sealed LSN 2⁶²", "SRCO") { $0.put(1 << 62 as UInt64, at: 0) },
    Case("sealed LSN 2⁶⁴−1", "SRCO") { $0.put(.max as UInt64, at: 0) },
    Case("name of 0 bytes", "SRCO") { $0.put(0 as UInt32, at: 16) },
    Case("name of 2³²−1 bytes", "SRCO") { $0.put(.max as UInt32, at: 16) },
    Case("name longer than the section", "SRCO") { $0.put(60 as UInt32, at: 16) },
    Case("name a byte longer", "SRCO") { $0.put(2 as UInt32, at: 16) },
    Case("name not UTF-8", "SRCO") { $0[20] = 0xff },
    Case("name cut within a character", "SRCO") { $0[$0.count - 6] = 0x41 },
    Case("names out of order", "SRCO") { $0[20] = UInt8(ascii: "p") },
    Case("names equal in a part", "SRCO") {
      $0.replaceSubrange(33..<39, with: Array("a\0\0\0\0\0".utf8))
    },
    Case("a list one longer", "TOMB") { $0.put(4 as UInt32, at: 0) },
    Case("a list one shorter", "TOMB") { $0.put(2 as UInt32, at: 0) },
    Case("a list of 2³²−1", "TOMB") { $0.put(.max as UInt32, at: 4) },
    Case("lists that wrap", "TOMB") { for at in [0, 4, 8] { $0.put(1 << 31 as UInt32, at: at) } },
    Case("all in the last list", "TOMB") {
      for (at, count) in [(0, 0), (8, 4)] { $0.put(UInt32(count), at: at) }
    },
    Case("an ordinal in an empty segment", "TOMB") {
      $0.put(2 as UInt32, at: 0); $0.put(1 as UInt32, at: 4)
    },
    Case("ordinal at the rows' count", "TOMB") { $0.put(10 as UInt32, at: 20) },
    Case("ordinal 2³²−1", "TOMB") { $0.put(.max as UInt32, at: 20) },
    Case("ordinal of the last segment at its count", "TOMB") { $0.put(5 as UInt32, at: 24) },
    Case("an ordinal twice", "TOMB") { $0.put(0 as UInt32, at: 16) },
    Case("ordinals that descend", "TOMB") { $0.put(9 as UInt32, at: 16) },
  ]

  @Test(arguments: cases)
  func hostileSectionsWithRightChecksums(hostile: Case) throws {
    var bytes = try bytes(Self.sample())
    try Tampering.change(hostile.section, of: &bytes, .manifest, hostile.change)
    do {
      _ = try read(bytes)
      Issue.record("\(hostile.testDescription) was read")
    } catch {
      #expect(error.code == .corrupted, "\(error)")
      #expect(error.location?.section == hostile.section.description, "\(error)")
    }
  }

  /// Lengths and counts of the sections, in the header's table: entries of 32 bytes from byte 64.
  @Test(arguments: [
    ("sources counted one more", 4, 24, 4 as UInt64), ("sources counted one less", 4, 24, 2),
    ("2⁶² sources", 4, 24, 1 << 62), ("sources of 0 bytes", 4, 16, 0),
    ("sources of 4 bytes", 4, 16, 4), ("sources a byte short", 4, 16, 66),
    ("no source, and bytes", 4, 24, 0), ("tombstones counted one more", 5, 24, 5),
    ("no tombstone, and bytes", 5, 24, 0), ("2⁶² tombstones", 5, 24, 1 << 62),
    ("tombstones of 0 bytes", 5, 16, 0), ("tombstones of half a count", 5, 16, 2),
    ("tombstones a byte short", 5, 16, 27), ("tombstones without the last", 5, 16, 24),
    ("no required feature", -1, 16, 0),
  ])
  func hostileTables(name: String, entry: Int, field: Int, value: UInt64) throws {
    var bytes = try bytes(Self.sample())
    bytes.put(value, at: entry < 0 ? field : 64 + 32 * entry + field)
    Tampering.mend(&bytes, .manifest)
    #expect(
      code { () throws(NeedletailError) in _ = try read(bytes) } == .corrupted, "\(name)")
  }

  @Test func aFeatureWithoutCauseIsRefused() throws {
    var bytes = try bytes(sampleManifest(1))
    bytes.put(1 as UInt64, at: 16)
    Tampering.mend(&bytes, .manifest)
    #expect(code { () throws(NeedletailError) in _ = try read(bytes) } == .corrupted)
    bytes.put(2 as UInt64, at: 16)
    Tampering.mend(&bytes, .manifest)
    #expect(code { () throws(NeedletailError) in _ = try read(bytes) } == .unsupportedFormat)
  }

  /// Two spellings of one name are one key to a dictionary, and must not become two sources.
  @Test func namesThatUnicodeCallsEqualAreOne() throws {
    var manifest = Self.sample()
    manifest.sourceOffsets = ["e\u{301}": 1, "xyz": 2]
    var bytes = try bytes(manifest)
    try Tampering.change(SectionKind("SRCO"), of: &bytes, .manifest) { section in
      // The second name, of three bytes as well, becomes the composed form and a digit.
      section.replaceSubrange(35..<38, with: Array("\u{e9}1".utf8))
    }
    #expect(try read(bytes).sourceOffsets.count == 2)
    manifest.sourceOffsets = ["e\u{301}": 1, "xy": 2]
    bytes = try self.bytes(manifest)
    try Tampering.change(SectionKind("SRCO"), of: &bytes, .manifest) { section in
      section.replaceSubrange(35..<37, with: Array("\u{e9}".utf8))
    }
    #expect(code { () throws(NeedletailError) in _ = try read(bytes) } == .corrupted)
  }
}
