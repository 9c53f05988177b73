#if Governance
  import Foundation
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailGovernance
  import Testing
  import _NeedletailTestSupport

  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif

  /// A log of five records in a directory of its own.
  struct LogWorld {
    let directory: TemporaryDirectory
    var path: String { directory("shop.log") }
    var log: GovernanceLog

    static let reason = ChangeReason(
      owner: "ada@example.com", rationale: "the spring sale", expectedImpact: "p99 + 20 ms",
      rollback: "set it back to 400ms")

    init() throws {
      directory = try TemporaryDirectory()
      let budget = try PerformanceBudget(
        name: "shop", owner: "me",
        tiers: [
          LoadTier(name: "normal", p95: .milliseconds(100), p99: .milliseconds(200)),
          LoadTier(
            name: "peak", p95: .milliseconds(200), p99: .milliseconds(400),
            enter: LoadCondition(load: 0.9)),
        ])
      log = try GovernanceLog.start(at: directory("shop.log"), with: budget, Self.reason, time: 1)
      try log.set("tiers[peak].p99", to: "500ms", Self.reason, time: 2)
      try log.set("memory.total", to: "1GiB", Self.reason, time: 3)
      try log.set("tenants[+mail]", to: #"{"rate": 100}"#, Self.reason, time: 4)
      try log.rollBack(to: 2, Self.reason, time: 5)
    }
  }

  @Suite("A budget is changed through a record, and the log tells what happened")
  struct GovernanceLogTests {
    @Test("Replaying gives the budget in force, and every record says who, why and what")
    func replay() throws {
      var world = try Self.world()
      let log = try GovernanceLog(contentsOf: world.path)
      #expect(log.records == world.log.records && log.budget == world.log.budget)
      #expect(log.head == world.log.head)
      #expect(log.records.map(\.kind) == [.start, .change, .change, .change, .rollback])
      let change = log.records[1]
      #expect(change.field == "tiers[peak].p99" && change.tier == "peak")
      #expect(change.old == "\"400ms\"" && change.new == "\"500ms\"")
      #expect(change.reason == LogWorld.reason && change.time == 2)
      #expect(log.records[2].old == nil && log.records[2].tier == nil)
      // The rollback leads to what was in force after record 2.
      #expect(try log.budget == log.budget(after: 2) && log.records[4].target == 2)
      #expect(try log.budget(after: 1).tiers[1].p99 == .milliseconds(400))
      #expect(try log.budget(after: 4).tenants.map(\.name) == ["mail"])
      #expect(throws: NeedletailError.self) { try log.budget(after: 6) }
      #expect(throws: NeedletailError.self) { try log.budget(after: 0) }
      try world.log.rollBack(to: 4, LogWorld.reason)
      #expect(world.log.budget.tenants.map(\.name) == ["mail"])
      try world.log.set("tenants[mail]", to: "null", LogWorld.reason)
      #expect(try GovernanceLog(contentsOf: world.path).budget.tenants.isEmpty)
    }

    @Test("What could not be read again is not written")
    func unreadable() throws {
      var world = try Self.world()
      let before = try Data(contentsOf: URL(fileURLWithPath: world.path))
      // Twice as much as a document may have, once as the old value and once as the new one.
      let name = String(repeating: "a", count: 58)
      let tenants = (0..<7_600).map { #"{"name": "\#(name)\#($0)"}"# }
      do throws(NeedletailError) {
        try world.log.set(
          "tenants", to: "[\(tenants.joined(separator: ","))]", LogWorld.reason)
        try world.log.set(
          "tenants", to: "[\(tenants.dropFirst().joined(separator: ","))]", LogWorld.reason)
        Issue.record("both were taken")
      } catch { #expect([.capacityExceeded, .invalidConfiguration].contains(error.code)) }
      let log = try GovernanceLog(contentsOf: world.path)
      #expect(log.records.count >= 5)
      #expect(try Data(contentsOf: URL(fileURLWithPath: world.path)).starts(with: before))
      try world.log.set("tenants", to: "[]", LogWorld.reason)
      // A tier that is entered is left, too, whatever stands there.
      let budget = try PerformanceBudget(
        json:
          #"{"name": "b", "owner": "me", "tiers": [{"name": "n", "p95": "1ms", "p99": "2ms"}, {"name": "p", "enter": "90%", "exit": null, "p95": "1ms", "p99": "2ms"}]}"#
      )
      #expect(budget.tiers[1].exit != nil)
      let directory = try TemporaryDirectory()
      let started = try GovernanceLog.start(
        at: directory("log"), with: budget, LogWorld.reason, time: 1)
      #expect(started.budget == budget)
    }

    @Test("Items taken away by number, and items with a new name, replay as well")
    func itemsThatMove() throws {
      var world = try Self.world()
      let objective = #"[{"name": "o", "indicator": "recall", "target": 0.9}]"#
      try world.log.set("objectives", to: objective, LogWorld.reason)
      try world.log.set("objectives[o].alerts[0]", to: "null", LogWorld.reason)
      #expect(world.log.budget.objectives[0].alerts == Array(BurnRateAlert.standard.dropFirst()))
      #expect(world.log.records[6].new == nil)
      try world.log.set("tiers[peak].name", to: "rush", LogWorld.reason)
      try world.log.set("tiers[rush].exit", to: "50%", LogWorld.reason)
      try world.log.set("tiers[1].exit", to: "null", LogWorld.reason)
      #expect(try GovernanceLog(contentsOf: world.path).budget == world.log.budget)
      #expect(world.log.budget.tiers[1].name == "rush")
    }

    @Test("By seed, the replayed budget is the live one after every change")
    func random() throws {
      let directory = try TemporaryDirectory()
      for seed in 0..<UInt64(Effort.count(12, long: 300)) {
        var random = SplitMix64(seed: seed)
        let path = directory("log-\(seed)")
        var live = try PerformanceBudget(
          name: "b", owner: "o", tiers: [LoadTier(name: "n", p95: .seconds(1), p99: .seconds(2))])
        var log = try GovernanceLog.start(at: path, with: live, LogWorld.reason)
        var states = [live]
        for step in 0..<20 {
          if random.next(below: 4) == 0 {
            let target = Int(random.next(below: UInt64(states.count)))
            guard states[target] != live else { continue }
            live = states[target]
            try log.rollBack(to: target + 1, LogWorld.reason)
          } else {
            let (field, value) = [
              ("version", "\(step + 2)"), ("tiers[n].p99", "\(2_000 + step)ms"),
              ("memory.codes", "\(step + 1)MiB"), ("tenants[+t\(step)]", "{}"),
              ("envelope.efSearch", "\(step + 100_000_0)"),
            ][Int(random.next(below: 5))]
            guard let next = try? live.setting(field, to: value), next != live else { continue }
            live = next
            try log.set(field, to: value, LogWorld.reason)
          }
          states.append(live)
          let past = Int(random.next(below: UInt64(states.count)))
          #expect(try log.budget(after: past + 1) == states[past], "seed \(seed), step \(step)")
          #expect(try GovernanceLog(contentsOf: path).budget == live, "seed \(seed), step \(step)")
        }
      }
    }

    @Test("A change without an owner or a rationale is refused, and so is one that changes nothing")
    func refused() throws {
      var world = try Self.world()
      let before = try Self.bytes(world.path)
      func code(_ body: (inout GovernanceLog) throws(NeedletailError) -> Void) -> NeedletailError? {
        do throws(NeedletailError) {
          try body(&world.log)
          return nil
        } catch { return error }
      }
      let reasons = [
        ChangeReason(owner: "", rationale: "x"), ChangeReason(owner: "x", rationale: " \n"),
        ChangeReason(owner: " ", rationale: ""),
        ChangeReason(owner: "x", rationale: String(repeating: "y", count: 5_000)),
      ]
      for reason in reasons {
        #expect(
          code { (log) throws(NeedletailError) in try log.set("version", to: "9", reason) }?.code
            == .invalidConfiguration)
        #expect(
          code { (log) throws(NeedletailError) in try log.rollBack(to: 1, reason) }?.code
            == .invalidConfiguration)
      }
      for (field, value) in [
        ("tiers[peak].p99", "500ms"), ("tiers[peak].p99", "1ms"), ("nothing", "1"),
        ("name", "null"),
      ] {
        #expect(
          code { (log) throws(NeedletailError) in try log.set(field, to: value, LogWorld.reason) }?
            .code == .invalidConfiguration, "\(field)")
      }
      for number in [0, -1, 5, 6, 99, Int.max] {
        #expect(
          code { (log) throws(NeedletailError) in try log.rollBack(to: number, LogWorld.reason) }?
            .code == .invalidConfiguration, "\(number)")
      }
      #expect(try Self.bytes(world.path) == before)
      #expect(throws: NeedletailError.self) {
        try GovernanceLog.start(at: world.path, with: world.log.budget, LogWorld.reason)
      }
      #expect(throws: NeedletailError.self) {
        try GovernanceLog.start(
          at: world.directory("new"), with: world.log.budget,
          ChangeReason(owner: "", rationale: "x"))
      }
      #expect(!FileManager.default.fileExists(atPath: world.directory("new")))
    }

    @Test("While somebody else appends, nobody can")
    func locked() throws {
      var world = try Self.world()
      let descriptor = unsafe open(world.path, O_RDONLY)
      defer { close(descriptor) }
      #expect(flock(descriptor, LOCK_EX) == 0)
      do throws(NeedletailError) {
        try world.log.set("version", to: "7", LogWorld.reason)
        Issue.record("it was set")
      } catch { #expect(error.code == .locked) }
      #expect(flock(descriptor, LOCK_UN) == 0)
      try world.log.set("version", to: "7", LogWorld.reason)
    }

    @Test("Two values of one log see each other's records when they append")
    func twoWriters() throws {
      var world = try Self.world()
      var other = try GovernanceLog(contentsOf: world.path)
      try world.log.set("version", to: "7", LogWorld.reason)
      try other.set("version", to: "8", LogWorld.reason)
      #expect(other.records.count == 7 && other.records[6].old == "7")
      #expect(other.records.map(\.number) == Array(1...7))
    }

    static func world() throws -> LogWorld { try LogWorld() }
    static func bytes(_ path: String) throws -> [UInt8] {
      Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
  }
#endif
