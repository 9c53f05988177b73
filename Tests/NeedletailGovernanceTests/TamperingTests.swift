#if Governance
  import Foundation
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailGovernance
  import Testing
  import _NeedletailTestSupport

  @Suite("Any byte that was changed is found, and told from what a crash left")
  struct TamperingTests {
    /// The number of the record that is blamed; 0: the log was read; −1: another error.
    private func blamed(_ bytes: [UInt8]) -> (Int, String) {
      do throws(NeedletailError) {
        let log = try GovernanceLog(bytes: bytes, path: "changed.log")
        return (0, "\(log.records.count) records, \(log.tornBytes) torn")
      } catch {
        guard error.code == .corrupted, let section = error.location?.section,
          let number = Int(section.dropFirst(7))
        else { return (-1, error.description) }
        return (number, error.message)
      }
    }

    @Test("Every byte, by single bits, a line end and a zero: the record is named")
    func everyByte() throws {
      let world = try LogWorld()
      let bytes = try GovernanceLogTests.bytes(world.path)
      var record = 1
      var cases = 0
      for index in bytes.indices {
        let bits = Effort.isLong ? Array(0..<8) : [index % 8, (index + 3) % 8]
        let others = bits.map { bytes[index] ^ (1 << UInt8($0)) } + [0x0a, 0x00]
        for other in others where other != bytes[index] {
          var changed = bytes
          changed[index] = other
          let (found, message) = blamed(changed)
          #expect(found == record, "byte \(index) to \(other): \(message)")
          cases += 1
        }
        if bytes[index] == 0x0a { record += 1 }
      }
      #expect(record == 6 && cases > 10_000)
    }

    @Test("What broke is said: the hash, or the content")
    func reasons() throws {
      let world = try LogWorld()
      let bytes = try GovernanceLogTests.bytes(world.path)
      let second = try #require(bytes.firstIndex(of: 0x0a)) + 1
      var hash = bytes
      hash[second + 5] = hash[second + 5] == 0x30 ? 0x31 : 0x30
      #expect(blamed(hash).1.contains("its hash was changed"))
      var content = bytes
      content[second + 90] ^= 1
      #expect(blamed(content).1.contains("its content was changed"))
    }

    @Test("Records that are gone, moved, repeated or made anew are found")
    func records() throws {
      let world = try LogWorld()
      let lines = try GovernanceLogTests.bytes(world.path).split(separator: 0x0a).map {
        Array($0) + [0x0a]
      }
      for gone in 0..<4 {
        var rest = lines
        rest.remove(at: gone)
        #expect(blamed(rest.flatMap { $0 }).0 == gone + 1)
        var moved = lines
        moved.swapAt(gone, gone + 1)
        #expect(blamed(moved.flatMap { $0 }).0 == gone + 1)
        var twice = lines
        twice.insert(lines[gone], at: gone)
        #expect(blamed(twice.flatMap { $0 }).0 == gone + 2)
      }
      // A whole record less at the end looks like an older log, unless its head was noted.
      let path = world.directory("older.log")
      try Data(lines.dropLast().flatMap { $0 }).write(to: URL(fileURLWithPath: path))
      #expect(try GovernanceLog(contentsOf: path).records.count == 4)
      do throws(NeedletailError) {
        _ = try GovernanceLog(contentsOf: path, head: world.log.head)
        Issue.record("it was read")
      } catch { #expect(error.code == .corrupted && error.message.contains("gone")) }
      #expect(
        try GovernanceLog(contentsOf: world.path, head: world.log.records[2].hash).records.count
          == 5)
      let short = String(world.log.head.prefix(8))
      for head in [short, short.uppercased()] {
        #expect(try GovernanceLog(contentsOf: world.path, head: head).records.count == 5)
      }
      for head in [String(short.dropLast()), "5f1c0e…", short + "xyz"] {
        do throws(NeedletailError) {
          _ = try GovernanceLog(contentsOf: world.path, head: head)
          Issue.record("\(head) was taken")
        } catch { #expect(error.code == .invalidConfiguration) }
      }
    }

    @Test("Cut at any length, a log is torn, never damaged, and the next change goes on from there")
    func torn() throws {
      let world = try LogWorld()
      let bytes = try GovernanceLogTests.bytes(world.path)
      let ends = bytes.indices.filter { bytes[$0] == 0x0a }.map { $0 + 1 }
      let path = world.directory("cut.log")
      // Every length of the last record, and some of those before.
      for length in ends[0]..<bytes.count
      where length >= ends[3] || length % 5 == 0 || Effort.isLong {
        let log = try GovernanceLog(bytes: Array(bytes[..<length]), path: path)
        let whole = ends.filter { $0 <= length }
        #expect(log.records.count == whole.count)
        #expect(log.tornBytes == length - (whole.last ?? 0))
        if length % 97 == 0 {
          try Data(bytes[..<length]).write(to: URL(fileURLWithPath: path))
          var next = try GovernanceLog(contentsOf: path)
          try next.set("version", to: "77", LogWorld.reason)
          let read = try GovernanceLog(contentsOf: path)
          #expect(read.tornBytes == 0 && read.records.count == whole.count + 1)
          #expect(read.budget.version == 77)
        }
      }
      for length in 0..<ends[0] {
        #expect(throws: NeedletailError.self) {
          try GovernanceLog(bytes: Array(bytes[..<length]), path: path)
        }
      }
      // What no write leaves is no torn record.
      for tail in ["x", "{}", "0123 {", String(repeating: "a", count: 70)] {
        try Data(bytes + Array(tail.utf8)).write(to: URL(fileURLWithPath: path))
        #expect(throws: NeedletailError.self, "\(tail)") { try GovernanceLog(contentsOf: path) }
      }
    }

    @Test("What is no log is refused: missing, a directory, a budget, random bytes")
    func noLog() throws {
      let directory = try TemporaryDirectory()
      func code(_ name: String) -> NeedletailError.Code? {
        do throws(NeedletailError) {
          _ = try GovernanceLog(contentsOf: directory(name))
          return nil
        } catch { return error.code }
      }
      #expect(code("none") == .notFound)
      #expect(code("") == .unsupportedFormat)
      try Data("{\"name\": \"shop\"}\n".utf8).write(to: URL(fileURLWithPath: directory("a.json")))
      #expect(code("a.json") == .corrupted)
      var random = SplitMix64(seed: 3)
      for round in 0..<300 {
        let bytes = (0..<Int(random.next(below: 300))).map { _ in UInt8(random.next(below: 256)) }
        try Data(bytes).write(to: URL(fileURLWithPath: directory("r")))
        #expect(code("r") != nil, "round \(round)")
      }
    }
  }
#endif
