package import NeedletailCore
package import NeedletailStorage

/// One generation of an index, open: its manifest and its segments.
package struct OpenGeneration: Sendable {
  package let manifest: Manifest
  /// At least one, oldest first.
  package let segments: [SealedSegment]
  /// The segment of the most rows; the oldest of several.
  package let largest: SealedSegment
  /// The segments, as a search sees them.
  package let stack: SegmentStack

  /// The oldest segment, which stands for the index where one must.
  package var segment: SealedSegment { segments[0] }

  /// - Precondition: the segments are those of the manifest, in its order.
  /// - Throws: `io` when there is no memory for the rows that are dead.
  init(manifest: Manifest, segments: [SealedSegment]) throws(NeedletailError) {
    precondition(
      !segments.isEmpty && segments.count == manifest.segments.count,
      "a generation has segments, and its manifest names them")
    self.manifest = manifest
    self.segments = segments
    var largest = segments[0]
    for segment in segments where segment.count > largest.count { largest = segment }
    self.largest = largest
    var parts: [SegmentPart] = []
    for (place, segment) in segments.enumerated() {
      let dead = manifest.tombstones(ofSegment: place)
      parts.append(
        SegmentPart(
          segment: segment,
          dead: dead.isEmpty ? nil : try RowSet(rows: segment.count, ordinals: dead)))
    }
    stack = SegmentStack(sealed: parts, live: [])
  }

  /// Opens the current generation of an index directory.
  ///
  /// - Throws: `notFound`, `corrupted`, `unsupportedFormat`, `io`.
  package static func open(
    _ path: String, in fileSystem: any FileSystem, placements: Placements,
    verification: Verification
  ) throws(NeedletailError) -> OpenGeneration {
    let directory = IndexDirectory(path, in: fileSystem)
    return try open(
      directory.manifest(), directory, placements: placements, verification: verification)
  }

  /// Opens the generation that a manifest describes.
  ///
  /// Files that `present` has open already are not opened again.
  static func open(
    _ manifest: Manifest, _ directory: IndexDirectory, placements: Placements,
    verification: Verification, present: OpenGeneration? = nil
  ) throws(NeedletailError) -> OpenGeneration {
    guard !manifest.segments.isEmpty else {
      throw NeedletailError(
        .corrupted, "The generation has no segments.",
        at: .init(path: directory.manifestPath(manifest.generation)))
    }
    var quantizers: [ContentHash: Quantizer] = [:]
    for segment in present?.segments ?? [] {
      if let hash = segment.parameters.quantizer { quantizers[hash] = segment.quantizer }
    }
    for file in manifest.quantizers where quantizers[file.hash] == nil {
      // Small, and used for every query: always read in full.
      quantizers[file.hash] = try Quantizer.read(
        directory.open(.quantizer, file, verification: .full), dimensions: manifest.dimensions,
        metric: manifest.metric)
    }
    let named = Set(manifest.quantizers.map(\.hash))
    var segments: [SealedSegment] = []
    for reference in manifest.segments {
      if let present = present?.segments.first(where: { $0.file.contentHash == reference.hash }) {
        segments.append(present)
        continue
      }
      let file = try directory.open(.segment, reference, verification: verification)
      segments.append(
        try open(
          file, reference, manifest, quantizers.filter { named.contains($0.key) }, placements,
          verification))
    }
    return try OpenGeneration(manifest: manifest, segments: segments)
  }

  private static func open(
    _ file: SectionedFile, _ reference: FileReference, _ manifest: Manifest,
    _ quantizers: [ContentHash: Quantizer], _ placements: Placements, _ verification: Verification
  ) throws(NeedletailError) -> SealedSegment {
    let named = try SegmentParameters(file).quantizer
    let segment = try SealedSegment(
      file, quantizer: named.flatMap { quantizers[$0] }, placements: placements)
    let parameters = segment.parameters
    guard parameters.options.dimensions == manifest.dimensions,
      parameters.options.metric == manifest.metric,
      UInt64(parameters.count) == reference.rowCount,
      named == nil || segment.quantizer != nil
    else {
      throw NeedletailError(
        .corrupted,
        "Manifest and segment disagree on dimensions, metric, rows or quantizer; they are of"
          + " different indexes.", at: .init(path: file.region.path))
    }
    if verification == .full {
      let faults = segment.inspect(limit: 1)
      if let fault = faults.first {
        throw NeedletailError(.corrupted, fault, at: .init(path: file.region.path))
      }
    }
    return segment
  }
}
