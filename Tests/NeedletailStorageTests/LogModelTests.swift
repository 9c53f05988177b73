import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The log against an array: whatever happens in between, opening it anew gives a prefix of what was
/// written, and all that was called durable is in it.
private struct LogModel {
  let seed: UInt64
  var generator: SplitMix64
  let disk: SimulatedDisk
  let options: LogOptions
  var writer: LogWriter
  /// Every batch that was written or may have been, by LSN less one.
  var batches: [LogBatch] = []
  /// So many of them outlive the process, so many a power cut.
  var written = 0
  var durable = 0
  /// Batches that segments hold: a prefix.
  var sealed = 0
  /// Appended, and not written yet.
  var waiting: [LogBatch] = []
  /// What happened, for the message of a failure.
  var happened: Set<String> = []

  init(seed: UInt64) throws(NeedletailError) {
    self.seed = seed
    generator = SplitMix64(seed: seed)
    disk = try LogSample.disk(seed: seed)
    let sizes = [200, 1_000, 5_000, 1 << 20]
    options = LogSample.options(
      fileByteCount: sizes[Int(generator.next(below: 4))], seed: generator.next())
    writer = try LogSample.open(disk, options: options).writer
  }

  func sources(_ count: Int) -> [String: UInt64] {
    var offsets: [String: UInt64] = [:]
    for case let source? in batches.prefix(count).map(\.source) {
      offsets[source.name] = source.position
    }
    return offsets
  }

  mutating func run() throws {
    for _ in 0..<(10 + generator.next(below: 40)) {
      switch generator.next(below: 16) {
      case 0..<6: try append()
      case 6..<10: try commit()
      case 10: try roll()
      case 11: try seal()
      case 12: disk.arm(fault())
      case 13: try reopen(powerFails: true)
      case 14: try reopen(powerFails: false)
      default: try reread()
      }
    }
    try reopen(powerFails: true)
    try reopen(powerFails: false)
  }

  private mutating func fault() -> SimulatedDisk.Fault {
    let operations: [Set<FaultyFileSystem.Operation>] = [
      [.write], [.synchronize], [.write, .truncate], [.create], [.synchronizeDirectory],
      Set(FaultyFileSystem.Operation.allCases),
    ]
    return .init(
      call: 1 + Int(generator.next(below: 6)),
      operations: operations[Int(generator.next(below: 6))],
      number: [EIO, ENOSPC, EMFILE][Int(generator.next(below: 3))],
      isPermanent: generator.next(below: 4) == 0, isTorn: generator.next(below: 2) == 0)
  }

  private mutating func append() throws {
    let last = sources(batches.count).merging(
      waiting.compactMap(\.source).map { ($0.name, $0.position) }
    ) { $1 }
    var source: SourcePosition?
    if generator.next(below: 2) == 0 {
      let name = ["a", "b"][Int(generator.next(below: 2))]
      // Sometimes a batch that was there before.
      let position = (last[name] ?? 0) + generator.next(below: 5)
      source = SourcePosition(name: name, position: position)
    }
    let items = generator.next(below: 8) == 0 ? 200 : 4
    let batch = LogSample.batch(&generator, items: items, source: source)
    let isKnown = source.map { source in last[source.name].map { source.position <= $0 } ?? false }
    do throws(NeedletailError) {
      let outcome = try writer.append(batch)
      if isKnown == true {
        #expect(outcome == .skipped(position: last[source?.name ?? ""] ?? 0), "seed \(seed)")
      } else {
        waiting.append(batch)
        let lsn = UInt64(batches.count + waiting.count)
        #expect(outcome == .appended(lsn: lsn), "seed \(seed)")
      }
    } catch {
      #expect(writer.isPoisoned, "seed \(seed): \(error)")
    }
  }

  private mutating func commit() throws {
    let durability: Durability = generator.next(below: 2) == 0 ? .synced : .buffered
    let wasPoisoned = writer.isPoisoned
    do throws(NeedletailError) {
      let lsn = try writer.commit(durability)
      #expect(!wasPoisoned)
      batches += waiting
      waiting = []
      written = batches.count
      #expect(lsn == UInt64(written), "seed \(seed)")
      if durability == .synced { durable = written }
      happened.insert("\(durability)")
    } catch {
      #expect(error.code == .io, "seed \(seed): \(error)")
      happened.insert(writer.isPoisoned ? "poisoned" : "refused")
      // In doubt after poisoning; otherwise gone for good, even if the power fails next.
      if writer.isPoisoned, !wasPoisoned { batches += waiting }
      waiting = []
    }
    #expect(writer.isPoisoned || writer.durableLSN >= UInt64(durable), "seed \(seed)")
  }

  private mutating func roll() throws {
    if !waiting.isEmpty || writer.isPoisoned { return }
    do throws(NeedletailError) {
      try writer.roll()
      durable = written
    } catch {
      #expect(writer.isPoisoned, "seed \(seed): \(error)")
    }
  }

  /// Segments take all that is durable; the manifest that says so is durable too.
  private mutating func seal() throws {
    try roll()
    if writer.isPoisoned || !waiting.isEmpty { return }
    sealed = durable
    happened.insert("sealed")
    try? writer.removeFiles(sealedThrough: UInt64(sealed))
  }

  private mutating func reread() throws {
    if disk.hasFired || writer.isPoisoned { return }
    guard let found = try? LogSample.read(disk, after: UInt64(sealed)) else { return }
    #expect(found.entries.map(\.batch) == Array(batches[sealed..<written]), "seed \(seed)")
  }

  /// The process ends, or the power fails, and somebody opens the index: perhaps several times,
  /// because the first ones are killed as well.
  private mutating func reopen(powerFails: Bool) throws {
    let least = powerFails ? durable : written
    if powerFails { disk.crash(seed: generator.next()) } else { disk.kill() }
    while generator.next(below: 3) == 0 {
      disk.arm(fault())
      _ = try? LogSample.open(disk, after: UInt64(sealed), options: options)
      if powerFails, generator.next(below: 2) == 0 {
        disk.crash(seed: generator.next())
      } else {
        disk.kill()
      }
      happened.insert("interrupted")
    }
    disk.kill()
    let (writer, report, entries) = try LogSample.open(
      disk, after: UInt64(sealed), sourceOffsets: sources(sealed), options: options)
    self.writer = writer
    if report.tornTail != nil { happened.insert("torn") }
    let count = sealed + entries.count
    #expect((max(least, sealed)...max(sealed, batches.count)).contains(count), "seed \(seed)")
    #expect(entries.map(\.lsn) == (sealed..<count).map { UInt64($0 + 1) }, "seed \(seed)")
    #expect(entries.map(\.batch) == Array(batches[sealed..<count]), "seed \(seed)")
    if count < batches.count { happened.insert("cut") }
    batches.removeSubrange(count...)
    #expect(writer.sourceOffsets == sources(count), "seed \(seed)")
    #expect(writer.lastLSN == UInt64(count) && report.loss == nil, "seed \(seed)")
    // What was shown is kept from here on.
    (written, durable, waiting) = (count, count, [])
  }
}

@Suite struct LogModelTests {
  /// Seeds that once found something; kept.
  static let kept: [UInt64] = [37, 520, 873, 1090, 1876, 1890]

  @Test func everyCrashLeavesAPrefixWithAllThatWasDurable() throws {
    var happened: Set<String> = []
    let seeds = Self.kept + (0..<UInt64(Effort.count(2_000, long: 100_000)))
    try withEvery("seed", in: seeds) { seed in
      var model = try LogModel(seed: seed)
      try model.run()
      happened.formUnion(model.happened)
    }
    let wanted: Set = [
      "synced", "buffered", "refused", "poisoned", "sealed", "interrupted", "torn", "cut",
    ]
    #expect(happened.isSuperset(of: wanted), "\(happened)")
  }
}
