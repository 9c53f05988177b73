package import NeedletailCore
import NeedletailStorage

extension LiveIndex {
  /// Keeps the log within its bound: waits for the one who seals, or seals.
  ///
  /// - Throws: as `seal`, but for `locked`.
  package func makeRoom(for request: UpdateRequest) throws(NeedletailError) {
    guard request.batch.operation == .upsert else { return }
    let bytes = request.batch.components.count * 4
    while isFull(adding: request.batch.ids.count, bytes) {
      if publishing.withLock({ $0 }) {
        // Writers are held back until the disk has what is before them.
        pause(milliseconds: 2)
        continue
      }
      do throws(NeedletailError) {
        // Files of the log that could not be removed hold nothing that waits for a seal.
        guard try seal(.automatic, threads: options.threads) != nil else { return }
      } catch {
        guard error.code == .locked else { throw error }
      }
    }
  }

  /// Whether the log would go beyond its bound; a log that holds nothing takes any batch.
  private func isFull(adding rows: Int, _ bytes: Int) -> Bool {
    state.withLock { state in
      let log = state.log
      guard log.unsealedVectorCount > 0 else { return false }
      return log.unsealedVectorCount + rows > options.log.vectorBound
        || log.unsealedByteCount + bytes > options.log.byteBound
    }
  }
}
