import NeedletailCore

/// What stands between a query and a caller who may give up: the first result counts, whoever has it.
final class Reply: Sendable {
  private struct State {
    var done: (@Sendable (ServiceResult) -> Void)?
    var isOver = false
    /// The number of the query while it waits for its turn.
    var ticket: UInt64?
  }

  private let state = Guarded(State())

  /// Whether nobody waits for a result any more.
  var isOver: Bool { state.withLock { $0.isOver } }

  /// The number of the query in the queue; set and read under the lock that decisions take.
  var ticket: UInt64? {
    get { state.withLock { $0.ticket } }
    set { state.withLock { $0.ticket = newValue } }
  }

  /// Says who wants the result.
  ///
  /// - Returns: `false`: it was given up before, and nobody is called.
  func begin(_ done: @escaping @Sendable (ServiceResult) -> Void) -> Bool {
    state.withLock { state in
      guard !state.isOver else { return false }
      state.done = done
      return true
    }
  }

  /// Hands a result over, where there was none before.
  func send(_ result: ServiceResult) {
    let done = state.withLock { state in
      defer { (state.done, state.isOver) = (nil, true) }
      return state.done
    }
    done?(result)
  }

  /// What a caller gets who has given up.
  static var givenUp: ServiceResult {
    .failure(.failed(NeedletailError(.cancelled, "The task that asked was cancelled.")))
  }
}
