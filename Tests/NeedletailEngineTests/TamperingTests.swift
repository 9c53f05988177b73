import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Changes by somebody who knows the format: every checksum fits, the contents lie.
@Suite("Tampering")
struct TamperingTests {
  /// What must come of it.
  enum Outcome {
    /// Refused at open, in both modes.
    case refused
    /// Opened for structure and safe to search; found by a look at the contents.
    case found
    /// Another sound index: safe to search, nothing to find.
    case harmless
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let kind: SmallIndex.Kind
    let section: SectionKind
    let outcome: Outcome
    let change: @Sendable (inout [UInt8]) -> Void
    var testDescription: String { "\(kind), \(section): \(name)" }

    init(
      _ kind: SmallIndex.Kind, _ section: SectionKind, _ outcome: Outcome, _ name: String,
      _ change: @escaping @Sendable (inout [UInt8]) -> Void
    ) {
      self.name = name
      self.kind = kind
      self.section = section
      self.outcome = outcome
      self.change = change
    }
  }

  // PARM: dimensions 0, metric 4, form 8, codes 12, precise 16, m 20, efConstruction 24, flags 28, seed 32,
  // count 40, levels 48, reserved 52, rows per level 56, repaired 184, unreachable 192, quantizer 200.
  private static func parameter<Value: FixedWidthInteger & Sendable>(
    _ outcome: Outcome, _ name: String, _ value: Value, at offset: Int,
    _ kind: SmallIndex.Kind = .cosine
  ) -> Case {
    Case(kind, SegmentSection.parameters, outcome, name) { $0.put(value, at: offset) }
  }

  static let parameters: [Case] = [
    parameter(.refused, "dimensions 0", UInt32(0), at: 0),
    parameter(.refused, "dimensions 7", UInt32(7), at: 0),
    parameter(.refused, "dimensions 9", UInt32(9), at: 0),
    parameter(.refused, "dimensions 16385", UInt32(16_385), at: 0),
    parameter(.refused, "dimensions 2³²−1", UInt32.max, at: 0),
    parameter(.refused, "dimensions 7 without codes", UInt32(7), at: 0, .bare),
    parameter(.refused, "metric l2", UInt32(0), at: 4),
    parameter(.refused, "metric ip", UInt32(1), at: 4, .bare),
    parameter(.refused, "metric 3", UInt32(3), at: 4),
    parameter(.refused, "form 0", UInt32(0), at: 8),
    parameter(.refused, "form 5", UInt32(5), at: 8),
    parameter(.refused, "form lossless", UInt32(1), at: 8),
    parameter(.refused, "form of rows", UInt32(4), at: 8),
    parameter(.refused, "form global", UInt32(3), at: 8, .product),
    parameter(.refused, "codes none", UInt32(0), at: 12),
    parameter(.refused, "codes 2", UInt32(2), at: 12),
    parameter(.refused, "codes where none are", UInt32(1), at: 12, .bare),
    parameter(.harmless, "rows forgotten", UInt32(0), at: 16),
    parameter(.refused, "nothing to search", UInt32(0), at: 16, .bare),
    parameter(.refused, "rows that are not there", UInt32(1), at: 16, .product),
    parameter(.refused, "f32 as bf16", UInt32(2), at: 16),
    parameter(.refused, "bf16 as f32", UInt32(1), at: 16, .bare),
    parameter(.harmless, "bf16 as f16", UInt32(3), at: 16, .bare),
    parameter(.refused, "f32 as given halves", UInt32(4), at: 16),
    parameter(.refused, "given halves without codes", UInt32(4), at: 16, .bare),
    parameter(.refused, "given halves as f32", UInt32(1), at: 16, .half),
    parameter(.refused, "rows 5", UInt32(5), at: 16),
    parameter(.refused, "m 0", UInt32(0), at: 20),
    parameter(.refused, "m 1", UInt32(1), at: 20),
    parameter(.refused, "m 2", UInt32(2), at: 20),
    parameter(.refused, "m 4", UInt32(4), at: 20),
    parameter(.refused, "m 129", UInt32(129), at: 20),
    parameter(.refused, "m 2³¹", UInt32(1 << 31), at: 20),
    parameter(.refused, "efConstruction 0", UInt32(0), at: 24),
    parameter(.refused, "efConstruction 2³²−1", UInt32.max, at: 24),
    parameter(.harmless, "efConstruction 13", UInt32(13), at: 24),
    parameter(.refused, "an unknown flag", UInt32(12), at: 28),
    parameter(.refused, "no quantizer", UInt32(0), at: 28),
    parameter(.refused, "links of an unknown kind", UInt32(4 | 77 << 8), at: 28),
    parameter(.harmless, "seed", UInt64.max, at: 32),
    parameter(.refused, "count 0", UInt64(0), at: 40),
    parameter(.refused, "count 23", UInt64(23), at: 40),
    parameter(.refused, "count 25", UInt64(25), at: 40),
    parameter(.refused, "count 2³¹", UInt64(1 << 31), at: 40),
    parameter(.refused, "count 2⁶³", UInt64(1) << 63, at: 40),
    parameter(.refused, "count 2⁶⁴−1", UInt64.max, at: 40, .bare),
    parameter(.refused, "levels 0", UInt32(0), at: 48),
    parameter(.refused, "levels 1", UInt32(1), at: 48),
    parameter(.refused, "levels 17", UInt32(17), at: 48),
    parameter(.refused, "levels 2³²−1", UInt32.max, at: 48),
    parameter(.refused, "a growth that is none", Float.nan.bitPattern, at: 52),
    parameter(.refused, "a negative growth", Float(-1).bitPattern, at: 52),
    parameter(.refused, "a growth without end", Float.infinity.bitPattern, at: 52),
    parameter(.harmless, "another growth", Float(0.5).bitPattern, at: 52),
    parameter(.refused, "level 0 of 23", UInt64(23), at: 56),
    parameter(.refused, "level 1 of 0", UInt64(0), at: 64),
    parameter(.refused, "level 1 of 25", UInt64(25), at: 64),
    parameter(.refused, "level 1 of 2⁶³", UInt64(1) << 63, at: 64),
    parameter(.refused, "level 1 of 24", UInt64(24), at: 64),
    parameter(.found, "unreachable 1", UInt64(1), at: 192),
    parameter(.harmless, "repaired many", UInt64.max, at: 184),
    parameter(.refused, "another quantizer", UInt64.max, at: 200),
  ]

  private static func links(
    _ name: String, _ section: SectionKind = SegmentSection.baseLinks,
    _ kind: SmallIndex.Kind = .cosine,
    _ change: @escaping @Sendable (inout [UInt8]) -> Void
  ) -> Case { Case(kind, section, .found, name, change) }

  private static func fill(_ bytes: inout [UInt8], _ value: UInt32, _ range: Range<Int>? = nil) {
    for place in range ?? 0..<(bytes.count / 4) { bytes.put(value, at: place * 4) }
  }

  static let graph: [Case] = SmallIndex.Kind.allCases.flatMap { kind in
    [
      links("a link to itself", kind: kind) { $0.put(UInt32(0), at: 0) },
      links("a link twice", kind: kind) { $0.replaceSubrange(4..<8, with: $0[0..<4]) },
      links("a link to row 24", kind: kind) { $0.put(UInt32(24), at: 0) },
      links("a link to row 2³¹", kind: kind) { $0.put(UInt32(1 << 31), at: 24) },
      links("a link to row 2³²−2", kind: kind) { $0.put(UInt32.max - 1, at: 48) },
      links("a hole", kind: kind) {
        $0.put(UInt32.max, at: 0)
        $0.put(UInt32(3), at: 4)
      },
      links("no links at all", kind: kind) { fill(&$0, .max) },
      links("an entry without links", kind: kind) { fill(&$0, .max, 0..<6) },
      links("all links to the entry", kind: kind) { fill(&$0, 0) },
      links("all links to row 23", kind: kind) { fill(&$0, 23) },
      links("all links out of range", kind: kind) { fill(&$0, 0x7fff_ffff) },
      links("bytes of one kind", kind: kind) { $0 = [UInt8](repeating: 0x17, count: $0.count) },
      links("an upper link to itself", SegmentSection.upperLinks, kind) {
        $0.put(UInt32(0), at: 0)
      },
      links("an upper link beyond its level", SegmentSection.upperLinks, kind) {
        $0.put(UInt32(23), at: 0)
      },
      links("upper links out of range", SegmentSection.upperLinks, kind) { fill(&$0, 1 << 30) },
    ]
    // In turbo mode the links of level 0 stand in the rows: `TurboDamageTests` forges those.
  }.filter { $0.kind != .turbo || $0.section == SegmentSection.upperLinks }

  private static func links(
    _ name: String, kind: SmallIndex.Kind, _ change: @escaping @Sendable (inout [UInt8]) -> Void
  ) -> Case { links(name, SegmentSection.baseLinks, kind, change) }

  static let contents: [Case] = [
    Case(.cosine, SegmentSection.ids, .found, "an id twice") {
      $0.replaceSubrange(0..<8, with: $0[8..<16])
    },
    Case(.cosine, SegmentSection.ids, .found, "all ids 0") {
      $0 = [UInt8](repeating: 0, count: $0.count)
    },
    Case(.bare, SegmentSection.ids, .found, "ids out of order") {
      let first = Array($0[0..<8])
      $0.replaceSubrange(0..<8, with: $0[8..<16])
      $0.replaceSubrange(8..<16, with: first)
    },
    Case(.cosine, SegmentSection.idOrder, .found, "row 24") { $0.put(UInt32(24), at: 0) },
    Case(.cosine, SegmentSection.idOrder, .found, "row 2³²−1") { $0.put(UInt32.max, at: 44) },
    Case(.cosine, SegmentSection.idOrder, .found, "a row twice") {
      $0.replaceSubrange(0..<4, with: $0[4..<8])
    },
    Case(.product, SegmentSection.idOrder, .found, "all rows 0") { fill(&$0, 0) },
    Case(.cosine, SegmentSection.norms, .found, "NaN") { $0.put(Double.nan.bitPattern, at: 0) },
    Case(.cosine, SegmentSection.norms, .found, "infinity") {
      $0.put(Double.infinity.bitPattern, at: 8)
    },
    Case(.cosine, SegmentSection.norms, .found, "0") { $0.put(Double(0).bitPattern, at: 16) },
    Case(.cosine, SegmentSection.norms, .found, "−1") { $0.put(Double(-1).bitPattern, at: 184) },
    Case(.half, SegmentSection.norms, .found, "NaN, used") { $0.put(Double.nan.bitPattern, at: 0) },
    Case(.half, SegmentSection.norms, .found, "infinity, used") {
      $0.put(Double.infinity.bitPattern, at: 8)
    },
    Case(.half, SegmentSection.norms, .found, "0, used") { $0.put(Double(0).bitPattern, at: 16) },
    Case(.half, SegmentSection.norms, .found, "−1, used") {
      $0.put(Double(-1).bitPattern, at: 184)
    },
    Case(.half, SegmentSection.norms, .found, "tiny, used") {
      $0.put(Double(1e-300).bitPattern, at: 24)
    },
    Case(.half, SegmentSection.norms, .found, "another one, used") {
      $0.put(Double(1.5).bitPattern, at: 24)
    },
    Case(.half, SegmentSection.rows, .found, "NaN of a half") { $0.put(UInt16(0x7e00), at: 2) },
    Case(.cosine, SegmentSection.rows, .found, "NaN") { $0.put(Float.nan.bitPattern, at: 4) },
    Case(.cosine, SegmentSection.rows, .found, "all NaN") { fill(&$0, Float.nan.bitPattern) },
    Case(.cosine, SegmentSection.rows, .found, "−infinity") {
      $0.put((-Float.infinity).bitPattern, at: 764)
    },
    Case(.bare, SegmentSection.rows, .found, "NaN") { $0.put(UInt16(0x7fc0), at: 2) },
    Case(.bare, SegmentSection.rows, .found, "infinity") { $0.put(UInt16(0xff80), at: 382) },
    Case(.cosine, SegmentSection.terms, .found, "a norm of 2³¹−1") { $0.put(Int32.max, at: 0) },
    Case(.cosine, SegmentSection.terms, .found, "a norm of −2³¹") { $0.put(Int32.min, at: 4) },
    Case(.cosine, SegmentSection.terms, .found, "a norm one off") { $0[8] ^= 1 },
    Case(.lossless, SegmentSection.terms, .found, "norms of 0") {
      $0 = [UInt8](repeating: 0, count: $0.count)
    },
    Case(.cosine, SegmentSection.codes, .found, "a code changed") { $0[0] ^= 0x80 },
    Case(.cosine, SegmentSection.codes, .found, "padding that is not zero") { $0[63] = 0 },
    Case(.lossless, SegmentSection.codes, .found, "all codes 255") {
      $0 = [UInt8](repeating: 255, count: $0.count)
    },
    Case(.product, SegmentSection.terms, .found, "a factor NaN") {
      $0.put(Float.nan.bitPattern, at: 0)
    },
    Case(.product, SegmentSection.terms, .found, "a factor −infinity") {
      $0.put((-Float.infinity).bitPattern, at: 8)
    },
    Case(.product, SegmentSection.terms, .found, "a bias NaN") {
      $0.put(Float.nan.bitPattern, at: 12)
    },
    Case(.product, SegmentSection.terms, .found, "all NaN") { fill(&$0, Float.nan.bitPattern) },
    Case(.product, SegmentSection.terms, .found, "all infinite") {
      fill(&$0, Float.infinity.bitPattern)
    },
    Case(.product, SegmentSection.terms, .harmless, "a huge factor") {
      $0.put(Float.greatestFiniteMagnitude.bitPattern, at: 16)
    },
  ]

  private func judge(
    _ fileSystem: InMemoryFileSystem, _ index: SmallIndex, _ outcome: Outcome, _ name: String
  ) throws {
    for verification: Verification in [.structure, .full] {
      for isMapped in [false, true] {
        var placements = Placements()
        if isMapped {
          (placements.codes, placements.graph, placements.ids) = (.mapped, .mapped, .mapped)
        }
        do throws(NeedletailError) {
          let segment = try OpenGeneration.open(
            SmallIndex.path, in: fileSystem, placements: placements, verification: verification
          ).segment
          #expect(outcome != .refused, "\(name) was opened")
          #expect(outcome == .harmless || verification == .structure, "\(name) was not found")
          do {
            try SmallIndex.exercise(segment)
            #expect(segment.inspect(limit: 3).isEmpty == (outcome == .harmless), "\(name)")
          } catch { #expect(error is NeedletailError, "\(name): \(error)") }
        } catch {
          #expect(outcome != .harmless, "\(name): \(error)")
          #expect(outcome == .refused || verification == .full, "\(name): \(error)")
          #expect(error.code == .corrupted || error.code == .unsupportedFormat, "\(name): \(error)")
          #expect(error.location != nil, "\(name) has no place")
        }
      }
    }
  }

  @Test("Segments", arguments: parameters + graph + contents + attributes)
  func segments(hostile: Case) throws {
    let index = try SmallIndex(hostile.kind)
    let fileSystem = try index.fileSystem()
    let directory = IndexDirectory(SmallIndex.path, in: fileSystem)
    try Tampering.changeSegment(0, hostile.section, in: directory, hostile.change)
    try judge(fileSystem, index, hostile.outcome, hostile.testDescription)
  }

  @Test("Quantizers that the segment and the manifest agree on")
  func quantizers() throws {
    let (constants, centre, signs) = (SectionKind("CNST"), SectionKind("CNTR"), SectionKind("SIGN"))
    let cases: [Case] = [
      Case(.cosine, constants, .refused, "dimensions") { $0.put(UInt32(9), at: 0) },
      Case(.cosine, constants, .refused, "metric") { $0.put(UInt32(0), at: 4) },
      Case(.cosine, constants, .refused, "form lossless") { $0.put(UInt32(2), at: 8) },
      Case(.cosine, constants, .refused, "form of rows") {
        $0.put(UInt32(4), at: 8)
        $0.put(UInt32(0), at: 12)
      },
      Case(.cosine, constants, .refused, "scale 0") { $0.put(UInt32(0), at: 12) },
      Case(.cosine, constants, .refused, "scale inf") { $0.put(Float.infinity.bitPattern, at: 12) },
      Case(.cosine, constants, .refused, "scale NaN") { $0.put(Float.nan.bitPattern, at: 12) },
      Case(.cosine, constants, .harmless, "scale huge") {
        $0.put(Float.greatestFiniteMagnitude.bitPattern, at: 12)
      },
      Case(.turbo, constants, .harmless, "scale huge") {
        $0.put(Float.greatestFiniteMagnitude.bitPattern, at: 12)
      },
      Case(.turbo, constants, .harmless, "scale tiny") {
        $0.put(Float(0x1p-119).bitPattern, at: 12)
      },
      Case(.lossless, constants, .refused, "scale 2") { $0.put(Float(2).bitPattern, at: 12) },
      Case(.product, constants, .refused, "scale 1") { $0.put(Float(1).bitPattern, at: 12) },
      Case(.cosine, constants, .refused, "error NaN") { $0.put(Double.nan.bitPattern, at: 16) },
      Case(.cosine, centre, .refused, "NaN") { $0.put(Float.nan.bitPattern, at: 4) },
      Case(.cosine, centre, .refused, "infinity") { $0.put(Float.infinity.bitPattern, at: 28) },
      Case(.cosine, centre, .harmless, "huge") {
        $0.put(Float.greatestFiniteMagnitude.bitPattern, at: 0)
      },
      Case(.product, centre, .harmless, "all huge") {
        Self.fill(&$0, (-Float.greatestFiniteMagnitude).bitPattern)
      },
      Case(.cosine, signs, .harmless, "other signs") {
        $0 = $0.map { $0 ^ 0xff }
      },
    ]
    for hostile in cases {
      let index = try SmallIndex(hostile.kind)
      let fileSystem = try index.fileSystem()
      let directory = IndexDirectory(SmallIndex.path, in: fileSystem)
      var manifest = try directory.manifest()
      let old = try #require(manifest.quantizers.first)
      var bytes = try #require(fileSystem.contents(directory.path(of: .quantizer, old.hash)))
      let hash = try Tampering.change(hostile.section, of: &bytes, .quantizer, hostile.change)
      try fileSystem.setContents(directory.path(of: .quantizer, hash), bytes)
      try Tampering.changeSegment(0, SegmentSection.parameters, in: directory) {
        $0.replaceSubrange(200..<216, with: hash.bytes)
      }
      manifest = try directory.manifest()
      manifest.generation += 1
      manifest.quantizers = [FileReference(hash: hash, byteCount: UInt64(bytes.count))]
      try directory.publish(manifest)
      try judge(fileSystem, index, hostile.outcome, "quantizer, \(hostile.testDescription)")
    }
  }

  @Test("Manifests that disagree with their files")
  func manifests() throws {
    let cases: [(String, SmallIndex.Kind, Outcome, (inout Manifest) -> Void)] = [
      ("dimensions 9", .cosine, .refused, { $0.dimensions = 9 }),
      ("dimensions 9", .bare, .refused, { $0.dimensions = 9 }),
      ("metric", .bare, .refused, { $0.metric = .cosine }),
      ("23 rows", .cosine, .refused, { $0.segments[0].rowCount = 23 }),
      ("0 rows", .bare, .refused, { $0.segments[0].rowCount = 0 }),
      ("no segment", .cosine, .refused, { $0.segments = [] }),
      ("two segments", .cosine, .refused, { $0.segments += $0.segments }),
      ("no quantizer", .cosine, .refused, { $0.quantizers = [] }),
      ("the last generation", .cosine, .harmless, { $0.generation = .max }),
    ]
    for (name, kind, outcome, change) in cases {
      let index = try SmallIndex(kind)
      let fileSystem = try index.fileSystem()
      let directory = IndexDirectory(SmallIndex.path, in: fileSystem)
      var manifest = try directory.manifest()
      manifest.generation += 1
      change(&manifest)
      try directory.publish(manifest)
      try judge(fileSystem, index, outcome, "manifest, \(name)")
    }
  }
}
