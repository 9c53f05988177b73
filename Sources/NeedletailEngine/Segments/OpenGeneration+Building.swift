package import NeedletailCore
package import NeedletailStorage

/// Rows that were checked, and how a segment is made of them.
package struct SegmentOrder {
  package var options: BuildOptions
  package var rows: [VectorMatrix]
  /// One for each row.
  package var ids: [VectorID]
  package var findings: RowFindings
  /// Empty, or one for each row.
  package var attributes: [Attributes] = []
  package var threads: Int
  package var monitor: WorkMonitor?

  package init(
    options: BuildOptions, rows: [VectorMatrix], ids: [VectorID], findings: RowFindings,
    threads: Int, monitor: WorkMonitor?
  ) {
    self.options = options
    self.rows = rows
    self.ids = ids
    self.findings = findings
    self.threads = threads
    self.monitor = monitor
  }

  /// Builds the segment and writes it, and its quantizer, where no manifest names them yet.
  ///
  /// Rows that are all too short for `Float` are taken: an index that took them one by one must be able to seal
  /// them. Who builds of given rows refuses them before (`RowFindings.checkScale`).
  ///
  /// - Parameters:
  ///   - directory: the index they are for.
  ///   - quantizers: those of the index; one of them serves when it fits, so that estimates compare.
  /// - Returns: what a manifest says about both files.
  /// - Throws: `invalidConfiguration` when attributes are not for each row;
  ///   `capacityExceeded` for attributes beyond `Limits`; `corrupted` when rows changed since they were checked;
  ///   `cancelled`; `io`.
  func seal(
    in directory: IndexDirectory, sharing quantizers: [Quantizer] = []
  ) throws(NeedletailError) -> (segment: FileReference, quantizer: FileReference?) {
    try Attributes.validate(attributes, rows: ids.count)
    let norms = findings.squaredNorms.map { $0.squareRoot() }
    let source = RowSource(
      rows, dimensions: options.dimensions, dividedBy: options.metric == .cosine ? norms : [],
      squaredNorms: findings.squaredNorms)
    let segment = try SegmentBuilder(options: options, threads: threads, monitor: monitor)
      .build(source, findings, sharing: quantizers)
    var quantizer: FileReference?
    if options.codes != .none {
      quantizer = try directory.seal(.quantizer) {
        (writer) throws(NeedletailError) in try segment.quantizer.write(to: writer)
      }
    }
    let writer = SegmentWriter(
      segment: segment, rows: source, ids: ids, norms: norms, attributes: attributes,
      quantizer: quantizer?.hash, monitor: monitor)
    var reference = try directory.seal(.segment) {
      (file) throws(NeedletailError) in try writer.write(to: file)
    }
    reference.rowCount = UInt64(ids.count)
    return (reference, quantizer)
  }
}

extension OpenGeneration {
  /// Builds an index of checked rows and publishes it as generation 1 of a new directory.
  ///
  /// Everything is written beside the target and moved to its name in one step: on an error or a
  /// cancellation nothing remains. What `tuning` asks for is measured before the index gets its name; only
  /// the manifest depends on it.
  package static func create(
    _ path: String, in fileSystem: any FileSystem, _ order: SegmentOrder, identity: [UInt8],
    tuning: TuningRequest? = nil
  ) throws(NeedletailError) {
    let (options, monitor) = (order.options, order.monitor)
    try tuning?.validate(dimensions: options.dimensions)
    try order.findings.checkScale(options.metric)
    let target = try IndexDirectoryBuilder(target: path, in: fileSystem)
    let (reference, quantizer) = try order.seal(in: target.directory)
    var manifest = Manifest(
      indexIdentity: identity, dimensions: options.dimensions, metric: options.metric,
      generation: 1, segments: [reference], quantizers: quantizer.map { [$0] } ?? [],
      configuration: options.mayPartCodes ? partsCodes : [])
    if let tuning {
      let sealed = try open(
        manifest, target.directory, placements: Placements(), verification: .structure
      ).segment
      manifest.tuning =
        try Tuner(sealed, tuning, threads: order.threads, monitor: monitor).run()
    }
    monitor?.begin("publishing", total: 1)
    try target.directory.publish(manifest)
    try monitor?.advance(by: 0)
    try target.finish()
    try? monitor?.advance(by: 1)
  }

  /// The manifest of a generation after this one, which must be the one in use.
  ///
  /// - Throws: `locked` when it is not; `capacityExceeded` after the last number.
  func successor(in directory: IndexDirectory) throws(NeedletailError) -> Manifest {
    var current = try directory.manifest()
    guard current.indexIdentity == manifest.indexIdentity, current.segments == manifest.segments
    else {
      throw NeedletailError(
        .locked,
        "The index got other rows meanwhile (generation \(current.generation)); open it again and repeat.",
        at: .init(path: directory.path))
    }
    guard current.generation < .max else {
      throw NeedletailError(
        .capacityExceeded,
        "Generation \(current.generation) is the last one; build the index anew.",
        at: .init(path: directory.path))
    }
    current.generation += 1
    return current
  }
}
