package import NeedletailCore

/// What a manifest says about one sealed file: enough to refuse another one in its place.
package struct FileReference: Sendable, Hashable {
  /// The identity of the contents, and the file's name.
  package var hash: ContentHash
  /// The file's length.
  package var byteCount: UInt64
  /// Rows of a segment; 0 for other files.
  package var rowCount: UInt64

  package init(hash: ContentHash, byteCount: UInt64, rowCount: UInt64 = 0) {
    self.hash = hash
    self.byteCount = byteCount
    self.rowCount = rowCount
  }
}

/// One generation of an index: which sealed files make it up.
package struct Manifest: Sendable, Hashable {
  /// The identity of the index: 16 bytes, given or drawn at random when the index is made.
  package var indexIdentity: [UInt8]
  /// Components per vector, from 1 to `Limits.dimensions`.
  package var dimensions: Int
  /// How distances are measured.
  package var metric: Metric
  /// The number of this generation, from 1; the next one is greater.
  package var generation: UInt64
  /// The segments, oldest first.
  package var segments: [FileReference]
  /// The quantizers that the segments' codes were made with, each named once; a segment says which is its own.
  package var quantizers: [FileReference]
  /// The engine's own settings, opaque here.
  package var configuration: [UInt8]
  /// Which settings of a search reach which recall, when that was measured.
  package var tuning: Tuning?
  /// The last batch of the log that is in the segments and the tombstones; 0 before any.
  package var sealedLSN: UInt64 = 0
  /// For each source, where its last batch up to `sealedLSN` stands.
  package var sourceOffsets: [String: UInt64] = [:]
  /// For each segment, the ordinals of the rows that are gone, ascending.
  ///
  /// Lists that are missing at the end are empty; a manifest that was read has one for each segment,
  /// or none at all where every one is empty.
  package var tombstones: [[UInt32]] = []

  /// The ordinals of a segment's rows that are gone, ascending; none for a segment without a list.
  package func tombstones(ofSegment index: Int) -> [UInt32] {
    tombstones.indices.contains(index) ? tombstones[index] : []
  }

  package init(
    indexIdentity: [UInt8], dimensions: Int, metric: Metric, generation: UInt64,
    segments: [FileReference] = [], quantizers: [FileReference] = [],
    configuration: [UInt8] = [], tuning: Tuning? = nil
  ) {
    precondition(indexIdentity.count == Self.identityByteCount, "an identity has 16 bytes")
    self.indexIdentity = indexIdentity
    self.dimensions = dimensions
    self.metric = metric
    self.generation = generation
    self.segments = segments
    self.quantizers = quantizers
    self.configuration = configuration
    self.tuning = tuning
  }

  /// The bytes of an index's identity.
  package static let identityByteCount = 16

  /// An identity for a new index, from a generator.
  package static func identity(using generator: inout some RandomNumberGenerator) -> [UInt8] {
    (0..<identityByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }
}

extension Manifest {
  private static let identity = SectionKind("INDX")
  private static let configuration = SectionKind("CONF")
  private static let segments = SectionKind("SEGM")
  private static let quantizer = SectionKind("QNTZ")
  static let sourceOffsets = SectionKind("SRCO")
  static let tombstones = SectionKind("TOMB")
  /// Absent from an index that nobody tuned; a reader that does not know it loses advice, not rows.
  private static let tuning = SectionKind("TUNE")
  private static let referenceByteCount = 32

  /// Writes the manifest as a new file, and makes its bytes durable.
  ///
  /// - Precondition: the lists of `tombstones` ascend, below the rows of their segments; a source's name
  ///   has 1 to `SourcePosition.mostNameBytes` bytes; `sealedLSN` is one that a log can have.
  package func write(to path: String, in fileSystem: some FileSystem) throws(NeedletailError) {
    precondition(hasSoundTombstones, "tombstones ascend, below the rows of their segments")
    let file = try SectionedFileWriter(
      .manifest, at: path, in: fileSystem, requiredFeatures: requiredFeatures)
    var index = ByteWriter()
    index.append(contentsOf: indexIdentity)
    index.append(generation)
    index.append(UInt32(dimensions))
    index.append(metric.number)
    try file.write(Self.identity, count: 1, bytes: index.bytes)
    try file.write(Self.configuration, count: configuration.count, bytes: configuration)
    try file.write(Self.segments, count: segments.count, bytes: Self.encode(segments))
    try file.write(Self.quantizer, count: quantizers.count, bytes: Self.encode(quantizers))
    try file.write(Self.sourceOffsets, count: sourceOffsets.count, bytes: encodedSourceOffsets)
    try file.write(
      Self.tombstones, count: tombstones.reduce(0) { $0 + $1.count }, bytes: encodedTombstones)
    if let tuning {
      try file.write(Self.tuning, count: tuning.settings.count, bytes: tuning.encoded)
    }
    _ = try file.finish()
  }

  /// Reads a manifest; every byte is checked, whatever the index is opened with.
  ///
  /// - Throws: `unsupportedFormat` or `corrupted`, with the place.
  package init(_ region: MappedRegion) throws(NeedletailError) {
    let file = try SectionedFile(region, .manifest, verification: .full)
    var reader = file.reader(try file.section(Self.identity, count: 1, stride: 32))
    indexIdentity = try reader.readBytes(Self.identityByteCount)
    generation = try reader.read()
    guard generation > 0 else { throw reader.corrupted("Generations are numbered from 1, not 0.") }
    let components = try reader.read(UInt32.self)
    guard components > 0, components <= UInt32(Limits.dimensions) else {
      throw reader.corrupted(
        "The index cannot have \(components) dimensions; from 1 to \(Limits.dimensions) are"
          + " possible."
      )
    }
    dimensions = Int(components)
    let number = try reader.read(UInt32.self)
    guard let metric = Metric(number: number) else {
      throw reader.corrupted("\(number) is the number of no metric.")
    }
    self.metric = metric
    let blob = try file.section(Self.configuration)
    configuration = unsafe [UInt8](file.bytes(blob))
    segments = try Self.decode(Self.segments, of: file)
    quantizers = try Self.decode(Self.quantizer, of: file)
    for (kind, references) in [(Self.segments, segments), (Self.quantizer, quantizers)]
    where Set(references.map(\.hash)).count < references.count {
      throw NeedletailError(
        .corrupted, "The generation names one file twice.",
        at: .init(path: region.path, section: kind.description))
    }
    guard quantizers.count <= max(1, segments.count) else {
      throw NeedletailError(
        .corrupted,
        "An index of \(segments.count) segments has one quantizer for each at most, not \(quantizers.count).",
        at: .init(path: region.path, section: Self.quantizer.description))
    }
    (sealedLSN, sourceOffsets) = try Self.decodeSourceOffsets(file)
    tombstones = try Self.decodeTombstones(file, segments)
    tuning = nil
    if file.hasSection(Self.tuning) {
      var reader = file.reader(try file.section(Self.tuning))
      tuning = try Tuning.decode(&reader)
    }
    guard requiredFeatures == file.requiredFeatures else {
      throw NeedletailError(
        .corrupted,
        "The manifest says it needs the features \(file.requiredFeatures), and with what it holds it needs"
          + " \(requiredFeatures).", at: .init(path: region.path, section: "header", byteOffset: 16)
      )
    }
  }

  private static func encode(_ references: [FileReference]) -> [UInt8] {
    var writer = ByteWriter()
    for reference in references {
      writer.append(contentsOf: reference.hash.bytes)
      writer.append(reference.byteCount)
      writer.append(reference.rowCount)
    }
    return writer.bytes
  }

  private static func decode(
    _ kind: SectionKind, of file: SectionedFile
  ) throws(NeedletailError) -> [FileReference] {
    let section = try file.section(kind)
    _ = try file.section(kind, count: section.count, stride: referenceByteCount)
    var reader = file.reader(section)
    var references: [FileReference] = []
    for _ in 0..<section.count {
      let hash = ContentHash(try reader.readBytes(ContentHash.byteCount))
      let byteCount = try reader.read(UInt64.self)
      let rowCount = try reader.read(UInt64.self)
      guard rowCount <= UInt64(Limits.rowsPerSegment) else {
        throw reader.corrupted("A segment cannot have \(rowCount) rows.")
      }
      references.append(FileReference(hash: hash, byteCount: byteCount, rowCount: rowCount))
    }
    return references
  }
}

extension Metric {
  /// The number that stands for the metric in files; never reused.
  package var number: UInt32 {
    switch self {
    case .squaredEuclidean: 0
    case .innerProduct: 1
    case .cosine: 2
    }
  }

  /// The metric of a number, if it has one.
  package init?(number: UInt32) {
    guard let metric = Metric.allCases.first(where: { $0.number == number }) else { return nil }
    self = metric
  }
}
