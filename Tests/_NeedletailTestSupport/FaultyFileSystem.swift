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

/// A file system that fails on command, and writes down what was asked of it.
package final class FaultyFileSystem: FileSystem {
  /// What may fail.
  package enum Operation: String, Sendable, Hashable, CaseIterable {
    case map, kind, create, reopen, makeDirectory, list, rename, moveDirectory, remove, removeTree
    case synchronizeDirectory, write, synchronize, truncate, close, copy
  }

  /// Which call fails, and how.
  package struct Fault: Sendable {
    /// The number of the failing call, from 1, among those of `operations`.
    package var call: Int
    /// The operations that count; all of them by default.
    package var operations = Set(Operation.allCases)
    /// The system's error.
    package var number: Int32 = EIO
    /// Whether all later calls fail too, as after a kill: nothing can be cleaned up then.
    package var isPermanent = false
    /// Whether a failing write leaves the first half of its bytes.
    package var isTorn = false

    package init(
      call: Int, operations: Set<Operation> = Set(Operation.allCases), number: Int32 = EIO,
      isPermanent: Bool = false, isTorn: Bool = false
    ) {
      self.call = call
      self.operations = operations
      self.number = number
      self.isPermanent = isPermanent
      self.isTorn = isTorn
    }
  }

  private struct State {
    var fault: Fault?
    var count = 0
    var hasFired = false
    var log: [String] = []
  }

  private let base: any FileSystem
  /// Called before every operation, with its path.
  private let watcher: (@Sendable (Operation, String) -> Void)?
  /// Whether what is synchronised is, which takes most of the time of a test that cuts no power.
  fileprivate let synchronizes: Bool
  private let state: Mutex<State>

  package init(
    _ base: any FileSystem, fault: Fault? = nil, synchronizes: Bool = true,
    watcher: (@Sendable (Operation, String) -> Void)? = nil
  ) {
    self.base = base
    self.watcher = watcher
    self.synchronizes = synchronizes
    state = Mutex(State(fault: fault))
  }

  /// Arms a fault, or none; calls are counted from here on.
  package func arm(_ fault: Fault?) {
    state.withLock { ($0.fault, $0.count, $0.hasFired) = (fault, 0, false) }
  }

  /// Whether the fault came to pass; a loop over call numbers ends when it did not.
  package var hasFired: Bool { state.withLock { $0.hasFired } }

  /// Every operation so far, as `write path`.
  package var log: [String] { state.withLock { $0.log } }

  fileprivate func enter(_ operation: Operation, _ path: String) throws(NeedletailError) {
    watcher?(operation, path)
    let number = state.withLock { state -> Int32? in
      state.log.append("\(operation) \(path)")
      guard let fault = state.fault else { return nil }
      if state.hasFired, fault.isPermanent { return fault.number }
      guard fault.operations.contains(operation) else { return nil }
      state.count += 1
      guard state.count == fault.call else { return nil }
      state.hasFired = true
      return fault.number
    }
    if let number { throw .system(number, "Pretending to \(operation)", path: path) }
  }

  fileprivate var tearsWrites: Bool { state.withLock { $0.fault?.isTorn ?? false } }

  package func map(_ path: String) throws(NeedletailError) -> MappedRegion {
    try enter(.map, path)
    return try base.map(path)
  }

  package func copy(
    _ path: String, leavingOut gap: Range<Int>
  ) throws(NeedletailError) -> MappedRegion {
    try enter(.copy, path)
    return try base.copy(path, leavingOut: gap)
  }

  package func byteCount(of path: String) throws(NeedletailError) -> UInt64? {
    try enter(.kind, path)
    return try base.byteCount(of: path)
  }

  package func kind(of path: String) throws(NeedletailError) -> FileKind? {
    try enter(.kind, path)
    return try base.kind(of: path)
  }

  package func create(_ path: String) throws(NeedletailError) -> any WritableFile {
    try enter(.create, path)
    return FaultyFile(self, try base.create(path), path)
  }

  package func reopen(_ path: String) throws(NeedletailError) -> any WritableFile {
    try enter(.reopen, path)
    return FaultyFile(self, try base.reopen(path), path)
  }

  package func makeDirectory(_ path: String) throws(NeedletailError) {
    try enter(.makeDirectory, path)
    try base.makeDirectory(path)
  }

  package func list(_ path: String) throws(NeedletailError) -> [String] {
    try enter(.list, path)
    return try base.list(path)
  }

  package func rename(_ from: String, to: String) throws(NeedletailError) {
    try enter(.rename, from)
    try base.rename(from, to: to)
  }

  package func moveDirectory(_ from: String, toNew to: String) throws(NeedletailError) {
    try enter(.moveDirectory, from)
    try base.moveDirectory(from, toNew: to)
  }

  package func remove(_ path: String) throws(NeedletailError) {
    try enter(.remove, path)
    try base.remove(path)
  }

  package func removeTree(_ path: String) throws(NeedletailError) {
    try enter(.removeTree, path)
    try base.removeTree(path)
  }

  package func synchronizeDirectory(_ path: String) throws(NeedletailError) {
    try enter(.synchronizeDirectory, path)
    if synchronizes { try base.synchronizeDirectory(path) }
  }
}

private final class FaultyFile: WritableFile {
  private let owner: FaultyFileSystem
  private let base: any WritableFile
  private let path: String

  init(_ owner: FaultyFileSystem, _ base: any WritableFile, _ path: String) {
    self.owner = owner
    self.base = base
    self.path = path
  }

  var position: UInt64 { base.position }

  func write(_ bytes: UnsafeRawBufferPointer) throws(NeedletailError) {
    unsafe try write(bytes, at: nil)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(NeedletailError) {
    unsafe try write(bytes, at: Optional(offset))
  }

  func synchronize() throws(NeedletailError) {
    try owner.enter(.synchronize, path)
    if owner.synchronizes { try base.synchronize() }
  }

  func truncate(to byteCount: UInt64) throws(NeedletailError) {
    try owner.enter(.truncate, path)
    try base.truncate(to: byteCount)
  }

  func close() throws(NeedletailError) {
    try owner.enter(.close, path)
    try base.close()
  }

  private func write(
    _ bytes: UnsafeRawBufferPointer, at offset: UInt64?
  ) throws(NeedletailError) {
    do throws(NeedletailError) { try owner.enter(.write, path) } catch {
      if owner.tearsWrites {
        let half = unsafe UnsafeRawBufferPointer(rebasing: bytes.prefix(bytes.count / 2))
        unsafe try pass(half, at: offset)
      }
      throw error
    }
    unsafe try pass(bytes, at: offset)
  }

  private func pass(_ bytes: UnsafeRawBufferPointer, at offset: UInt64?) throws(NeedletailError) {
    if let offset {
      unsafe try base.write(bytes, at: offset)
    } else {
      unsafe try base.write(bytes)
    }
  }
}
