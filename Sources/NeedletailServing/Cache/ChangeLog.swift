import NeedletailCore
import Synchronization

/// The last changes with their numbers: what a search that began before them must be looked at for.
final class ChangeLog<Item: Sendable>: Sendable {
  private struct State {
    var changes: [CacheChange<Item>?]
    var version: UInt64 = 0
  }

  private let state: Guarded<State>
  private let latest = Atomic<UInt64>(0)
  private let capacity: Int

  /// Keeps the last `capacity` changes.
  init(capacity: Int) {
    self.capacity = max(1, capacity)
    state = Guarded(State(changes: [CacheChange<Item>?](repeating: nil, count: max(1, capacity))))
  }

  /// The number of the last change.
  var version: UInt64 { latest.load(ordering: .acquiring) }

  /// Numbers changes; gives the number of the first one.
  func append(_ changes: [CacheChange<Item>]) -> UInt64 {
    state.withLock { state in
      let first = state.version + 1
      for change in changes {
        state.version += 1
        state.changes[Int(state.version % UInt64(capacity))] = change
      }
      latest.store(state.version, ordering: .releasing)
      return first
    }
  }

  /// The changes after `version`, and the number of the last of them; nil where they are no longer known.
  func changes(since version: UInt64) -> (changes: [CacheChange<Item>], last: UInt64)? {
    state.withLock { state in
      guard state.version - version <= UInt64(capacity) else { return nil }
      var found: [CacheChange<Item>] = []
      var number = version
      while number < state.version {
        number += 1
        if let change = state.changes[Int(number % UInt64(capacity))] { found.append(change) }
      }
      return (found, state.version)
    }
  }
}
