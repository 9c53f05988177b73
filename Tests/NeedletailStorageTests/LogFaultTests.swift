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

/// Every call that the log makes fails once, in every way, and the process or the machine ends at it.
@Suite struct LogFaultTests {
  /// What a script got done before it was stopped.
  private struct Progress {
    /// Batches that were durable, at least, and that may be there, at most.
    var durable = 0
    var possible = 0
    var failures = 0
  }

  private func batch(_ number: Int) -> LogBatch {
    .upsert(
      ids: [UInt64(number)], dimensions: 300,
      components: (0..<300).map { Float(number * 1_000 + $0) },
      source: SourcePosition(name: "s", position: UInt64(number)))
  }

  /// Eight commits over four files, one seal; stops at the first failure if the process dies of it.
  private func run(
    _ disk: SimulatedDisk, isDeadly: Bool, _ sealed: inout Int
  ) -> Progress {
    var progress = Progress()
    do throws(NeedletailError) {
      let options = LogSample.options(fileByteCount: 2_000)
      let writer = try LogSample.open(disk, options: options).writer
      for number in 1...16 {
        do throws(NeedletailError) {
          _ = try writer.append(batch(Int(writer.lastLSN) + 1))
          guard number.isMultiple(of: 2) else { continue }
          progress.possible = max(progress.possible, Int(writer.lastLSN))
          try writer.commit(number.isMultiple(of: 4) ? .synced : .buffered)
          if number.isMultiple(of: 4) { progress.durable = Int(writer.lastLSN) }
          if number == 10 {
            try writer.roll()
            (sealed, progress.durable) = (Int(writer.lastLSN), Int(writer.lastLSN))
            try writer.removeFiles(sealedThrough: writer.lastLSN)
          }
        } catch {
          progress.failures += 1
          if isDeadly || writer.isPoisoned { return progress }
        }
      }
    } catch { progress.failures += 1 }
    return progress
  }

  private func check(
    _ disk: SimulatedDisk, _ progress: Progress, sealed: Int, _ what: String
  ) throws {
    let (writer, report, entries) = try LogSample.open(disk, after: UInt64(sealed))
    let count = sealed + entries.count
    #expect((progress.durable...max(sealed, progress.possible)).contains(count), "\(what)")
    #expect(entries.map(\.batch) == (sealed..<count).map { batch($0 + 1) }, "\(what)")
    #expect(report.loss == nil && report.sourceOffsets["s"].map { $0 == count } ?? true, "\(what)")
    // And the log goes on.
    #expect(try writer.append(batch(count + 1)) == .appended(lsn: UInt64(count + 1)), "\(what)")
    try writer.commit(.synced)
    disk.crash(seed: 1)
    #expect(try LogSample.read(disk, after: UInt64(sealed)).report.lastLSN == count + 1, "\(what)")
  }

  @Test(arguments: [EIO, ENOSPC, EMFILE, EDQUOT, EFBIG], [false, true])
  func anyFailingCallLosesNothingThatWasDurable(number: Int32, isTorn: Bool) throws {
    for call in 1...1_000 {
      let disk = try LogSample.disk(seed: UInt64(call))
      var sealed = 0
      disk.arm(.init(call: call, number: number, isTorn: isTorn))
      let progress = run(disk, isDeadly: false, &sealed)
      let hasFired = disk.hasFired
      disk.crash(seed: UInt64(call))
      try check(disk, progress, sealed: sealed, "call \(call)")
      if !hasFired {
        #expect(call > 40 && progress.failures == 0)
        return
      }
    }
    Issue.record("the script never ended")
  }

  /// The process is killed at every call; or the power fails there.
  @Test(arguments: [false, true])
  func afterAKillAtAnyCallThereIsAPrefix(powerFails: Bool) throws {
    for call in 1...1_000 {
      for seed in 0..<UInt64(powerFails ? Effort.count(5, long: 50) : 1) {
        let disk = try LogSample.disk(seed: seed)
        var sealed = 0
        disk.arm(.init(call: call, isPermanent: true, isTorn: true))
        let progress = run(disk, isDeadly: true, &sealed)
        let hasFired = disk.hasFired
        if powerFails { disk.crash(seed: seed) } else { disk.kill() }
        try check(disk, progress, sealed: sealed, "call \(call), seed \(seed)")
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
      var sealed = 0
      let progress = run(disk, isDeadly: true, &sealed)
      // A tail to cut, a file to remove, another that was never finished.
      let last = try #require(try disk.list("index/log").last)
      let file = try disk.reopen("index/log/" + last)
      try file.write([UInt8](repeating: 7, count: 3_000))
      try disk.setContents("index/log/99.wal", [0x89, 1, 2])
      var hasFired = true
      for _ in 0..<3 {
        disk.arm(.init(call: call, isPermanent: true, isTorn: true))
        _ = try? LogSample.open(disk, after: UInt64(sealed))
        hasFired = disk.hasFired
        if powerFails { disk.crash(seed: UInt64(call)) } else { disk.kill() }
      }
      try check(disk, progress, sealed: sealed, "call \(call)")
      if !hasFired {
        #expect(call > 8)
        return
      }
    }
    Issue.record("opening never came through")
  }

  @Test func aFullDiskTakesNothingAndLetsTheNextOneIn() throws {
    let disk = try LogSample.disk()
    let writer = try LogSample.open(disk).writer
    _ = try writer.append(batch(1))
    try writer.commit(.buffered)
    for isTorn in [false, true] {
      disk.arm(.init(call: 1, operations: [.write], number: ENOSPC, isTorn: isTorn))
      _ = try writer.append(batch(2))
      _ = try writer.append(batch(3))
      #expect(code { () throws(NeedletailError) in try writer.commit(.synced) } == .io)
      #expect(!writer.isPoisoned && writer.lastLSN == 1 && writer.sourceOffsets == ["s": 1])
      #expect(try LogSample.read(disk).entries.count == 1, "readers are not disturbed")
    }
    #expect(try writer.append(batch(2)) == .appended(lsn: 2))
    try writer.commit(.synced)
    disk.crash(seed: 3)
    #expect(try LogSample.read(disk).entries.map(\.batch) == [batch(1), batch(2)])
  }

  @Test func afterAFailedSynchronisationNothingIsTriedAgain() throws {
    let disk = try LogSample.disk()
    let faulty = FaultyFileSystem(disk)
    let writer = try LogSample.open(faulty).writer
    _ = try writer.append(batch(1))
    try writer.commit(.synced)
    _ = try writer.append(batch(2))
    disk.arm(.init(call: 1, operations: [.synchronize]))
    #expect(code { () throws(NeedletailError) in try writer.commit(.synced) } == .io)
    #expect(writer.isPoisoned)
    let before = faulty.log.count
    #expect(code { () throws(NeedletailError) in try writer.commit(.synced) } == .io)
    #expect(code { () throws(NeedletailError) in _ = try writer.append(batch(2)) } == .io)
    #expect(code { () throws(NeedletailError) in try writer.roll() } == .io)
    #expect(faulty.log.count == before, "the disk is left alone")
  }

  /// The system shows what it could not write; whoever opens the log next writes it again.
  @Test func whatIsShownAfterAFailedSynchronisationIsMadeDurable() throws {
    for seed in 0..<100 as Range<UInt64> {
      let disk = try LogSample.disk(seed: seed)
      let writer = try LogSample.open(disk).writer
      for number in 1...5 {
        _ = try writer.append(batch(number))
        if number == 3 { try writer.commit(.synced) }
      }
      disk.arm(.init(call: 1, operations: [.synchronize]))
      #expect(code { () throws(NeedletailError) in try writer.commit(.synced) } == .io)
      disk.kill()
      let shown = try LogSample.open(disk).entries.count
      disk.crash(seed: seed)
      let kept = try LogSample.open(disk).entries.count
      #expect(shown == 5 && kept == 5, "seed \(seed)")
    }
  }
}
