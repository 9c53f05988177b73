package import NeedletailCore
package import NeedletailStorage

/// One generation of an index, open: its manifest, its quantizer and its segment.
package struct OpenGeneration: Sendable {
  package let manifest: Manifest
  package let segment: SealedSegment

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
  private static func open(
    _ manifest: Manifest, _ directory: IndexDirectory, placements: Placements,
    verification: Verification
  ) throws(NeedletailError) -> OpenGeneration {
    guard manifest.segments.count == 1, let reference = manifest.segments.first else {
      throw NeedletailError(
        .unsupportedFormat,
        "The generation has \(manifest.segments.count) segments; this version reads exactly 1.",
        at: .init(path: directory.manifestPath(manifest.generation)))
    }
    var quantizer: Quantizer?
    if let file = manifest.quantizer {
      // Small, and used for every query: always read in full.
      quantizer = try Quantizer.read(
        directory.open(.quantizer, file, verification: .full), dimensions: manifest.dimensions,
        metric: manifest.metric)
    }
    let file = try directory.open(.segment, reference, verification: verification)
    let segment = try SealedSegment(file, quantizer: quantizer, placements: placements)
    let parameters = segment.parameters
    guard parameters.options.dimensions == manifest.dimensions,
      parameters.options.metric == manifest.metric,
      UInt64(parameters.count) == reference.rowCount,
      parameters.quantizer == manifest.quantizer?.hash
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
    return OpenGeneration(manifest: manifest, segment: segment)
  }

  /// Builds an index of checked rows and publishes it as generation 1 of a new directory.
  ///
  /// Everything is written beside the target and moved to its name in one step: on an error or a
  /// cancellation nothing remains. What `tuning` asks for is measured before the index gets its name; only
  /// the manifest depends on it.
  package static func create(
    _ path: String, in fileSystem: any FileSystem, options: BuildOptions, rows: [VectorMatrix],
    ids: [VectorID], findings: RowFindings, threads: Int, monitor: WorkMonitor?,
    identity: [UInt8], tuning: TuningRequest? = nil
  ) throws(NeedletailError) {
    try tuning?.validate(dimensions: options.dimensions)
    try findings.checkScale(options.metric)
    let target = try IndexDirectoryBuilder(target: path, in: fileSystem)
    let norms = findings.squaredNorms.map { $0.squareRoot() }
    let source = RowSource(
      rows, dimensions: options.dimensions, dividedBy: options.metric == .cosine ? norms : [],
      squaredNorms: findings.squaredNorms)
    let segment = try SegmentBuilder(options: options, threads: threads, monitor: monitor)
      .build(source, findings)
    var quantizer: FileReference?
    if options.codes != .none {
      quantizer = try target.directory.seal(.quantizer) {
        (writer) throws(NeedletailError) in try segment.quantizer.write(to: writer)
      }
    }
    let writer = SegmentWriter(
      segment: segment, rows: source, ids: ids, norms: norms, quantizer: quantizer?.hash,
      monitor: monitor)
    var reference = try target.directory.seal(.segment) {
      (file) throws(NeedletailError) in try writer.write(to: file)
    }
    reference.rowCount = UInt64(ids.count)
    var manifest = Manifest(
      indexIdentity: identity, dimensions: options.dimensions, metric: options.metric,
      generation: 1, segments: [reference], quantizer: quantizer)
    if let tuning {
      let sealed = try open(
        manifest, target.directory, placements: Placements(), verification: .structure
      ).segment
      manifest.tuning = try Tuner(sealed, tuning, threads: threads, monitor: monitor).run()
    }
    monitor?.begin("publishing", total: 1)
    try target.directory.publish(manifest)
    try monitor?.advance(by: 0)
    try target.finish()
    try? monitor?.advance(by: 1)
  }
}
