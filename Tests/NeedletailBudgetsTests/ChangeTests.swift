import NeedletailBudgets
import NeedletailCore
import Testing
import _NeedletailTestSupport

@Suite("Budgets are changed field by field, and compared so")
struct ChangeTests {
  private func budget() throws(InvalidBudget) -> PerformanceBudget {
    try PerformanceBudget(
      name: "shop", owner: "me",
      tiers: [
        LoadTier(
          name: "normal", p95: .milliseconds(100), p99: .milliseconds(200), recallFloor: 0.9),
        LoadTier(
          name: "peak", p95: .milliseconds(200), p99: .milliseconds(400),
          enter: LoadCondition(load: 0.9)),
      ], memory: MemoryCeilings(total: 1 << 30), tenants: [TenantQuota(name: "web")])
  }

  @Test("A field is named by path, items by name or number")
  func setting() throws {
    let budget = try budget()
    #expect(try budget.value(of: "tiers[peak].p99") == "\"400ms\"")
    #expect(try budget.value(of: "tiers[1].p99") == "\"400ms\"")
    #expect(try budget.value(of: "memory.codes") == nil)
    let slower = try budget.setting("tiers[peak].p99", to: "500ms")
    #expect(slower.tiers[1].p99 == .milliseconds(500))
    #expect(try slower.setting("tiers[1].p99", to: "\"400ms\"") == budget)
    #expect(try budget.setting("memory.codes", to: "256MiB").memory.codes == 256 << 20)
    #expect(try budget.setting("memory.total", to: "null").memory.total == nil)
    #expect(
      try budget.setting("tiers[peak].rungs", to: #"["full","reject"]"#).tiers[1].rungs == [
        .full, .reject,
      ])
    #expect(
      try budget.setting("ladder.window", to: #"{"efSearch":20}"#).ladder.window == .efSearch(20))
    let more = try budget.setting("tenants[+mail]", to: #"{"rate":100}"#)
    #expect(more.tenants.map(\.name) == ["web", "mail"] && more.tenants[1].rate == 100)
    #expect(try more.setting("tenants[mail]", to: "null") == budget)
    #expect(try budget.setting("version", to: "2").version == 2)
  }

  @Test(
    "What cannot be set says why",
    arguments: [
      ("tiers[peek].p99", "1s", "Did you mean “peak”?"),
      ("tiers[rush].p99", "1s", "There are “normal”, “peak”. To add it, write [+rush]"),
      ("tenants[mail]", #"{"rate": 1}"#, "There is no tenant “mail”"),
      ("tenants[mail]", "null", "no tenant"), ("tenants[7]", "{}", "no tenant “7”"),
      ("tenants[+web]", "{}", "There is “web” already"), ("tenants[+a b]", "{}", "no name"),
      ("tenants[+mail].rate", "1", "Nothing can be added"), ("name[+x]", "1", "Nothing can be"),
      ("objectives[0].alerts[0]", "{}", "no objective “0”"),
      ("tenants[\u{1b}[31m]", "{}", "no path"), ("tiers\u{2028}", "{}", "no path"),
      ("owner", "\u{9b}31m", "1 to 200 bytes"), ("owner", "a\u{2029}b", "1 to 200 bytes"),
      ("tiers[peak].name", "\u{7f}", "no name"), ("tires", "1", "“tiers”"), ("", "1", "no path"),
      ("tiers[", "1", "no path"), ("tiers[]", "1", "no path"), ("a..b", "1", "no path"),
      (".a", "1", "no path"), ("a.", "1", "no path"), ("name.x", "1", "no fields"),
      ("name[0]", "1", "no list"), ("tiers[peak].p99", "100ms", "below p95"),
      ("tiers[peak].p99", "fast", "time with its unit"), ("owner", "null", "missing"),
      ("tiers", "null", "missing"), ("version", "two", "whole number"),
      ("memory.total", "-1", "bytes"), ("tiers[peak].enter", "null", "entered"),
    ])
  func refused(_ field: String, _ value: String, _ fragment: String) throws {
    let budget = try budget()
    do throws(InvalidBudget) {
      _ = try budget.setting(field, to: value)
      Issue.record("it was set")
    } catch { #expect(error.description.contains(fragment), "\(error)") }
  }

  @Test("Differences say which way each field moves")
  func differences() throws {
    let old = try budget()
    func moves(_ field: String, _ value: String) throws -> [String] {
      old.differences(to: try old.setting(field, to: value)).map {
        "\($0.field) \($0.old ?? "-") \($0.new ?? "-") \($0.movement.rawValue)"
      }
    }
    #expect(try moves("tiers[peak].p99", "300ms") == [#"tiers[peak].p99 "400ms" "300ms" tighter"#])
    #expect(try moves("tiers[peak].p99", "2s") == [#"tiers[peak].p99 "400ms" "2s" looser"#])
    #expect(
      try moves("tiers[normal].recallFloor", "80%") == [
        #"tiers[normal].recallFloor "90%" "80%" looser"#
      ])
    #expect(try moves("memory.total", "512MB") == [#"memory.total "1GiB" "512MB" tighter"#])
    #expect(try moves("memory.total", "null") == [#"memory.total "1GiB" - looser"#])
    #expect(try moves("memory.codes", "1MB") == [#"memory.codes - "1MB" tighter"#])
    #expect(try moves("envelope.k", "10") == ["envelope.k 1048576 10 tighter"])
    #expect(try moves("tenants[web].rate", "10") == ["tenants[web].rate - 10 tighter"])
    #expect(try moves("owner", "you") == [#"owner "me" "you" changed"#])
    #expect(try moves("tiers[peak].rungs", #"["full"]"#).first?.hasSuffix("changed") ?? false)
    #expect(try moves("tiers[peak]", "null").first?.hasSuffix("- removed") ?? false)
    #expect(try moves("tenants[+x]", "{}").first?.hasSuffix("added") ?? false)
    #expect(old.differences(to: old).isEmpty)
    let swapped = try PerformanceBudget(
      name: "shop", owner: "me", tiers: old.tiers, memory: old.memory,
      tenants: [TenantQuota(name: "mail"), TenantQuota(name: "web")])
    let other = try PerformanceBudget(
      name: "shop", owner: "me", tiers: old.tiers, memory: old.memory,
      tenants: [TenantQuota(name: "web"), TenantQuota(name: "mail")])
    #expect(swapped.differences(to: other).map(\.field) == ["tenants"])
    #expect(old.differences(to: try old.setting("tiers[peak].p99", to: "1s")).first?.tier == "peak")
  }

  @Test("By seed: no differences means equal, and setting them one by one leads there")
  func random() throws {
    for seed in 0..<UInt64(Effort.count(40, long: 5_000)) {
      let a = try RandomBudget.make(seed: seed)
      let b = try RandomBudget.make(seed: seed + 1)
      #expect(!a.differences(to: b).isEmpty)
      #expect(a.differences(to: try PerformanceBudget(json: a.json)).isEmpty)
      for difference in a.differences(to: b) {
        // What is taken away gives way to a default, or to the next item of a list.
        guard let new = difference.new, let set = try? a.setting(difference.field, to: new) else {
          continue
        }
        #expect(try set.value(of: difference.field) == difference.new, "\(difference)")
      }
    }
  }
}
