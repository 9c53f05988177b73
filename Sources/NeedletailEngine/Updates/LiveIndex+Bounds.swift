package import NeedletailCore
import NeedletailStorage

extension LiveIndex {
  /// Keeps log and memory within their bounds: waits for the one who seals, or seals.
  ///
  /// - Throws: as `seal`.
  package func makeRoom(for request: UpdateRequest) throws(NeedletailError) {
    let bytes = request.batch.components.count * 4 + request.batch.ids.count * 8
    while isFull(adding: request.batch.ids.count, bytes, request.batch.operation) {
      guard tryPublishing() else {
        // Writers are held back until the disk has what is before them.
        try state.withLock { (state) throws(NeedletailError) in try state.requireUsable() }
        pause(milliseconds: 2)
        continue
      }
      defer { endPublishing() }
      // Files of the log that could not be removed hold nothing that waits for a seal.
      guard try sealInTurn(.automatic, threads: options.threads) != nil else { return }
    }
  }

  /// Bytes of memory that are taken when so many more rows come, about; their attributes are not counted.
  package func bytesToReserve(_ rows: Int) -> Int {
    state.withLock { $0.contents.bytesToReserve(rows) }
  }

  /// Whether log or memory would go beyond their bounds; a log that holds nothing takes any batch.
  private func isFull(
    adding rows: Int, _ bytes: Int, _ operation: LogBatch.Operation
  ) -> Bool {
    state.withLock { state in
      let log = state.log
      guard state.failure == nil, log.unsealedByteCount > 0 else { return false }
      if log.unsealedByteCount + bytes > options.log.byteBound { return true }
      guard operation == .upsert, log.unsealedVectorCount > 0 else { return false }
      if log.unsealedVectorCount + rows > options.log.vectorBound { return true }
      guard let limit = options.liveMemoryLimit else { return false }
      return state.contents.liveByteCount(adding: rows) > limit
    }
  }
}

extension LocalIndex {
  /// As `LiveIndex.bytesToReserve`, where nothing was written yet.
  package static func bytesToReserve(_ rows: Int, m: Int, dimensions: Int) -> Int {
    LiveTables.byteCount(rows: max(rows, LiveTables.leastRoom), m: m, dimensions: dimensions)
  }
}
