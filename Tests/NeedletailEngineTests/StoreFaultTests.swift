import NeedletailCore
import NeedletailStorage
import Synchronization
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Builds that fail, are cancelled or meet what is there already: nothing is left, or a sound index.
@Suite("Publishing an index")
struct StoreFaultTests {
  private func world() -> World {
    World(
      .cosine, RandomVectors.clusters(count: 60, dimensions: 8, seed: 2), dimensions: 8, m: 4,
      ef: 16)
  }

  private func isSound(_ fileSystem: any FileSystem) throws(NeedletailError) -> Bool {
    guard try fileSystem.kind(of: "d/index") != nil else { return false }
    let generation = try OpenGeneration.open(
      "d/index", in: fileSystem, placements: Placements(), verification: .full)
    #expect(generation.segment.count == 60)
    return true
  }

  @Test("A disk that fails at any call leaves nothing, or a sound index", arguments: [EIO, ENOSPC])
  func everyCall(number: Int32) throws {
    let world = world()
    var call = 1
    while true {
      let memory = InMemoryFileSystem()
      try memory.makeDirectory("d")
      let faulty = FaultyFileSystem(memory, fault: .init(call: call, number: number))
      var failure: NeedletailError?
      do throws(NeedletailError) { try world.publish(in: faulty, at: "d/index") } catch {
        failure = error
      }
      let exists = try isSound(memory)
      if !faulty.hasFired {
        #expect(failure == nil && exists)
        break
      }
      let name = "call \(call): \(faulty.log.last ?? "")"
      if let failure {
        #expect(failure.code == .io || failure.code == .notFound, "\(name): \(failure)")
        #expect(failure.location != nil || failure.cause != nil, "\(name)")
      } else {
        #expect(exists, "\(name): success is a sound index")
      }
      let rest = memory.allFiles().filter { !$0.hasPrefix("d/index/") }
      #expect(rest.isEmpty, "\(name): \(rest)")
      if !exists { #expect(try memory.list("d").isEmpty, "\(name)") }
      call += 1
    }
    #expect(call > 30, "the loop has met every call: \(call)")
  }

  @Test("A process killed at any call leaves no index, or a sound one")
  func everyKill() throws {
    let world = world()
    var call = 1
    while true {
      let memory = InMemoryFileSystem()
      try memory.makeDirectory("d")
      try memory.synchronizeDirectory("")
      let faulty = FaultyFileSystem(
        memory, fault: .init(call: call, isPermanent: true, isTorn: call % 2 == 0))
      let isDone = (try? world.publish(in: faulty, at: "d/index")) != nil
      if !faulty.hasFired { break }
      #expect(!isDone)
      _ = try isSound(memory)
      memory.crash()
      _ = try isSound(memory)
      call += 1
    }
  }

  @Test("What was published survives a power cut")
  func durable() throws {
    let memory = InMemoryFileSystem()
    try memory.makeDirectory("d")
    try memory.synchronizeDirectory("")
    try world().publish(in: memory, at: "d/index")
    memory.crash()
    #expect(try isSound(memory))
  }

  @Test("A cancelled build stops in every phase and leaves nothing")
  func cancellation() throws {
    let world = World(
      .squaredEuclidean, RandomVectors.clusters(count: 700, dimensions: 8, seed: 2), dimensions: 8,
      m: 4, ef: 16)
    // While codes are made and links are chosen no file is touched: a watcher cancels there. It may come
    // too late, and the build is done then.
    let turbo = TurboTests.world(count: 700, dimensions: 8)
    for (world, phase) in [
      (world, "coding"), (world, "linking"), (turbo, "filling"), (turbo, "inlining"),
    ] {
      let directory = try TemporaryDirectory()
      let monitor = WorkMonitor()
      let watcher = Task.detached {
        while !Task.isCancelled, monitor.progress.phase != phase { await Task.yield() }
        monitor.cancel()
      }
      defer { watcher.cancel() }
      do throws(NeedletailError) {
        try world.publish(
          in: LocalFileSystem(), at: directory("index"), threads: 2, monitor: monitor)
      } catch {
        #expect(error.code == .cancelled, "\(phase)")
        #expect(try LocalFileSystem().list(directory.path).isEmpty, "\(phase)")
      }
    }
    // Afterwards every call of the file system is a place to cancel at.
    var call = 1
    var cancelled = 0
    while true {
      let directory = try TemporaryDirectory()
      let monitor = WorkMonitor()
      let fileSystem = CancellingFileSystem(monitor, at: call)
      do throws(NeedletailError) {
        try world.publish(in: fileSystem, at: directory("index"), monitor: monitor)
      } catch {
        cancelled += 1
        #expect(error.code == .cancelled, "call \(call): \(error)")
        #expect(try LocalFileSystem().list(directory.path).isEmpty, "call \(call)")
      }
      if !monitor.isCancelled { break }
      call += 1
    }
    #expect(cancelled > 15 && call - cancelled < 12, "\(cancelled) of \(call) calls were in time")
    let monitor = WorkMonitor()
    monitor.cancel()
    let directory = try TemporaryDirectory()
    let error = #expect(throws: NeedletailError.self) {
      try world.publish(in: LocalFileSystem(), at: directory("index"), monitor: monitor)
    }
    #expect(error?.code == .cancelled)
    #expect(try LocalFileSystem().list(directory.path).isEmpty)
  }

  @Test("The monitor sees every phase, each to its end")
  func phases() throws {
    let world = world()
    let monitor = WorkMonitor()
    try world.publish(in: InMemoryFileSystem(), monitor: monitor)
    #expect(monitor.progress.phase == "publishing")
    #expect(monitor.progress.done == 1)
    #expect(monitor.progress.total == 1)
  }

  @Test("A target that exists is refused before any work, and stays as it was")
  func existing() throws {
    let memory = InMemoryFileSystem()
    try memory.makeDirectory("d")
    for isFile in [true, false] {
      let target = isFile ? "d/file" : "d/directory"
      if isFile {
        try memory.setContents(target, [1, 2, 3])
      } else {
        try memory.makeDirectory(target)
      }
      let monitor = WorkMonitor()
      let error = #expect(throws: NeedletailError.self) {
        try world().publish(in: memory, at: target, monitor: monitor)
      }
      #expect(error?.code == .alreadyExists)
      #expect(error?.location?.path == target)
      #expect(monitor.progress.phase.isEmpty, "nothing was begun")
      #expect(isFile ? memory.contents(target) == [1, 2, 3] : try memory.list(target).isEmpty)
    }
    let error = #expect(throws: NeedletailError.self) {
      try world().publish(in: memory, at: "missing/index")
    }
    #expect(error?.code == .notFound)
    #expect(error?.location?.path == "missing")
    #expect(try memory.list("d") == ["directory", "file"])
  }

  @Test("Every placement gives the same answers", arguments: Metric.allCases)
  func placements(metric: Metric) throws {
    var world = world()
    world.options.metric = metric
    let memory = InMemoryFileSystem()
    try world.publish(in: memory)
    var expected: [Neighbor]?
    for bits in 0..<16 {
      var placements = Placements()
      placements.codes = bits & 1 == 0 ? .resident : .mapped
      placements.graph = bits & 2 == 0 ? .resident : .mapped
      placements.rows = bits & 4 == 0 ? .resident : .mapped
      placements.ids = bits & 8 == 0 ? .resident : .mapped
      let segment = try OpenGeneration.open(
        "index", in: memory, placements: placements, verification: .structure
      ).segment
      #expect(segment.placements == placements)
      let found = try segment.answers(
        world.row(7), .init(k: 5, efSearch: 20, evaluationLimit: 59)
      ).neighbors
      #expect(found == expected ?? found)
      expected = found
      #expect(segment.sortedIDs == world.ids.sorted())
    }
  }
}

/// Cancels when a certain call is made.
private final class CancellingFileSystem: FileSystem {
  private let base = LocalFileSystem()
  private let monitor: WorkMonitor
  private let call: Int
  private let count = Atomic<Int>(0)

  init(_ monitor: WorkMonitor, at call: Int) {
    self.monitor = monitor
    self.call = call
  }

  private func enter() {
    if count.add(1, ordering: .relaxed).newValue == call { monitor.cancel() }
  }

  func map(_ path: String) throws(NeedletailError) -> MappedRegion {
    enter()
    return try base.map(path)
  }

  func kind(of path: String) throws(NeedletailError) -> FileKind? {
    enter()
    return try base.kind(of: path)
  }

  func create(_ path: String) throws(NeedletailError) -> any WritableFile {
    enter()
    return try base.create(path)
  }

  func reopen(_ path: String) throws(NeedletailError) -> any WritableFile {
    enter()
    return try base.reopen(path)
  }

  func makeDirectory(_ path: String) throws(NeedletailError) {
    enter()
    try base.makeDirectory(path)
  }

  func list(_ path: String) throws(NeedletailError) -> [String] {
    enter()
    return try base.list(path)
  }

  func rename(_ from: String, to: String) throws(NeedletailError) {
    enter()
    try base.rename(from, to: to)
  }

  func moveDirectory(_ from: String, toNew to: String) throws(NeedletailError) {
    enter()
    try base.moveDirectory(from, toNew: to)
  }

  func remove(_ path: String) throws(NeedletailError) {
    enter()
    try base.remove(path)
  }

  func removeTree(_ path: String) throws(NeedletailError) {
    enter()
    try base.removeTree(path)
  }

  func synchronizeDirectory(_ path: String) throws(NeedletailError) {
    enter()
    try base.synchronizeDirectory(path)
  }
}
