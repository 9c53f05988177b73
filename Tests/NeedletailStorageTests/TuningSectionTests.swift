import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// The settings in a manifest.
@Suite struct TuningSectionTests {
  private static let tuning = Tuning(
    k: 10, queryCount: 2_000, source: .queries, isJudgedOnCodes: true, isCutShort: true,
    seconds: 0.75,
    kernelLevel: "avx512vnni", processor: "A processor — with a name",
    settings: [
      .init(target: 0.9, efSearch: 12, recall: 0.9001, evaluations: 312.5, nanoseconds: 17_000),
      .init(
        target: 0.99, efSearch: 76, gamma: 0.25, prefetchRows: 6, recall: 0.9899,
        evaluations: 1_084, nanoseconds: 47_000.5),
      .init(target: 1, efSearch: 1 << 20, recall: 1, evaluations: 1e9, nanoseconds: 0),
    ])

  /// The bytes of a manifest with settings, or without.
  private func manifest(_ tuning: Tuning?) throws -> [UInt8] {
    let fileSystem = InMemoryFileSystem()
    var manifest = sampleManifest(1)
    manifest.tuning = tuning
    try manifest.write(to: "m", in: fileSystem)
    return try #require(fileSystem.contents("m"))
  }

  private func read(_ bytes: [UInt8]) throws(NeedletailError) -> Manifest {
    try Manifest(MappedRegion(bytes, path: "m"))
  }

  @Test func settingsComeBackAndTheirAbsenceLeavesNoTrace() throws {
    #expect(try read(manifest(Self.tuning)).tuning == Self.tuning)
    for source in Tuning.Source.allCases {
      var tuning = Self.tuning
      tuning.source = source
      (tuning.isJudgedOnCodes, tuning.isCutShort) = (false, source == .rows)
      #expect(try read(manifest(tuning)).tuning == tuning)
    }
    let bare = try manifest(nil)
    #expect(try read(bare).tuning == nil)
    #expect(!bare.contains([UInt8]("TUNE".utf8)))
  }

  @Test func longNamesAreCutBetweenCharacters() throws {
    var tuning = Self.tuning
    tuning.processor = String(repeating: "é", count: 100)
    let kept = try #require(try read(manifest(tuning)).tuning)
    #expect(kept.processor == String(repeating: "é", count: 64))
  }

  @Test func everyBitFlipIsRefused() throws {
    let bytes = try manifest(Self.tuning)
    for bit in 0..<(bytes.count * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: NeedletailError.self) { try read(damaged) }
    }
  }

  /// Changes the section, with checksums that fit.
  private func read(changing body: (inout [UInt8]) -> Void) throws(NeedletailError) -> Tuning? {
    let fileSystem = InMemoryFileSystem()
    var manifest = sampleManifest(1)
    manifest.tuning = Self.tuning
    try manifest.write(to: "m", in: fileSystem)
    var bytes = fileSystem.contents("m") ?? []
    try Tampering.change(SectionKind("TUNE"), of: &bytes, .manifest, body)
    return try read(bytes).tuning
  }

  @Test func hostileFieldsWithRightChecksumsAreRefused() throws {
    // Offsets of the head; the names are 4 + 10 and 4 + 27 bytes long.
    let first = 32 + 14 + 31
    let cases: [(String, offset: Int, value: UInt64, byteCount: Int)] = [
      ("k 0", 4, 0, 4), ("k beyond the limit", 4, 1 << 20 + 1, 4), ("k 2³²−1", 4, .max, 4),
      ("no query", 8, 0, 4), ("source 0", 12, 0, 4), ("source 3", 12, 3, 4),
      ("unknown flag", 16, 4, 4), ("all flags", 16, .max, 4), ("no setting", 20, 0, 4),
      ("a setting too few", 20, 2, 4), ("a setting too many", 20, 4, 4),
      ("65 settings", 20, 65, 4), ("2³²−1 settings", 20, .max, 4),
      ("negative time", 24, (-1.0).bitPattern, 8),
      ("endless time", 24, 1e10.bitPattern, 8),
      ("a long name", 32, 129, 4),
      ("a name of 2³²−1 bytes", 32, .max, 4), ("no UTF-8", 36, 0xff, 1),
      ("a setting of 0 bytes", first, 0, 4), ("a setting of 47 bytes", first, 47, 4),
      ("a setting of 49 bytes", first, 49, 4), ("a setting of 2³²−1 bytes", first, .max, 4),
      ("target 0", first + 4, 0, 8), ("target −0.5", first + 4, (-0.5).bitPattern, 8),
      ("target 1.5", first + 4, 1.5.bitPattern, 8), ("target NaN", first + 4, .max, 8),
      ("target not below the next", first + 4, 0.99.bitPattern, 8),
      ("recall 1.1", first + 12, 1.1.bitPattern, 8),
      ("evaluations −1", first + 20, (-1.0).bitPattern, 8),
      ("infinite evaluations", first + 20, Double.infinity.bitPattern, 8),
      ("evaluations beyond Int", first + 20, 1e19.bitPattern, 8),
      ("infinite time", first + 28, Double.infinity.bitPattern, 8),
      ("efSearch 0", first + 36, 0, 4), ("efSearch 2²⁰+1", first + 36, 1 << 20 + 1, 4),
      ("efSearch 2³²−1", first + 36, .max, 4),
      ("gamma −1", first + 40, UInt64((-1 as Float).bitPattern), 4),
      ("gamma NaN", first + 40, UInt64(Float.nan.bitPattern), 4),
      ("infinite gamma", first + 40, UInt64(Float.infinity.bitPattern), 4),
    ]
    for hostile in cases {
      do throws(NeedletailError) {
        _ = try read { section in
          for byte in 0..<hostile.byteCount {
            section[hostile.offset + byte] = UInt8(
              truncatingIfNeeded: hostile.value >> UInt64(8 * byte))
          }
        }
        Issue.record("\(hostile.0) was read")
      } catch {
        #expect(error.code == .corrupted, "\(hostile.0): \(error)")
        #expect(error.location?.section == "TUNE" && error.location?.byteOffset != nil)
      }
    }
  }

  @Test func randomDamageWithRightChecksumsNeverEscapes() throws {
    var generator = SplitMix64(seed: 11)
    for _ in 0..<Effort.count(3_000, long: 200_000) {
      let tuning = try? read { section in
        for _ in 0..<(1 + generator.next(below: 4)) {
          let at = Int(generator.next(below: UInt64(section.count)))
          section[at] = UInt8(truncatingIfNeeded: generator.next())
        }
      }
      guard let tuning = tuning ?? nil else { continue }
      #expect((1...64).contains(tuning.settings.count) && (1...(1 << 20)).contains(tuning.k))
      for setting in tuning.settings {
        #expect(setting.target > 0 && setting.target <= 1 && setting.gamma.isFinite)
        #expect((1...(1 << 20)).contains(setting.efSearch))
      }
    }
  }

  @Test func aLayoutOfTheFutureIsLeftAside() throws {
    #expect(try read { $0[0] = 2 } == nil)
  }
}
