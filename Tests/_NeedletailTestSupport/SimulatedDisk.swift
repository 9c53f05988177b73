package import NeedletailCore
package import NeedletailStorage
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A disk that keeps no promise but the ones it was asked for, and fails on command.
///
/// What was not synchronised is in doubt: `crash` takes of each sector of a file any of the states it
/// had since the last synchronisation, of the file's length any, and of the changes to directories any
/// selection. A synchronisation that fails forgets what it did not write, while readers go on to see
/// it, as kernels do. The same seed gives the same fate. Paths are split at slashes; a leading one
/// changes nothing.
package final class SimulatedDisk: FileSystem {
  /// What fails, and when.
  package typealias Fault = FaultyFileSystem.Fault

  struct State {
    var tree = SimulatedTree()
    var generator: SplitMix64
    var fault: Fault?
    var calls = 0
    var hasFired = false
    /// Files that were open before a crash are lost to their owners.
    var epoch = 0
  }

  private let state: Mutex<State>

  package init(seed: UInt64 = 0) {
    state = Mutex(State(generator: SplitMix64(seed: seed)))
  }

  /// Arms a fault, or none; calls are counted from here on.
  package func arm(_ fault: Fault?) {
    state.withLock { ($0.fault, $0.calls, $0.hasFired) = (fault, 0, false) }
  }

  /// Whether the fault came to pass; a loop over call numbers ends when it did not.
  package var hasFired: Bool { state.withLock { $0.hasFired } }

  /// Cuts the power.
  ///
  /// Writes that were not synchronised are dropped, reordered and torn at 512 or 4096
  /// bytes; names that were not, are there or not. Open files are lost; no fault is armed afterwards.
  package func crash(seed: UInt64) {
    state.withLock { state in
      var generator = SplitMix64(seed: seed)
      state.tree.crash(using: &generator)
      state.fault = nil
      state.epoch += 1
    }
  }

  /// Ends the process: what was written stays, open files are lost, no fault is armed afterwards.
  package func kill() {
    state.withLock { state in
      state.fault = nil
      state.epoch += 1
    }
  }

  /// The contents of a file as a reader sees them, if there is one.
  package func contents(_ path: String) -> [UInt8]? {
    state.withLock { state in
      guard let node = state.tree.find(path), !state.tree[node].isDirectory else { return nil }
      return state.tree[node].bytes
    }
  }

  /// Puts a file there, durable at once, replacing what was there.
  package func setContents(_ path: String, _ bytes: [UInt8]) throws(NeedletailError) {
    try locked { state throws(NeedletailError) in
      let found = state.tree.find(path)
      let node = if let found { found } else { try state.tree.add(SimulatedNode(), path) }
      state.tree[node].replaceDurably(bytes)
      try state.tree.synchronizeDirectory(SimulatedTree.parent(path))
    }
  }

  package func map(_ path: String) throws(NeedletailError) -> MappedRegion {
    let bytes = try calling(.map, path) { state throws(NeedletailError) in
      state.tree[try state.tree.file(path)].bytes
    }
    return try MappedRegion(bytes, path: path)
  }

  package func kind(of path: String) throws(NeedletailError) -> FileKind? {
    try calling(.kind, path) { state throws(NeedletailError) in
      state.tree.find(path).map { state.tree[$0].isDirectory ? .directory : .file }
    }
  }

  package func create(_ path: String) throws(NeedletailError) -> any WritableFile {
    let (node, epoch) = try calling(.create, path) { state throws(NeedletailError) in
      (try state.tree.add(SimulatedNode(), path), state.epoch)
    }
    return SimulatedFile(self, node, path, epoch: epoch, position: 0)
  }

  package func reopen(_ path: String) throws(NeedletailError) -> any WritableFile {
    let (node, epoch, count) = try calling(.reopen, path) { state throws(NeedletailError) in
      let node = try state.tree.file(path)
      return (node, state.epoch, state.tree[node].bytes.count)
    }
    return SimulatedFile(self, node, path, epoch: epoch, position: UInt64(count))
  }

  package func makeDirectory(_ path: String) throws(NeedletailError) {
    try calling(.makeDirectory, path) { state throws(NeedletailError) in
      _ = try state.tree.add(SimulatedNode(isDirectory: true), path)
    }
  }

  package func list(_ path: String) throws(NeedletailError) -> [String] {
    try calling(.list, path) { state throws(NeedletailError) in
      guard let node = state.tree.find(path) else {
        throw .system(ENOENT, "Listing it", path: path)
      }
      return state.tree[node].names.keys.sorted()
    }
  }

  package func rename(_ from: String, to: String) throws(NeedletailError) {
    try calling(.rename, from) { state throws(NeedletailError) in try state.tree.move(from, to) }
  }

  package func moveDirectory(_ from: String, toNew to: String) throws(NeedletailError) {
    try calling(.moveDirectory, from) { state throws(NeedletailError) in
      if state.tree.find(to) != nil { throw .system(EEXIST, "Moving \(from) to it", path: to) }
      try state.tree.move(from, to)
    }
  }

  package func remove(_ path: String) throws(NeedletailError) {
    try calling(.remove, path) { state throws(NeedletailError) in
      try state.tree.remove(path, recursively: false)
    }
  }

  package func removeTree(_ path: String) throws(NeedletailError) {
    try calling(.removeTree, path) { state throws(NeedletailError) in
      try state.tree.remove(path, recursively: true)
    }
  }

  package func synchronizeDirectory(_ path: String) throws(NeedletailError) {
    try calling(.synchronizeDirectory, path) { state throws(NeedletailError) in
      try state.tree.synchronizeDirectory(path)
    }
  }

  /// Counts a call, fails it if it is the one, and otherwise does the work.
  fileprivate func calling<Value: Sendable>(
    _ operation: FaultyFileSystem.Operation, _ path: String, epoch: Int? = nil,
    failing: (inout State, Fault) -> Void = { _, _ in },
    _ work: (inout State) throws(NeedletailError) -> Value
  ) throws(NeedletailError) -> Value {
    try locked { state throws(NeedletailError) in
      if let epoch, epoch != state.epoch {
        throw .system(EBADF, "Using a file of before the crash", path: path)
      }
      if let fault = state.fault {
        let isCounted = fault.operations.contains(operation)
        if isCounted { state.calls += 1 }
        let isNow = isCounted && state.calls == fault.call
        if isNow || (state.hasFired && fault.isPermanent) {
          state.hasFired = true
          if isNow { failing(&state, fault) }
          throw .system(fault.number, "Pretending to \(operation)", path: path)
        }
      }
      return try work(&state)
    }
  }

  private func locked<Value: Sendable>(
    _ body: (inout State) throws(NeedletailError) -> Value
  ) throws(NeedletailError) -> Value {
    try state.withLock { state -> Result<Value, NeedletailError> in
      Result { () throws(NeedletailError) in try body(&state) }
    }.get()
  }
}

private final class SimulatedFile: WritableFile {
  private let disk: SimulatedDisk
  private let node: Int
  private let path: String
  private let epoch: Int
  private(set) var position: UInt64
  /// As in the real file: a failed write asks for a cut, a failed synchronisation ends it all.
  private var isTorn = false
  private var isLost = false

  init(_ disk: SimulatedDisk, _ node: Int, _ path: String, epoch: Int, position: UInt64) {
    self.disk = disk
    self.node = node
    self.path = path
    self.epoch = epoch
    self.position = position
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(NeedletailError) {
    unsafe try write(bytes, at: position)
    position += UInt64(bytes.count)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(NeedletailError) {
    try check(isTorn || isLost)
    let bytes = unsafe [UInt8](bytes)
    let node = node
    do throws(NeedletailError) {
      try disk.calling(.write, path, epoch: epoch) { state, fault in
        if fault.isTorn {
          let count = Int(state.generator.next(below: UInt64(bytes.count + 1)))
          state.tree[node].change(.write(Int(offset), Array(bytes.prefix(count))))
        }
      } _: { state throws(NeedletailError) in
        state.tree[node].change(.write(Int(offset), bytes))
      }
    } catch {
      isTorn = true
      throw error
    }
  }

  func truncate(to byteCount: UInt64) throws(NeedletailError) {
    try check(isLost)
    let node = node
    try disk.calling(.truncate, path, epoch: epoch) { state throws(NeedletailError) in
      state.tree[node].change(.truncate(Int(byteCount)))
    }
    position = byteCount
    isTorn = false
  }

  func synchronize() throws(NeedletailError) {
    try check(isTorn || isLost)
    let node = node
    do throws(NeedletailError) {
      try disk.calling(.synchronize, path, epoch: epoch) { state, fault in
        // After a kill nothing is synchronised any more; a device that fails forgets.
        if !fault.isPermanent { state.tree[node].forget(using: &state.generator) }
      } _: { state throws(NeedletailError) in
        state.tree[node].synchronize()
      }
    } catch {
      isLost = true
      throw error
    }
  }

  func close() throws(NeedletailError) {
    try disk.calling(.close, path, epoch: epoch) { _ throws(NeedletailError) in }
  }

  private func check(_ isUnusable: Bool) throws(NeedletailError) {
    if isUnusable { throw .system(EIO, "Using a file that failed before", path: path) }
  }
}
