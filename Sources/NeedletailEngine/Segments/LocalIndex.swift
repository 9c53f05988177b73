package import NeedletailCore
import NeedletailStorage

/// Indexes on this machine's disk, for callers that need not know how bytes are kept.
package enum LocalIndex {
  /// Refuses a path that anything has.
  ///
  /// - Throws: `alreadyExists`.
  package static func requireFree(_ path: String) throws(NeedletailError) {
    guard try LocalFileSystem().kind(of: path) == nil else {
      throw NeedletailError(
        .alreadyExists, "The target exists; choose another path, or remove it first.",
        at: .init(path: path))
    }
  }

  /// Opens the current generation; `isVerified` reads every byte first.
  package static func open(
    _ path: String, placements: Placements, isVerified: Bool
  ) throws(NeedletailError) -> OpenGeneration {
    try OpenGeneration.open(
      path, in: LocalFileSystem(), placements: placements,
      verification: isVerified ? .full : .structure)
  }

  /// Builds an index of checked rows and publishes it under an identity of its own.
  package static func create(
    _ path: String, _ order: SegmentOrder, tuning: TuningRequest? = nil
  ) throws(NeedletailError) {
    var random = SystemRandomNumberGenerator()
    try OpenGeneration.create(
      path, in: LocalFileSystem(), order, identity: Manifest.identity(using: &random),
      tuning: tuning)
  }

  /// Opens an index for reading beside a writer; `isVerified` reads every byte first, of what `present` has not open.
  package static func follow(
    _ path: String, _ options: UpdateOptions, isVerified: Bool, present: IndexView? = nil
  ) throws(NeedletailError) -> IndexFollower {
    try IndexFollower(
      IndexDirectory(path, in: LocalFileSystem()), options: options,
      verification: isVerified ? .full : .structure, present: present)
  }

  /// The generations that are kept, ascending; the last is the one in use.
  package static func generations(_ path: String) throws(NeedletailError) -> [UInt64] {
    let directory = IndexDirectory(path, in: LocalFileSystem())
    let current = try directory.currentGeneration()
    return try directory.generations().filter { $0 <= current }
  }

  /// Opens an index for writing.
  ///
  /// - Throws: `locked` while another writer holds the index; as `LiveIndex.open`.
  package static func write(
    _ path: String, _ options: UpdateOptions, acceptingLoss: Bool = false,
    present: IndexView? = nil
  ) throws(NeedletailError) -> (index: LiveIndex, report: RecoveryReport) {
    let lock = try WriterLock(path)
    return try LiveIndex.open(
      IndexDirectory(path, in: LocalFileSystem()), options: options, acceptingLoss: acceptingLoss,
      present: present, lock: lock)
  }
}

/// What is known of a generation without looking at its rows.
package struct GenerationFacts: Sendable, Hashable {
  /// One immutable file of rows.
  package struct Segment: Sendable, Hashable {
    package let hash: String
    package let byteCount: Int
    package let count: Int
  }

  package let formatVersion: Int
  /// 16 bytes, given at creation.
  package let identity: [UInt8]
  package let number: Int
  package let segments: [Segment]
}

/// Bytes of a segment's components, as they are in the file.
package struct ComponentSizes: Sendable, Hashable {
  package var codes = 0
  package var graph = 0
  package var rows = 0
  package var ids = 0
  package var quantizer = 0
  package var attributes = 0

  package init() {}
}

extension OpenGeneration {
  /// Bytes of the quantizers, each of which several segments may share.
  package var quantizerByteCount: Int {
    var counted: Set<ContentHash> = []
    return segments.reduce(0) { sum, segment in
      guard let hash = segment.parameters.quantizer, counted.insert(hash).inserted else {
        return sum
      }
      return sum + (segment.quantizer?.byteCount ?? 0)
    }
  }

  package var facts: GenerationFacts {
    GenerationFacts(
      formatVersion: Int(segment.file.version), identity: manifest.indexIdentity,
      number: Int(clamping: manifest.generation),
      segments: manifest.segments.map {
        .init(
          hash: $0.hash.description, byteCount: Int(clamping: $0.byteCount),
          count: Int(clamping: $0.rowCount))
      })
  }
}

extension SealedSegment {
  package var componentSizes: ComponentSizes {
    var sizes = ComponentSizes()
    for section in file.sections { sizes.add(ComponentSizes(section, parameters)) }
    sizes.quantizer = quantizer?.byteCount ?? 0
    return sizes
  }
}
