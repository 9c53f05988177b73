package import NeedletailCore
package import NeedletailStorage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file system in memory that knows what would survive a power cut.
///
/// Contents survive when the file was synchronised after them, names when their directory was.
/// Paths are split at slashes; a leading one changes nothing.
package final class InMemoryFileSystem: FileSystem {
  private struct Node {
    var isDirectory: Bool
    var bytes: [UInt8] = []
    var durableBytes: [UInt8] = []
    var names: [String: Int] = [:]
    var durableNames: [String: Int] = [:]
  }

  private struct State {
    var nodes: [Node] = [Node(isDirectory: true)]

    func find(_ path: String) -> Int? {
      var node = 0
      for part in path.split(separator: "/") where part != "." {
        guard let next = nodes[node].names[String(part)] else { return nil }
        node = next
      }
      return node
    }

    func place(_ path: String) throws(NeedletailError) -> (parent: Int, name: String) {
      let parts = path.split(separator: "/")
      guard let name = parts.last, let parent = find(parts.dropLast().joined(separator: "/")),
        nodes[parent].isDirectory
      else { throw .system(ENOENT, "Finding the directory", path: path) }
      return (parent, String(name))
    }

    mutating func add(_ node: Node, _ path: String) throws(NeedletailError) -> Int {
      let (parent, name) = try place(path)
      if nodes[parent].names[name] != nil { throw .system(EEXIST, "Creating it", path: path) }
      nodes.append(node)
      nodes[parent].names[name] = nodes.count - 1
      return nodes.count - 1
    }

    mutating func remove(_ path: String, recursively: Bool) throws(NeedletailError) {
      guard let node = find(path) else { throw .system(ENOENT, "Removing it", path: path) }
      if !recursively, !nodes[node].names.isEmpty {
        throw .system(ENOTEMPTY, "Removing it", path: path)
      }
      let (parent, name) = try place(path)
      nodes[parent].names[name] = nil
    }

    mutating func move(_ from: String, _ to: String) throws(NeedletailError) {
      guard let node = find(from) else { throw .system(ENOENT, "Renaming it", path: from) }
      let (oldParent, oldName) = try place(from)
      let (newParent, newName) = try place(to)
      nodes[oldParent].names[oldName] = nil
      nodes[newParent].names[newName] = node
    }

    mutating func crash() {
      for index in nodes.indices {
        nodes[index].bytes = nodes[index].durableBytes
        nodes[index].names = nodes[index].durableNames
      }
    }
  }

  private let state = Guarded(State())

  package init() {}

  /// Cuts the power: everything that was not made durable is gone.
  package func crash() { state.withLock { $0.crash() } }

  /// The contents of a file, if there is one.
  package func contents(_ path: String) -> [UInt8]? {
    state.withLock { state in
      guard let node = state.find(path), !state.nodes[node].isDirectory else { return nil }
      return state.nodes[node].bytes
    }
  }

  /// Puts a file there, durable at once, replacing what was there.
  package func setContents(_ path: String, _ bytes: [UInt8]) throws(NeedletailError) {
    try locked { state throws(NeedletailError) in
      let node: Int
      if let found = state.find(path) {
        node = found
      } else {
        node = try state.add(Node(isDirectory: false), path)
      }
      state.nodes[node].bytes = bytes
      state.nodes[node].durableBytes = bytes
      let (parent, name) = try state.place(path)
      state.nodes[parent].durableNames[name] = node
    }
  }

  /// All paths of files, in ascending order.
  package func allFiles() -> [String] {
    state.withLock { state in
      func walk(_ node: Int, _ path: String) -> [String] {
        guard state.nodes[node].isDirectory else { return [path] }
        return state.nodes[node].names.sorted { $0.key < $1.key }
          .flatMap { walk($0.value, path.isEmpty ? $0.key : path + "/" + $0.key) }
      }
      return walk(0, "")
    }
  }

  package func map(_ path: String) throws(NeedletailError) -> MappedRegion {
    let bytes = try locked { state throws(NeedletailError) in
      guard let node = state.find(path) else { throw .system(ENOENT, "Opening it", path: path) }
      if state.nodes[node].isDirectory { throw .system(EISDIR, "Opening it", path: path) }
      return state.nodes[node].bytes
    }
    return try MappedRegion(bytes, path: path)
  }

  package func kind(of path: String) throws(NeedletailError) -> FileKind? {
    state.withLock { state in
      state.find(path).map { state.nodes[$0].isDirectory ? .directory : .file }
    }
  }

  package func create(_ path: String) throws(NeedletailError) -> any WritableFile {
    let node = try locked { state throws(NeedletailError) in
      try state.add(Node(isDirectory: false), path)
    }
    return InMemoryFile(self, node)
  }

  package func reopen(_ path: String) throws(NeedletailError) -> any WritableFile {
    let (node, byteCount) = try locked { state throws(NeedletailError) in
      guard let node = state.find(path) else { throw .system(ENOENT, "Opening it", path: path) }
      if state.nodes[node].isDirectory { throw .system(EISDIR, "Opening it", path: path) }
      return (node, state.nodes[node].bytes.count)
    }
    return InMemoryFile(self, node, position: UInt64(byteCount))
  }

  package func makeDirectory(_ path: String) throws(NeedletailError) {
    _ = try locked { state throws(NeedletailError) in
      try state.add(Node(isDirectory: true), path)
    }
  }

  package func list(_ path: String) throws(NeedletailError) -> [String] {
    try locked { state throws(NeedletailError) in
      guard let node = state.find(path) else { throw .system(ENOENT, "Listing it", path: path) }
      return state.nodes[node].names.keys.sorted()
    }
  }

  package func rename(_ from: String, to: String) throws(NeedletailError) {
    try locked { state throws(NeedletailError) in try state.move(from, to) }
  }

  package func moveDirectory(_ from: String, toNew to: String) throws(NeedletailError) {
    try locked { state throws(NeedletailError) in
      if state.find(to) != nil { throw .system(EEXIST, "Moving \(from) to it", path: to) }
      try state.move(from, to)
    }
  }

  package func remove(_ path: String) throws(NeedletailError) {
    try locked { state throws(NeedletailError) in try state.remove(path, recursively: false) }
  }

  package func removeTree(_ path: String) throws(NeedletailError) {
    try locked { state throws(NeedletailError) in try state.remove(path, recursively: true) }
  }

  package func synchronizeDirectory(_ path: String) throws(NeedletailError) {
    try locked { state throws(NeedletailError) in
      guard let node = state.find(path) else { throw .system(ENOENT, "Opening it", path: path) }
      state.nodes[node].durableNames = state.nodes[node].names
    }
  }

  fileprivate func write(_ bytes: [UInt8], node: Int, at offset: Int) {
    state.withLock { state in
      let missing = offset + bytes.count - state.nodes[node].bytes.count
      if missing > 0 { state.nodes[node].bytes += [UInt8](repeating: 0, count: missing) }
      state.nodes[node].bytes.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    }
  }

  fileprivate func truncate(node: Int, to byteCount: Int) {
    state.withLock { $0.nodes[node].bytes.removeSubrange(byteCount...) }
  }

  fileprivate func synchronize(node: Int) {
    state.withLock { $0.nodes[node].durableBytes = $0.nodes[node].bytes }
  }

  private func locked<Value: Sendable>(
    _ body: (inout State) throws(NeedletailError) -> Value
  ) throws(NeedletailError) -> Value {
    try state.withLock { state -> Result<Value, NeedletailError> in
      Result { () throws(NeedletailError) in try body(&state) }
    }.get()
  }
}

private final class InMemoryFile: WritableFile {
  private let fileSystem: InMemoryFileSystem
  private let node: Int
  private(set) var position: UInt64

  init(_ fileSystem: InMemoryFileSystem, _ node: Int, position: UInt64 = 0) {
    self.fileSystem = fileSystem
    self.node = node
    self.position = position
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(NeedletailError) {
    fileSystem.write(unsafe [UInt8](bytes), node: node, at: Int(position))
    position += UInt64(bytes.count)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(NeedletailError) {
    fileSystem.write(unsafe [UInt8](bytes), node: node, at: Int(offset))
  }

  func synchronize() throws(NeedletailError) { fileSystem.synchronize(node: node) }

  func truncate(to byteCount: UInt64) throws(NeedletailError) {
    fileSystem.truncate(node: node, to: Int(byteCount))
    position = byteCount
  }

  func close() throws(NeedletailError) {}
}

extension MappedRegion {
  /// A region over a copy of an array.
  package convenience init(_ bytes: [UInt8], path: String) throws(NeedletailError) {
    let block = try MemoryBlock(byteCount: bytes.count)
    unsafe block.mutableBytes.copyBytes(from: bytes)
    self.init(block, path: path)
  }
}
