import NeedletailCore
import NeedletailStorage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file or directory of the simulated disk: as readers see it, as the disk has it, and what is
/// between the two.
struct SimulatedNode {
  enum Change {
    case write(Int, [UInt8])
    case truncate(Int)
  }

  var isDirectory = false
  private(set) var bytes: [UInt8] = []
  private var durable: [UInt8] = []
  private var pending: [Change] = []
  var names: [String: Int] = [:]
  private var durableNames: [String: Int] = [:]
  private var pendingNames: [[(name: String, node: Int?)]] = []

  init(isDirectory: Bool = false) { self.isDirectory = isDirectory }

  mutating func change(_ change: Change) {
    Self.apply(change, &bytes)
    pending.append(change)
  }

  /// Changes names in one step, which reaches the disk whole or not at all.
  mutating func rename(_ step: [(name: String, node: Int?)]) {
    for (name, node) in step { names[name] = node }
    pendingNames.append(step)
  }

  /// Writes what is pending, and nothing else: what was forgotten before stays forgotten.
  mutating func synchronize() {
    for change in pending { Self.apply(change, &durable) }
    pending = []
  }

  mutating func synchronizeNames() {
    durableNames = names
    pendingNames = []
  }

  mutating func replaceDurably(_ new: [UInt8]) {
    (bytes, durable, pending) = (new, new, [])
  }

  /// A synchronisation failed: some of it reached the disk, and nothing will be tried again.
  mutating func forget(using generator: inout SplitMix64) {
    durable = fate(using: &generator)
    pending = []
  }

  mutating func crash(using generator: inout SplitMix64) {
    replaceDurably(fate(using: &generator))
    // Renaming is one step; steps are independent, or the disk keeps their order.
    let keepsOrder = generator.next(below: 2) == 0
    let kept = Int(generator.next(below: UInt64(pendingNames.count + 1)))
    for (index, step) in pendingNames.enumerated()
    where keepsOrder ? index < kept : generator.next(below: 2) == 0 {
      for (name, node) in step { durableNames[name] = node }
    }
    names = durableNames
    pendingNames = []
  }

  /// What the disk may hold when the power goes: each sector in any state since the last
  /// synchronisation, and any length.
  private func fate(using generator: inout SplitMix64) -> [UInt8] {
    guard !pending.isEmpty else { return durable }
    var states = [durable]
    for change in pending {
      var next = states[states.count - 1]
      Self.apply(change, &next)
      states.append(next)
    }
    // Nothing of it, all of it, all up to some moment, or the sectors each for itself.
    switch generator.next(below: 6) {
    case 0: return durable
    case 1: return states[states.count - 1]
    case 2: return states[Int(generator.next(below: UInt64(states.count)))]
    default: break
    }
    let sector = generator.next(below: 2) == 0 ? 512 : 4096
    let length = states[Int(generator.next(below: UInt64(states.count)))].count
    var result = [UInt8](repeating: 0, count: length)
    for start in stride(from: 0, to: length, by: sector) {
      let state = states[Int(generator.next(below: UInt64(states.count)))]
      let end = min(start + sector, length, state.count)
      if start < end { result.replaceSubrange(start..<end, with: state[start..<end]) }
    }
    return result
  }

  private static func apply(_ change: Change, _ bytes: inout [UInt8]) {
    switch change {
    case .truncate(let count):
      if count <= bytes.count {
        bytes.removeSubrange(count...)
      } else {
        bytes += [UInt8](repeating: 0, count: count - bytes.count)
      }
    case .write(let offset, let new):
      let missing = offset + new.count - bytes.count
      if missing > 0 { bytes += [UInt8](repeating: 0, count: missing) }
      bytes.replaceSubrange(offset..<(offset + new.count), with: new)
    }
  }
}

/// The files and directories of the simulated disk, by number; the root is 0.
struct SimulatedTree {
  private var nodes = [SimulatedNode(isDirectory: true)]

  subscript(node: Int) -> SimulatedNode {
    get { nodes[node] }
    set { nodes[node] = newValue }
    _modify { yield &nodes[node] }
  }

  static func parent(_ path: String) -> String {
    path.split(separator: "/").dropLast().joined(separator: "/")
  }

  func find(_ path: String) -> Int? {
    var node = 0
    for part in path.split(separator: "/") where part != "." {
      guard let next = nodes[node].names[String(part)] else { return nil }
      node = next
    }
    return node
  }

  func file(_ path: String) throws(NeedletailError) -> Int {
    guard let node = find(path) else { throw .system(ENOENT, "Opening it", path: path) }
    if nodes[node].isDirectory { throw .system(EISDIR, "Opening it", path: path) }
    return node
  }

  mutating func add(_ node: SimulatedNode, _ path: String) throws(NeedletailError) -> Int {
    let (parent, name) = try place(path)
    if nodes[parent].names[name] != nil { throw .system(EEXIST, "Creating it", path: path) }
    nodes.append(node)
    nodes[parent].rename([(name, nodes.count - 1)])
    return nodes.count - 1
  }

  mutating func remove(_ path: String, recursively: Bool) throws(NeedletailError) {
    guard let node = find(path) else { throw .system(ENOENT, "Removing it", path: path) }
    if !recursively, !nodes[node].names.isEmpty {
      throw .system(ENOTEMPTY, "Removing it", path: path)
    }
    let (parent, name) = try place(path)
    nodes[parent].rename([(name, nil)])
  }

  mutating func move(_ from: String, _ to: String) throws(NeedletailError) {
    guard let node = find(from) else { throw .system(ENOENT, "Renaming it", path: from) }
    let (oldParent, oldName) = try place(from)
    let (newParent, newName) = try place(to)
    if oldParent == newParent {
      nodes[oldParent].rename([(oldName, nil), (newName, node)])
    } else {
      nodes[newParent].rename([(newName, node)])
      nodes[oldParent].rename([(oldName, nil)])
    }
  }

  mutating func synchronizeDirectory(_ path: String) throws(NeedletailError) {
    guard let node = find(path) else { throw .system(ENOENT, "Opening it", path: path) }
    nodes[node].synchronizeNames()
  }

  mutating func crash(using generator: inout SplitMix64) {
    for index in nodes.indices { nodes[index].crash(using: &generator) }
  }

  private func place(_ path: String) throws(NeedletailError) -> (parent: Int, name: String) {
    let parts = path.split(separator: "/")
    guard let name = parts.last, let parent = find(parts.dropLast().joined(separator: "/")),
      nodes[parent].isDirectory
    else { throw .system(ENOENT, "Finding the directory", path: path) }
    return (parent, String(name))
  }
}
