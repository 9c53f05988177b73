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

/// Every call that withdrawals make fails once, in every way, and the process or the machine ends at it.
@Suite struct WithdrawalFaultTests {
  /// The sets that may be there afterwards: the last one that was durable, and what was in doubt.
  private struct Progress {
    var possible: [Set<VectorID>] = [[]]
    var failures = 0
  }

  /// Withdraws, reinstates and writes anew; stops at a failure if the process dies of it.
  private func run(_ disk: SimulatedDisk, isDeadly: Bool) -> Progress {
    var progress = Progress()
    do throws(NeedletailError) {
      let log = try WithdrawalSample.open(
        disk, options: WithdrawalSample.options(rewriteByteCount: 700))
      for step in 0..<16 as Range<UInt64> {
        let (kind, ids) = (step % 4, [step / 4 * 3, 50 + step / 2 % 3, 9])
        do throws(NeedletailError) {
          let next = kind == 3 ? log.ids.subtracting(ids) : log.ids.union(ids)
          progress.possible.append(next)
          if kind == 3 { try log.reinstate(ids) } else { try log.withdraw(ids) }
          progress.possible = [next]
          #expect(log.ids == next)
          if step == 9 { try log.rewrite() }
        } catch {
          progress.failures += 1
          if isDeadly || log.isPoisoned { return progress }
          // Refused for good: what was not done must not show up later.
          progress.possible = [log.ids]
        }
      }
    } catch { progress.failures += 1 }
    return progress
  }

  private func check(_ disk: SimulatedDisk, _ progress: Progress, _ what: String) throws {
    let log = try WithdrawalSample.open(disk)
    #expect(progress.possible.contains(log.ids), "\(what): \(log.ids)")
    #expect(log.report.loss == nil, "\(what)")
    #expect(try WithdrawalSample.read(disk) == log.ids, "\(what)")
    // And it goes on.
    try log.withdraw([77])
    try log.rewrite()
    try log.withdraw([78])
    disk.crash(seed: 1)
    #expect(try WithdrawalSample.open(disk).ids == log.ids, "\(what)")
  }

  @Test(arguments: [EIO, ENOSPC, EMFILE], [false, true])
  func anyFailingCallChangesAllOrNothing(number: Int32, isTorn: Bool) throws {
    for call in 1...1_000 {
      let disk = try LogSample.disk(seed: UInt64(call))
      disk.arm(.init(call: call, number: number, isTorn: isTorn))
      let progress = run(disk, isDeadly: false)
      let hasFired = disk.hasFired
      disk.crash(seed: UInt64(call))
      try check(disk, progress, "call \(call)")
      if !hasFired {
        #expect(call > 40 && progress.failures == 0)
        return
      }
    }
    Issue.record("the script never ended")
  }

  /// The process is killed at every call; or the power fails there.
  @Test(arguments: [false, true])
  func afterAKillAtAnyCallTheOldOrTheNewIsThere(powerFails: Bool) throws {
    for call in 1...1_000 {
      for seed in 0..<UInt64(powerFails ? Effort.count(5, long: 50) : 1) {
        let disk = try LogSample.disk(seed: seed)
        disk.arm(.init(call: call, isPermanent: true, isTorn: true))
        let progress = run(disk, isDeadly: true)
        let hasFired = disk.hasFired
        if powerFails { disk.crash(seed: seed) } else { disk.kill() }
        try check(disk, progress, "call \(call), seed \(seed)")
        if !hasFired { return }
      }
    }
    Issue.record("the script never ended")
  }

  /// Opening is killed at every call, again and again, and the last time it comes through.
  @Test(arguments: [false, true])
  func openingCanBeInterruptedAnywhere(powerFails: Bool) throws {
    for call in 1...1_000 {
      let disk = try LogSample.disk(seed: UInt64(call))
      let progress = run(disk, isDeadly: true)
      let last = try #require(try disk.list("index/withdrawn").last)
      let file = try disk.reopen("index/withdrawn/" + last)
      try file.write([UInt8](repeating: 7, count: 3_000))
      try disk.setContents("index/withdrawn/99.log", [0x89, 1, 2])
      var hasFired = true
      for _ in 0..<3 {
        disk.arm(.init(call: call, isPermanent: true, isTorn: true))
        _ = try? WithdrawalSample.open(disk)
        hasFired = disk.hasFired
        if powerFails { disk.crash(seed: UInt64(call)) } else { disk.kill() }
      }
      try check(disk, progress, "call \(call)")
      if !hasFired {
        #expect(call > 8)
        return
      }
    }
    Issue.record("opening never came through")
  }

  @Test func afterAFailedSynchronisationNothingIsTriedAgain() throws {
    let disk = try LogSample.disk()
    let log = try WithdrawalSample.open(disk)
    try log.withdraw([1])
    disk.arm(.init(call: 1, operations: [.synchronize]))
    #expect(code { () throws(NeedletailError) in try log.withdraw([2]) } == .io)
    #expect(log.isPoisoned && log.ids == [1])
    // Even what would change nothing is refused: nobody knows what is withdrawn on the disk.
    #expect(code { () throws(NeedletailError) in try log.withdraw([1]) } == .io)
    #expect(code { () throws(NeedletailError) in try log.reinstate([1]) } == .io)
    #expect(code { () throws(NeedletailError) in try log.rewrite() } == .io)
  }

  /// A state that the system shows and the disk does not have must not cost the files before it.
  @Test func whatOnlySeemsDurableReplacesNothing() throws {
    for call in 1...100 {
      var hasFired = false
      for seed in 0..<20 as Range<UInt64> {
        let disk = try LogSample.disk(seed: seed)
        let log = try WithdrawalSample.open(disk)
        try log.withdraw([1, 2])
        // The header of the new file is made durable first, then the state is not.
        disk.arm(.init(call: 2, operations: [.synchronize]))
        #expect(code { () throws(NeedletailError) in try log.rewrite() } == .io)
        disk.kill()
        disk.arm(.init(call: call, isPermanent: true))
        _ = try? WithdrawalSample.open(disk)
        hasFired = disk.hasFired
        disk.crash(seed: seed)
        #expect(try WithdrawalSample.open(disk).ids == [1, 2], "call \(call), seed \(seed)")
      }
      if !hasFired { return }
    }
    Issue.record("opening never came through")
  }

  /// Withdrawals go on while a log that is too long cannot be written anew.
  @Test func aFullDiskStopsWritingAnewAndNothingElse() throws {
    let disk = try LogSample.disk()
    let log = try WithdrawalSample.open(
      disk, options: WithdrawalSample.options(rewriteByteCount: 500))
    var refusals = 0
    for id in 0..<300 as Range<UInt64> {
      disk.arm(.init(call: 1, operations: [.create], number: ENOSPC))
      // The first file is needed.
      if id == 0 { disk.arm(nil) }
      try log.withdraw([id])
      try log.reinstate([id])
      if disk.hasFired { refusals += 1 }
    }
    #expect(log.ids.isEmpty && refusals > 2 && refusals < 20)
    disk.arm(nil)
    try log.withdraw([5])
    #expect(try WithdrawalSample.open(disk).ids == [5])
  }
}

/// Withdrawals against a set: random calls, faults, crashes and readers.
@Suite struct WithdrawalModelTests {
  private struct Model {
    let seed: UInt64
    var generator: SplitMix64
    let disk: SimulatedDisk
    let options: WithdrawalLog.Options
    var log: WithdrawalLog
    var reader: WithdrawalReader
    /// What is withdrawn, and what may be instead after a failure in doubt.
    var ids: Set<VectorID> = []
    var doubt: Set<VectorID>?
    var happened: Set<String> = []

    init(seed: UInt64) throws(NeedletailError) {
      self.seed = seed
      generator = SplitMix64(seed: seed)
      disk = try LogSample.disk(seed: seed)
      options = WithdrawalSample.options(
        rewriteByteCount: [300, 1_000, 100_000][Int(generator.next(below: 3))],
        seed: generator.next())
      log = try WithdrawalSample.open(disk, options: options)
      reader = WithdrawalSample.reader(disk)
    }

    mutating func run() throws {
      for _ in 0..<(10 + generator.next(below: 40)) {
        switch generator.next(below: 16) {
        case 0..<8: try change()
        case 8: try rewrite()
        case 9, 10: disk.arm(fault())
        case 11: try reopen(powerFails: true)
        case 12: try reopen(powerFails: false)
        default: try poll()
        }
      }
      try reopen(powerFails: true)
      try poll()
    }

    private mutating func fault() -> SimulatedDisk.Fault {
      let operations: [Set<FaultyFileSystem.Operation>] = [
        [.write], [.synchronize], [.write, .truncate], [.create], [.synchronizeDirectory],
        [.remove], Set(FaultyFileSystem.Operation.allCases),
      ]
      return .init(
        call: 1 + Int(generator.next(below: 6)),
        operations: operations[Int(generator.next(below: 7))],
        number: [EIO, ENOSPC, EMFILE][Int(generator.next(below: 3))],
        isPermanent: generator.next(below: 4) == 0, isTorn: generator.next(below: 2) == 0)
    }

    private mutating func change() throws {
      let count = generator.next(below: 12) == 0 ? 200 : 3
      let changed = (0..<(1 + generator.next(below: UInt64(count)))).map { _ in
        generator.next(below: 300)
      }
      let isWithdrawal = generator.next(below: 2) == 0
      let next = isWithdrawal ? ids.union(changed) : ids.subtracting(changed)
      let (before, wasPoisoned) = (log.lastNumber, log.isPoisoned)
      do throws(NeedletailError) {
        let new = isWithdrawal ? try log.withdraw(changed) : try log.reinstate(changed)
        #expect(!wasPoisoned && Set(new) == ids.symmetricDifference(next), "seed \(seed)")
        ids = next
        if log.lastNumber == before + 2 { happened.insert("rewritten") }
        happened.insert(isWithdrawal ? "withdrawn" : "reinstated")
      } catch {
        #expect(error.code == .io, "seed \(seed): \(error)")
        happened.insert(log.isPoisoned ? "poisoned" : "refused")
        if log.isPoisoned, !wasPoisoned { doubt = next }
      }
      #expect(log.ids == ids, "seed \(seed)")
    }

    private mutating func rewrite() throws {
      do throws(NeedletailError) { try log.rewrite() } catch {
        #expect(error.code == .io, "seed \(seed): \(error)")
      }
      #expect(log.ids == ids, "seed \(seed)")
    }

    private mutating func poll() throws {
      if disk.hasFired { disk.arm(nil) }
      let before = reader.ids
      let changes: WithdrawalChanges?
      do throws(NeedletailError) { changes = try reader.poll() } catch {
        // Somebody else's fault, or the reader's own.
        #expect(error.code == .io, "seed \(seed): \(error)")
        return
      }
      let expected = before.union(changes?.withdrawn ?? []).subtracting(changes?.reinstated ?? [])
      #expect(reader.ids == expected, "seed \(seed)")
      #expect(changes.map { !$0.isEmpty } ?? true, "seed \(seed)")
      #expect(reader.ids == ids || reader.ids == doubt, "seed \(seed)")
      if changes != nil { happened.insert("followed") }
    }

    private mutating func reopen(powerFails: Bool) throws {
      if powerFails {
        disk.crash(seed: generator.next())
        // The reader was on the machine too.
        reader = WithdrawalSample.reader(disk)
      } else {
        disk.kill()
      }
      while generator.next(below: 3) == 0 {
        disk.arm(fault())
        _ = try? WithdrawalSample.open(disk, options: options)
        disk.kill()
        if generator.next(below: 3) == 0 {
          disk.crash(seed: generator.next())
          reader = WithdrawalSample.reader(disk)
        }
        happened.insert("interrupted")
      }
      disk.kill()
      log = try WithdrawalSample.open(disk, options: options)
      #expect(log.ids == ids || log.ids == doubt, "seed \(seed)")
      #expect(log.report.loss == nil, "seed \(seed)")
      if log.report.tornTail != nil { happened.insert("torn") }
      (ids, doubt) = (log.ids, nil)
    }
  }

  /// Seeds that once found something; kept.
  static let kept: [UInt64] = [42, 51, 72, 277, 58_101]

  @Test func everyCrashLeavesAllThatWasDurable() throws {
    var happened: Set<String> = []
    let seeds = Self.kept + (0..<UInt64(Effort.count(2_000, long: 100_000)))
    try withEvery("seed", in: seeds) { seed in
      var model = try Model(seed: seed)
      try model.run()
      happened.formUnion(model.happened)
    }
    let wanted: Set = [
      "withdrawn", "reinstated", "rewritten", "refused", "poisoned", "interrupted", "torn",
      "followed",
    ]
    #expect(happened.isSuperset(of: wanted), "\(happened)")
  }
}
