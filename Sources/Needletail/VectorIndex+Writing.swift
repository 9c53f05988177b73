public import NeedletailCore
import NeedletailEngine

/// Writing while searches go on.
///
/// The first write makes this process the index's writer: it takes the lock, which no other process can have then,
/// and keeps it until `stopWriting` or until the index is dropped. A write is durable and shown to every snapshot
/// taken from then on when the call returns; snapshots that are open keep what they show. Any thread may write; those
/// that write at the same time are made durable together.
extension VectorIndex {
  /// Adds vectors under new ids.
  ///
  /// - Parameters:
  ///   - rows: `[n, dimensions]` components, finite; under cosine no row is all zeros.
  ///   - ids: one for each row, none of which is there.
  ///   - attributes: one for each row, or none at all.
  ///   - options: what the call waits for, and where the batch comes from.
  /// - Returns: the write's number.
  /// - Throws: `alreadyExists`, naming the id; otherwise as `upsert`.
  @discardableResult
  public func insert(
    _ rows: VectorMatrix, ids: some Collection<VectorID>, attributes: [Attributes] = [],
    options: WriteOptions = WriteOptions()
  ) throws(NeedletailError) -> WriteResult {
    try write(request(rows, ids, attributes), isInsert: true, options)
  }

  /// Adds vectors, each in the place of the one that has its id, if any; of two rows with one id the last counts.
  ///
  /// All of them are taken, or none. No search finds both versions of an id, or neither.
  ///
  /// - Parameters:
  ///   - rows: `[n, dimensions]` components, finite; under cosine no row is all zeros.
  ///   - ids: one for each row.
  ///   - attributes: one for each row, or none at all; those of the vectors before are gone.
  ///   - options: what the call waits for, and where the batch comes from.
  /// - Returns: the write's number.
  /// - Throws: `dimensionMismatch`, `nonFiniteComponent`, `zeroVector`, naming row and component;
  ///   `invalidConfiguration` when there are not as many ids as rows; `sourceGap`; `overBudget`,
  ///   `capacityExceeded`; `locked` while another process writes, or a `Writer` is in use; `io`. Nothing was
  ///   changed then; but after an `io` error that leaves the log in doubt every write is refused until the index is
  ///   opened anew, which may find the batch.
  /// - Complexity: a walk of `efConstruction` hops a row, and one synchronisation of the disk.
  @discardableResult
  public func upsert(
    _ rows: VectorMatrix, ids: some Collection<VectorID>, attributes: [Attributes] = [],
    options: WriteOptions = WriteOptions()
  ) throws(NeedletailError) -> WriteResult {
    try write(request(rows, ids, attributes), isInsert: false, options)
  }

  /// Removes vectors; ids that are not there are passed over.
  ///
  /// Snapshots that are open keep them; see `withdraw` for what must vanish at once.
  ///
  /// - Throws: as `upsert`.
  @discardableResult
  public func remove(
    _ ids: some Collection<VectorID>, options: WriteOptions = WriteOptions()
  ) throws(NeedletailError) -> WriteResult {
    try write(.remove(ids: Array(ids)), isInsert: false, options)
  }

  /// Hides ids from every search that begins after the call returns, in any snapshot, generation or rollback, until
  /// they are reinstated; durable when the call returns.
  ///
  /// Other processes that have the index open follow within 100 ms. Ids that are not there are noted too: should
  /// they come, they stay hidden.
  ///
  /// - Throws: `locked`; `io`.
  public func withdraw(_ ids: some Collection<VectorID>) throws(NeedletailError) {
    try writing().withdraw(Array(ids))
  }

  /// Takes withdrawals back: what a snapshot has of the ids it shows again.
  ///
  /// - Throws: as `withdraw`.
  public func reinstate(_ ids: some Collection<VectorID>) throws(NeedletailError) {
    try writing().reinstate(Array(ids))
  }

  /// For each source of batches, where the last batch of it stands: where a consumer goes on.
  public var sourceOffsets: [String: UInt64] {
    state.withLock { $0.access }.view?.sourceOffsets ?? [:]
  }

  /// Makes durable what was written with `Durability.buffered`.
  public func synchronize() throws(NeedletailError) {
    guard case .writing(let live) = state.withLock({ $0.access }) else { return }
    try live.synchronize()
  }

  /// Makes everything durable and gives the lock back; the next write takes it again.
  ///
  /// - Throws: `io` when something could not be made durable; the lock is given back all the same.
  public func stopWriting() throws(NeedletailError) {
    try turning.withLock { (_) throws(NeedletailError) in
      guard case .writing(let live) = state.withLock({ $0.access }) else { return }
      let result = Result { () throws(NeedletailError) in try live.close() }
      try beginReading()
      try result.get()
    }
  }

  // MARK: - Becoming the writer

  private func write(
    _ request: UpdateRequest, isInsert: Bool, _ options: WriteOptions
  ) throws(NeedletailError) -> WriteResult {
    var request = request
    if let offset = options.offset {
      request.comes(from: offset.source, to: offset.position, previous: offset.previous)
    }
    request.isInsert = isInsert
    request.isBuffered = options.durability == .buffered
    let live = try writing()
    try live.makeRoom(for: request)
    return WriteResult(sequence: try live.update(request).lsn)
  }

  /// The index as its writer has it; becomes the writer first, where that is needed.
  func writing() throws(NeedletailError) -> LiveIndex {
    guard !state.withLock({ $0.hasWriter }) else {
      throw NeedletailError(
        .locked, "A writer of many rows is in use; commit or drop it first.", at: .init(path: path))
    }
    return try liveIndex()
  }

  /// As `writing`, for the one who holds the writer.
  func liveIndex() throws(NeedletailError) -> LiveIndex {
    if case .writing(let live) = state.withLock({ $0.access }) { return live }
    return try turning.withLock { (_) throws(NeedletailError) -> LiveIndex in
      let access = state.withLock { $0.access }
      if case .writing(let live) = access { return live }
      if case .none = access {
        let nothing = SegmentOrder(
          options: configuration.buildOptions, rows: [], ids: [], findings: RowFindings(),
          threads: 1, monitor: nil)
        try LocalIndex.create(path, nothing)
      }
      let live = try LocalIndex.write(path, options.updates(), present: access.view)
        .index
      state.withLock { $0.access = .writing(live) }
      return live
    }
  }

  /// Runs something as the writer of the index, and ceases to be it afterwards unless it was it before.
  ///
  /// - Precondition: the caller has taken the writer.
  func asWriter<Value: Sendable>(
    _ body: (LiveIndex) throws(NeedletailError) -> Value
  ) throws(NeedletailError) -> Value {
    var wasWriting = false
    if case .writing = state.withLock({ $0.access }) { wasWriting = true }
    let live = try liveIndex()
    let result = Result { () throws(NeedletailError) in try body(live) }
    if !wasWriting { try? stopWriting() }
    return try result.get()
  }

  /// Opens what is published, for reading.
  func beginReading() throws(NeedletailError) {
    let follower = try LocalIndex.follow(
      path, options.updates(), isVerified: options.verification == .full,
      present: state.withLock { $0.access }.view)
    state.withLock { $0.access = .reading(follower) }
  }

  private func request(
    _ rows: VectorMatrix, _ ids: some Collection<VectorID>, _ attributes: [Attributes]
  ) throws(NeedletailError) -> UpdateRequest {
    guard rows.dimensions == configuration.dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        "The rows have \(rows.dimensions) components; the index has \(configuration.dimensions) dimensions."
      )
    }
    guard ids.count == rows.count else {
      throw NeedletailError(
        .invalidConfiguration,
        "There are \(ids.count) ids for \(rows.count) rows; give one id for each row.")
    }
    try Attributes.validate(attributes, rows: rows.count)
    return .upsert(ids: Array(ids), rows: rows, attributes: attributes)
  }
}
