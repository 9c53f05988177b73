import NeedletailCore
import NeedletailStorage
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

/// An index that takes writes, on a disk that fails on command, beside an array of what it should hold.
///
/// Whatever happens in between: what a view shows is what the array had at the view's last batch; opening it anew
/// gives a state at or behind everything that was acknowledged.
struct LiveIndexModel {
  /// What an index holds.
  struct Content: Equatable {
    var rows: [VectorID: [Float]] = [:]
    var offsets: [String: UInt64] = [:]
  }

  static let dimensions = 6
  let seed: UInt64
  let metric: Metric
  let policy: [MergePolicy] = [.none, .automatic, .all]
  var generator: SplitMix64
  let disk: ModelDisk
  var options = UpdateOptions()
  var index: LiveIndex
  /// Another process that reads, once there is one.
  var follower: IndexFollower?
  /// What there is now.
  var content = Content()
  var withdrawn: Set<VectorID> = []
  /// What may be found when the index is opened anew, by the number of the last batch.
  var possible: [UInt64: [Content]] = [:]
  /// Withdrawals that may or may not be found.
  var possiblyWithdrawn: [Set<VectorID>] = []
  /// The last batch that outlives the process, and the last that outlives a power cut.
  var written: UInt64 = 0
  var durable: UInt64 = 0
  /// What the kept generations hold, by their numbers, as far as that is known.
  var generations: [UInt64: Content] = [:]
  /// Generations that a failed rollback may have published.
  var doubtful: Set<UInt64> = []
  /// Views that are held, and what they have to show.
  var held: [(view: IndexView, content: Content)] = []
  var happened: Set<String> = []
  /// The position of the last batch of the source.
  var position: UInt64 = 0

  init(seed: UInt64, disk: ModelDisk) throws {
    self.seed = seed
    generator = SplitMix64(seed: seed)
    metric = Metric.allCases[Int(seed % 3)]
    self.disk = disk
    var build = BuildOptions(dimensions: Self.dimensions, metric: metric)
    build.graph.m = 4
    build.graph.efConstruction = 20
    let empty = SegmentOrder(
      options: build, rows: [], ids: [], findings: RowFindings(), threads: 1, monitor: nil)
    let directory = disk.directory
    try OpenGeneration.create(
      directory.path, in: directory.fileSystem, empty, identity: Array(0..<16))
    options.log.fileByteCount = [200, 2_000, 1 << 20][Int(generator.next(below: 3))]
    options.log.seed = generator.next()
    options.keptGenerations = 3
    if seed / 3 % 2 == 0 { options.inPlaceLimit = 0 }
    index = try LiveIndex.open(directory, options: options).index
    possible[0] = [content]
    generations[1] = content
  }

  mutating func run() throws {
    for _ in 0..<(10 + generator.next(below: 30)) {
      switch generator.next(below: 20) {
      case 0..<7: try upsert()
      case 7..<9: try remove()
      case 9: try withdraw()
      case 10..<12: try seal()
      case 12: try rollback()
      case 13: hold()
      case 14: arm()
      case 15: try reopen(powerFails: true)
      case 16: try reopen(powerFails: false)
      case 17: _ = try? index.linkMore(3)
      case 18: follow()
      default: try check()
      }
    }
    try reopen(powerFails: true)
    try check()
  }

  private mutating func arm() {
    let operations: [Set<FaultyFileSystem.Operation>] = [
      [.write], [.synchronize], [.write, .truncate], [.create], [.synchronizeDirectory], [.rename],
      [.remove], Set(FaultyFileSystem.Operation.allCases),
    ]
    disk.arm(
      .init(
        call: 1 + Int(generator.next(below: 12)),
        operations: operations[Int(generator.next(below: UInt64(operations.count)))],
        number: [EIO, ENOSPC, EMFILE][Int(generator.next(below: 3))],
        isPermanent: generator.next(below: 4) == 0, isTorn: generator.next(below: 2) == 0))
  }

  // MARK: - Changes

  private mutating func ids(_ most: UInt64) -> [VectorID] {
    (0..<(1 + generator.next(below: most))).map { _ in generator.next(below: 40) }
  }

  private mutating func upsert() throws {
    var ids = ids(8)
    let isInsert = generator.next(below: 4) == 0
    if isInsert, generator.next(below: 4) > 0 { ids = Set(ids).sorted() }
    let rows = ids.map { _ in
      (0..<Self.dimensions).map { _ in Float(generator.next(below: 2_001)) / 100 - 10.003 }
    }
    var batch = LogBatch.upsert(
      ids: ids, dimensions: Self.dimensions, components: rows.flatMap(\.self))
    var next = content
    for (id, row) in zip(ids, rows) { next.rows[id] = row }
    let isKnown = addSource(&batch, &next)
    // A batch that was taken before is skipped, whatever ids it has.
    let isRefused =
      !isKnown && isInsert
      && (Set(ids).count < ids.count || ids.contains { content.rows[$0] != nil })
    try write(batch, isInsert: isInsert, isRefused: isRefused, isKnown: isKnown, next)
  }

  private mutating func remove() throws {
    let ids = ids(6)
    var batch = LogBatch.remove(ids: ids)
    var next = content
    for id in ids { next.rows[id] = nil }
    let isKnown = addSource(&batch, &next)
    try write(batch, isInsert: false, isRefused: false, isKnown: isKnown, next)
  }

  private mutating func addSource(_ batch: inout LogBatch, _ next: inout Content) -> Bool {
    guard generator.next(below: 3) == 0 else { return false }
    let last = content.offsets["a"]
    let position = (last ?? 0) + generator.next(below: 4)
    batch.source = SourcePosition(name: "a", position: position)
    if let last, position <= last { return true }
    next.offsets["a"] = position
    return false
  }

  private mutating func write(
    _ batch: LogBatch, isInsert: Bool, isRefused: Bool, isKnown: Bool, _ next: Content
  ) throws {
    var request = UpdateRequest(batch)
    request.isInsert = isInsert
    request.durability = generator.next(below: 3) == 0 ? .buffered : .synced
    let before = index.view.lsn
    do throws(NeedletailError) {
      let outcome = try index.update(request)
      #expect(!isRefused, "seed \(seed): an id that is there was inserted")
      if isKnown {
        #expect(outcome.lsn == nil, "seed \(seed)")
      } else {
        #expect(outcome.lsn == before + 1, "seed \(seed)")
        content = next
        possible[before + 1] = [content]
        written = before + 1
      }
      if request.durability == .synced { durable = written }
      happened.insert("\(batch.operation)")
      if index.view.stack.live.contains(where: { $0.segment.unsealedCount($0.view) < $0.count }) {
        happened.insert("moved into memory")
      }
    } catch {
      if isRefused, error.code == .alreadyExists { return }
      #expect([.io].contains(error.code), "seed \(seed): \(error)")
      // What a writer that is in doubt wrote may be found.
      if !isKnown { possible[before + 1, default: []].append(next) }
      happened.insert("failed write")
    }
    try check()
  }

  private mutating func withdraw() throws {
    let ids = ids(4)
    let isBack = generator.next(below: 3) == 0
    let next = isBack ? withdrawn.subtracting(ids) : withdrawn.union(ids)
    do throws(NeedletailError) {
      if isBack { try index.reinstate(ids) } else { try index.withdraw(ids) }
      withdrawn = next
      possiblyWithdrawn = []
      happened.insert("withdrawn")
    } catch {
      #expect(error.code == .io, "seed \(seed): \(error)")
      possiblyWithdrawn.append(next)
    }
  }

  private mutating func seal() throws {
    let before = index.view.generation.manifest.generation
    do throws(NeedletailError) {
      let plan = try index.seal(policy[Int(generator.next(below: 3))])
      let manifest = index.view.generation.manifest
      if plan != nil {
        #expect(manifest.generation > before, "seed \(seed)")
        #expect(manifest.sealedLSN == index.view.lsn, "seed \(seed)")
        #expect(manifest.sourceOffsets == content.offsets, "seed \(seed)")
        generations[manifest.generation] = content
        doubtful.remove(manifest.generation)
        // Everything before was made durable.
        (written, durable) = (manifest.sealedLSN, manifest.sealedLSN)
        happened.insert("sealed")
      }
    } catch {
      #expect(error.code == .io, "seed \(seed): \(error)")
      if !doubtful.contains(before + 1) { generations[before + 1] = content }
      happened.insert("failed seal")
    }
    try check()
  }

  private mutating func rollback() throws {
    let numbers = generations.keys.sorted()
    let number = numbers[Int(generator.next(below: UInt64(numbers.count)))]
    guard let target = generations[number] else { return }
    let before = index.view
    do throws(NeedletailError) {
      try index.rollback(to: number)
      content = target
      let lsn = index.view.lsn
      possible[lsn] = [content]
      (written, durable) = (lsn, lsn)
      let published = index.view.generation.manifest.generation
      generations[published] = content
      doubtful.remove(published)
      happened.insert("rolled back")
    } catch {
      #expect([.io, .notFound].contains(error.code), "seed \(seed): \(error)")
      if error.code == .notFound { return }
      possible[before.lsn, default: []].append(target)
      // Which of the two it holds is not known.
      let published = before.generation.manifest.generation + 1
      generations[published] = nil
      doubtful.insert(published)
      happened.insert("failed rollback")
    }
    try check()
  }

  // MARK: - Looking

  private mutating func hold() {
    guard held.count < 4 else { return }
    held.append((index.view, content))
  }

  func check() throws { try expect(index.view, content) }

  private func expect(_ view: IndexView, _ content: Content) throws {
    // A withdrawal of which only the durability is in doubt may be in force.
    let hidden = possiblyWithdrawn.isEmpty ? withdrawn : nil
    if let hidden {
      let wanted = content.rows.keys.filter { !hidden.contains($0) }.sorted()
      #expect(view.ids == wanted, "seed \(seed)")
      #expect(view.count == wanted.count, "seed \(seed)")
    }
    for id in view.ids {
      guard let row = content.rows[id] else {
        Issue.record("seed \(seed): \(id) is there")
        continue
      }
      expect(view, id, row)
    }
    try search(view, content)
  }

  private func expect(_ view: IndexView, _ id: VectorID, _ row: [Float]) {
    let found = stored(id, in: view)
    #expect(found != nil, "seed \(seed)")
    #expect(
      Self.areEqual(found ?? [], row), "seed \(seed): \(id) is \(found ?? [])")
  }

  private func stored(_ id: VectorID, in view: IndexView) -> [Float]? {
    var found = [Float](repeating: .nan, count: Self.dimensions)
    let isThere = unsafe found.withUnsafeMutableBufferPointer { buffer in
      unsafe buffer.baseAddress.map { unsafe view.export(id, into: $0) } ?? false
    }
    return isThere ? found : nil
  }

  private static func areEqual(_ one: [Float], _ other: [Float]) -> Bool {
    one.count == other.count && zip(one, other).allSatisfy { abs($0 - $1) <= 1e-5 }
  }

  /// Whether a view's rows are those of a content: two batches in doubt may have the same ids.
  private func hasRows(_ view: IndexView, of content: Content) -> Bool {
    view.ids.allSatisfy { id in
      guard let found = stored(id, in: view), let wanted = content.rows[id] else { return false }
      return Self.areEqual(found, wanted)
    }
  }

  /// Every answer is there, no id stands there twice, and all are answered when all are asked for.
  private func search(_ view: IndexView, _ content: Content) throws {
    let query = (0..<Self.dimensions).map { Float($0) - 2.2 }
    var answers = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 64)
    let outcome = unsafe try view.stack.search(
      query, SearchParameters(k: 64, efSearch: 64), into: &answers)
    let found = answers.prefix(outcome.count).map(\.id)
    #expect(found.sorted() == view.ids, "seed \(seed)")
  }

  /// Another process looks again, and sees what was written.
  private mutating func follow() {
    disk.arm(nil)
    do throws(NeedletailError) {
      let follower: IndexFollower
      if let present = self.follower {
        try present.refresh()
        happened.insert("followed")
        follower = present
      } else {
        follower = try IndexFollower(disk.directory, options: options, verification: .structure)
      }
      self.follower = follower
      let view = follower.view
      // What a failed write left may be seen, until it is cut off.
      #expect(view.lsn >= index.view.lsn, "seed \(seed): \(view.lsn)")
      let match = (possible[view.lsn] ?? []).first {
        $0.offsets == view.sourceOffsets
          && (!possiblyWithdrawn.isEmpty
            || $0.rows.keys.filter { !withdrawn.contains($0) }.sorted() == view.ids)
          && hasRows(view, of: $0)
      }
      guard let match else {
        Issue.record(
          "seed \(seed): what is read at \(view.lsn) was never there: \(view.ids), \(view.sourceOffsets)"
        )
        return
      }
      if held.count < 4 { held.append((view, match)) }
    } catch {
      Issue.record("seed \(seed): \(error)")
    }
  }

  /// Views that are held show what they showed, but for what was withdrawn since.
  private mutating func checkHeld() throws {
    disk.arm(nil)
    for (view, content) in held {
      try view.withdrawn.look()
      try expect(view, content)
    }
    held = []
  }

  // MARK: - Crashes

  private mutating func reopen(powerFails: Bool) throws {
    try checkHeld()
    let powerFails = disk.end(powerFails: powerFails, seed: generator.next())
    // The other process runs on the same machine.
    if powerFails { follower = nil }
    index = try LiveIndex.open(disk.directory, options: options).index
    let view = index.view
    #expect(
      view.lsn >= (powerFails ? durable : written), "seed \(seed): acknowledged batches are lost")
    let found = view.generation.manifest.generation
    generations = generations.filter { $0.key <= found }
    let ids = Set(view.ids)
    let choices = [withdrawn] + possiblyWithdrawn
    let match = (possible[view.lsn] ?? []).lazy.flatMap { content in
      choices.map { (content, $0) }
    }.first { content, withdrawn in
      ids == Set(content.rows.keys).subtracting(withdrawn)
        && content.offsets == view.sourceOffsets
        && index.withdrawnIDs == withdrawn && hasRows(view, of: content)
    }
    guard let match else {
      Issue.record(
        "seed \(seed): what was found at \(view.lsn) was never there: \(ids.sorted()), \(view.sourceOffsets), \(index.withdrawnIDs)"
      )
      throw NeedletailError(.corrupted, "see above")
    }
    (content, withdrawn) = match
    possiblyWithdrawn = []
    possible = possible.filter { $0.key <= view.lsn }
    possible[view.lsn] = [content]
    (written, durable) = (view.lsn, view.lsn)
    happened.insert(powerFails ? "power cut" : "kill")
    try check()
  }
}
