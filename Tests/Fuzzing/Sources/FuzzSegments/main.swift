import CFuzzer
import NeedletailCore
import NeedletailEngine
import NeedletailStorage
import _NeedletailTestSupport

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// `Tests/Fixtures/v1`, found from the place of this source file.
private let fixtures =
  "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/Fixtures/v1"

/// The golden indexes, one for each kind of segment; the last byte of an input says which.
private let indexes = try [
  "bare", "cosine", "half", "lossless", "product", "turbo", "attributes",
]
.map { try FuzzedIndex(kind: $0) }

/// Filters that look at every kind of column of the golden index with attributes.
private let filters: [Filter] = [
  attribute("price") < 20, attribute("year").isIn(0...3000), attribute("code").exists,
  attribute("code") == 7, attribute("brand").isOne(of: ["acme", "bolt"]), tag("new"),
  .allow([0, 3, .max]) || !(attribute("brand") == "acme"),
]

/// An index whose segment is replaced by any bytes.
struct FuzzedIndex {
  private let current: [UInt8]
  private let manifest: Manifest
  private let quantizer: [UInt8]?

  init(kind: String) throws {
    func golden(_ name: String) throws -> MappedRegion {
      try LocalFileSystem().map("\(fixtures)/index-\(kind).\(name)")
    }
    current = try golden("CURRENT").array()
    manifest = try Manifest(golden("manifest"))
    quantizer = manifest.quantizers.isEmpty ? nil : try golden("quantizer").array()
  }

  /// Opens the index with these bytes as its segment, and does to it everything that reads them.
  func run(_ bytes: [UInt8], _ verification: Verification) throws(NeedletailError) {
    let file = try SectionedFile(
      MappedRegion(bytes, path: "s"), .segment, verification: .structure)
    var changed = manifest
    // The manifest agrees with whatever the segment says of itself.
    var rows = changed.segments[0].rowCount
    if let section = try? file.section(SectionKind("PARM")), section.byteCount >= 48 {
      rows = bytes.number(at: section.byteOffset + 40, byteCount: 8)
    }
    guard rows <= UInt64(Limits.rowsPerSegment) else { return }
    changed.segments[0] = FileReference(
      hash: file.contentHash, byteCount: UInt64(bytes.count), rowCount: rows)
    // A new one each time: the fake keeps what was removed.
    let fileSystem = InMemoryFileSystem()
    let directory = IndexDirectory("i", in: fileSystem)
    for name in ["", "/generations", "/quantizers", "/segments"] {
      try fileSystem.makeDirectory("i" + name)
    }
    try fileSystem.setContents("i/CURRENT", current)
    try changed.write(to: directory.manifestPath(manifest.generation), in: fileSystem)
    try fileSystem.setContents(directory.path(of: .segment, file.contentHash), bytes)
    if let quantizer, let reference = manifest.quantizers.first {
      try fileSystem.setContents(directory.path(of: .quantizer, reference.hash), quantizer)
    }
    let generation = try OpenGeneration.open(
      "i", in: fileSystem, placements: Placements(), verification: verification)
    for segment in generation.segments { try Self.exercise(segment) }
  }

  private static func exercise(_ segment: SealedSegment) throws(NeedletailError) {
    var random = SplitMix64(seed: 3)
    for parameters in [
      SearchParameters(k: 3, efSearch: 10),
      SearchParameters(k: 5, efSearch: 8, evaluationLimit: max(1, segment.count - 1)),
      SearchParameters(k: 30, efSearch: 4, rerankCandidates: 0, evaluationLimit: 7),
    ] {
      for round in 0..<2 {
        let query = (0..<segment.parameters.options.dimensions).map {
          round == 0 ? random.nextGaussian() : Float($0 + 1)
        }
        var answers = [Neighbor](
          repeating: Neighbor(id: 0, distance: 0), count: min(parameters.k, max(1, segment.count)))
        let outcome = unsafe try segment.search(query, parameters, into: &answers)
        precondition(outcome.count <= answers.count, "more answers than there is room for")
      }
    }
    for ordinal in 0..<UInt32(min(3, segment.count)) { _ = segment.attributes(of: ordinal) }
    let query = [Float](repeating: 1, count: segment.parameters.options.dimensions)
    for filter in filters {
      let rows = try segment.rows(matching: filter)
      var answers = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 4)
      let outcome = unsafe try segment.search(
        query, SearchParameters(k: 4, efSearch: 8), among: rows, into: &answers)
      precondition(outcome.count <= min(4, rows.count), "more answers than rows that match")
    }
    _ = segment.inspect(limit: 3)
    _ = segment.graphShape()
    for id in segment.sortedIDs.prefix(3) + [0, .max] { _ = segment.ordinal(of: id) }
  }
}

func fuzz(_ input: [UInt8]) {
  guard let mode = input.last else { return }
  var bytes = Array(input.dropLast())
  if mode & 1 == 1 { FuzzTarget.mend(&bytes, .segment) }
  let index = indexes[Int(mode >> 4) % indexes.count]
  do throws(NeedletailError) {
    try index.run(bytes, mode & 2 == 2 ? .full : .structure)
  } catch {
    let isExpected = [.corrupted, .unsupportedFormat, .nonFiniteComponent].contains(error.code)
    precondition(isExpected, "an error that bytes cannot cause: \(error)")
  }
}

var count = CommandLine.argc
var arguments = unsafe CommandLine.unsafeArgv
exit(
  unsafe LLVMFuzzerRunDriver(&count, &arguments) { data, size in
    unsafe fuzz([UInt8](UnsafeBufferPointer(start: data, count: size)))
    return 0
  })
