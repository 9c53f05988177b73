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

@Suite struct RecoveryMarkTests {
  private func mark(_ fileSystem: any FileSystem) throws(NeedletailError) -> RecoveryMark {
    try RecoveryMark(IndexDirectory("index", in: fileSystem))
  }

  @Test func theThirdFailureAsksForSafeMode() throws {
    let disk = try LogSample.disk()
    for attempt in 1...3 {
      var mark = try mark(disk)
      #expect(mark.failures == attempt - 1 && !mark.isSafeModeDue)
      mark.begin("attempt \(attempt)")
      // The process ends here, and then the machine.
      disk.crash(seed: UInt64(attempt))
    }
    var mark = try mark(disk)
    #expect(mark.isSafeModeDue && mark.failures == 3 && mark.text == "attempt 3")
    mark.clear()
    #expect(!mark.isSafeModeDue)
    disk.crash(seed: 9)
    #expect(try self.mark(disk).failures == 0)
    #expect(try disk.list("index").isEmpty)
  }

  @Test func anAttemptThatEndsLeavesNothing() throws {
    let disk = try LogSample.disk()
    for _ in 0..<5 {
      var mark = try mark(disk)
      mark.begin("x")
      mark.clear()
    }
    #expect(try mark(disk).failures == 0)
  }

  @Test func theReasonIsKept() throws {
    let disk = try LogSample.disk()
    for (text, kept) in [
      ("two\nlines\r", "two lines "), ("", ""), ("ü", "ü"),
      (String(repeating: "ü", count: 900), String(repeating: "ü", count: 500)),
      (
        "x" + String(repeating: "ü", count: 900),
        "x" + String(repeating: "ü", count: 499) + "\u{fffd}"
      ),
    ] {
      var mark = try mark(disk)
      mark.begin(text)
      #expect(try self.mark(disk).text == kept)
    }
    var mark = try mark(disk)
    mark.begin("replaying")
    mark.note(NeedletailError(.corrupted, "LSN 7 is damaged.", at: .init(path: "p")))
    let text = try self.mark(disk).text
    #expect(text.hasPrefix("replaying: ") && text.contains("LSN 7"))
  }

  @Test func aDamagedMarkIsOneFailure() throws {
    let disk = try LogSample.disk()
    var mark = try mark(disk)
    mark.begin("x")
    mark.begin("y")
    let bytes = try #require(disk.contents("index/RECOVERY"))
    for bit in 0..<(8 * bytes.count) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      try disk.setContents("index/RECOVERY", damaged)
      #expect(try self.mark(disk).failures == 1, "bit \(bit)")
    }
    for length in 0..<bytes.count {
      try disk.setContents("index/RECOVERY", Array(bytes.prefix(length)))
      #expect(try self.mark(disk).failures == 1)
    }
    for hostile in [
      [UInt8](repeating: 10, count: 100_000),
      Array("needletail recovery 99999999999999999999\n\n\n".utf8),
      [0xff, 10, 0xff, 10, 10],
    ] {
      try disk.setContents("index/RECOVERY", hostile)
      #expect(try self.mark(disk).failures == 1)
    }
  }

  @Test func aMarkOfAllFailuresThereAreStaysOne() throws {
    let disk = try LogSample.disk()
    let text = Array("needletail recovery \(Int.max)\nreplaying\n".utf8)
    let digits = String(CRC32C.checksum(of: text), radix: 16)
    let line = "crc32c \(String(repeating: "0", count: 8 - digits.count))\(digits)\n"
    try disk.setContents("index/RECOVERY", text + Array(line.utf8))
    var mark = try mark(disk)
    #expect(mark.failures == .max && mark.isSafeModeDue)
    mark.begin("again")
    #expect(try self.mark(disk).failures == .max)
    mark.clear()
    #expect(try self.mark(disk).failures == 0)
  }

  /// A mark that cannot be written stops no recovery; after a crash it counts the attempt or does not.
  @Test(arguments: [false, true])
  func anyCallMayFail(isPermanent: Bool) throws {
    for call in 1...100 {
      for seed in 0..<10 as Range<UInt64> {
        let disk = try LogSample.disk(seed: seed)
        var mark = try mark(disk)
        mark.begin("first")
        disk.arm(.init(call: call, number: ENOSPC, isPermanent: isPermanent, isTorn: true))
        mark.begin("second")
        let hasFired = disk.hasFired
        disk.crash(seed: seed)
        let found = try self.mark(disk).failures
        #expect(found == 2 || (hasFired && found == 1), "call \(call), seed \(seed)")
        mark = try self.mark(disk)
        mark.clear()
        disk.crash(seed: seed)
        #expect(try self.mark(disk).failures == 0)
        if !hasFired, seed == 9 {
          #expect(call > 5)
          return
        }
      }
    }
    Issue.record("writing the mark never ended")
  }

  /// Recovery is killed at every call of it, three times over: then nothing is tried any more, what is
  /// sealed can be read, and when somebody says so, recovery gives what it would have given at first.
  @Test(arguments: [false, true])
  func aCrashLoopEndsInSafeMode(powerFails: Bool) throws {
    for call in 1...200 {
      let disk = try LogSample.disk(seed: UInt64(call))
      let batches = try LogSample.small(disk)
      let log = try #require(try disk.list("index/log").last)
      let file = try disk.reopen("index/log/" + log)
      try file.write([UInt8](repeating: 7, count: 700))
      var attempts = 0
      var hasEnded = false
      while !hasEnded, try !mark(disk).isSafeModeDue, attempts < 20 {
        attempts += 1
        disk.arm(.init(call: call, isPermanent: true, isTorn: true))
        if var mark = try? mark(disk) {
          mark.begin("replaying the log")
          if (try? LogSample.open(disk)) != nil {
            mark.clear()
            hasEnded = !disk.hasFired
          }
        }
        if powerFails { disk.crash(seed: UInt64(attempts)) } else { disk.kill() }
      }
      // Before the mark is durable a crash is none of recovery's.
      #expect(hasEnded || attempts >= 3, "call \(call)")
      #expect(try LogSample.read(disk).entries.map(\.batch) == batches, "call \(call)")
      var mark = try mark(disk)
      mark.clear()
      #expect(try LogSample.open(disk).entries.map(\.batch) == batches, "call \(call)")
      if hasEnded {
        #expect(call > 12)
        return
      }
    }
    Issue.record("recovery never ended")
  }
}
