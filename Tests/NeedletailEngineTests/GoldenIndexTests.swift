import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Indexes that were written once and must stay readable, with the same answers, for ever.
@Suite("Golden indexes")
struct GoldenIndexTests {
  private static func name(_ kind: SmallIndex.Kind, _ path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    let ending = file.split(separator: ".").last.map(String.init) ?? file
    return "index-\(kind.rawValue).\(ending)"
  }

  @Test("Read and answer as on the day they were written", arguments: SmallIndex.Kind.allCases)
  func golden(kind: SmallIndex.Kind) throws {
    let fresh = try SmallIndex(kind)
    // The manifest names the other files by their contents, so their kept names follow from it.
    let fileSystem = InMemoryFileSystem()
    for directory in ["", "/generations", "/quantizers", "/segments"] {
      try fileSystem.makeDirectory(SmallIndex.path + directory)
    }
    func kept(_ suffix: String) throws -> [UInt8] {
      let path = try #require(fresh.files.keys.first { $0.hasSuffix(suffix) })
      let built = fresh.files[path] ?? []
      let kept = try GoldenFile.contents(Self.name(kind, path), recording: built)
      // The same rows and seed give the same bytes, on any machine and from any compiler.
      #expect(kept == built, "\(suffix) is built differently than when it was kept")
      return kept
    }
    let directory = IndexDirectory(SmallIndex.path, in: fileSystem)
    try fileSystem.setContents(directory.currentPath, kept("CURRENT"))
    try fileSystem.setContents(directory.manifestPath(1), kept(".manifest"))
    let manifest = try directory.manifest()
    try fileSystem.setContents(
      directory.path(of: .segment, manifest.segments[0].hash), kept(".segment"))
    if let quantizer = manifest.quantizers.first {
      try fileSystem.setContents(directory.path(of: .quantizer, quantizer.hash), kept(".quantizer"))
    }
    let segment = try OpenGeneration.open(
      SmallIndex.path, in: fileSystem, placements: Placements(), verification: .full
    ).segment
    #expect(segment.count == 24)
    #expect(segment.sortedIDs == fresh.world.ids.sorted())
    for row in 0..<24 {
      let query = fresh.world.row(row)
      let found = try segment.answers(query, .init(k: 3, efSearch: 24)).neighbors
      let nearest = fresh.world.exact(query, k: 1)[0]
      // Estimates of codes swap what lies closer together than they tell apart.
      if segment.hasPreciseRows { #expect(found[0].id == nearest.id, "row \(row)") }
      #expect(
        abs(Double(found[0].distance) - nearest.distance) < 0.05 * max(1, abs(nearest.distance)))
    }
  }
}
