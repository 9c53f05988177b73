import NeedletailBudgets
import NeedletailBudgetsYAML
import NeedletailCore
import Testing
import _NeedletailTestSupport

/// The faults of a text.
private func faults(_ json: String) -> InvalidBudget {
  do throws(InvalidBudget) {
    _ = try PerformanceBudget(json: json)
    return InvalidBudget([])
  } catch { return error }
}

/// A good budget with one section more, or in place of another.
private func budget(_ section: String, tiers: String? = nil) -> String {
  let standard = #"{"name": "normal", "p95": "150ms", "p99": "250ms"}"#
  return """
    {"name": "shop", "owner": "me", "tiers": [\(tiers ?? standard)]\(section.isEmpty ? "" : ", " + section)}
    """
}

/// A second tier behind a good first one.
private func tier(_ fields: String) -> String {
  budget(
    "", tiers: #"{"name": "normal", "p95": "1ms", "p99": "2ms"}, {"name": "peak", \#(fields)}"#)
}

@Suite("All that is wrong is said at once, with its place and what to write instead")
struct FaultTests {
  /// A text, the path that is blamed, and a part of what is said.
  static let table: [(String, String, String)] = [
    (budget(#""cahce": {}"#), "cahce", "Did you mean “cache”?"),
    (budget(#""zzz": 1"#), "zzz", "Known are “name”"),
    (budget(#""version": 1, "version": 2"#), "version", "a second time"),
    (#"{"owner": "me", "tiers": [{"name":"n","p95":"1s","p99":"2s"}]}"#, "name", "Write “name”"),
    (#"{"name": "a", "owner": "me", "tiers": []}"#, "tiers", "There is no tier"),
    (
      #"{"name": "a", "owner": " ", "tiers": [{"name":"n","p95":"1s","p99":"2s"}]}"#, "owner",
      "1 to 200"
    ),
    (
      #"{"name": "a b", "owner": "x", "tiers": [{"name":"n","p95":"1s","p99":"2s"}]}"#, "name",
      "no name"
    ),
    ("[]", "", "An object is wanted"), ("7", "", "An object is wanted"),
    (budget(#""version": 0"#), "version", "1 to"), (budget(#""version": 1.5"#), "version", "whole"),
    (budget(#""version": 1e400"#), "version", "whole"),
    (budget(#""version": "1""#), "version", "this is “1”"),
    (budget("", tiers: #"{"name": "n", "p95": 150, "p99": "1s"}"#), "tiers[0].p95", "unit"),
    (budget("", tiers: #"{"name": "n", "p95": "150", "p99": "1s"}"#), "tiers[0].p95", "unit"),
    (budget("", tiers: #"{"name": "n", "p95": "0s", "p99": "1s"}"#), "tiers[0].p95", "1us to 1h"),
    (
      budget("", tiers: #"{"name": "n", "p95": "2s", "p99": "1s"}"#), "tiers[0].p99",
      "at least \"2s\""
    ),
    (budget("", tiers: #"{"name": "n", "p95": "2s"}"#), "tiers[0].p99", "missing"),
    (budget("", tiers: "3"), "tiers[0]", "An object"),
    (tier(#""p95": "1ms", "p99": "2ms""#), "tiers[1].enter", "entered"),
    (
      tier(#""p95": "1ms", "p99": "2ms", "enter": "70%", "exit": "80%""#), "tiers[1].exit.load",
      "not below"
    ),
    (
      tier(#""p95": "1ms", "p99": "2ms", "enter": {"load": 1, "lod": 1}"#), "tiers[1].enter.lod",
      "“load”"
    ),
    (tier(#""p95": "1ms", "p99": "2ms", "enter": "0%""#), "tiers[1].enter.load", "always"),
    (
      tier(#""p95": "1ms", "p99": "2ms", "enter": "70%", "name": "x""#), "tiers[1].name",
      "second time"
    ),
    (
      budget(
        "",
        tiers: #"{"name":"n","p95":"1s","p99":"1s"},{"name":"n","p95":"1s","p99":"1s","enter":1}"#),
      "tiers[1].name", "tiers[0] is called"
    ),
    (
      budget("", tiers: #"{"name":"n","p95":"1s","p99":"1s","enter":"50%"}"#), "tiers[0].enter",
      "first tier"
    ),
    (
      budget(
        "",
        tiers:
          #"{"name":"a","p95":"1s","p99":"1s"},{"name":"b","p95":"1s","p99":"1s","enter":"90%"},{"name":"c","p95":"1s","p99":"1s","enter":"80%"}"#
      ), "tiers[2].enter.load", "Order tiers"
    ),
    (tier(#""p95":"1ms","p99":"2ms","enter":1,"rungs":["ful"]"#), "tiers[1].rungs[0]", "“full”"),
    (tier(#""p95":"1ms","p99":"2ms","enter":1,"rungs":[]"#), "tiers[1].rungs", "no rung"),
    (
      tier(#""p95":"1ms","p99":"2ms","enter":1,"rungs":["reject","full"]"#), "tiers[1].rungs[1]",
      #"["full", "reject"]"#
    ),
    (
      tier(#""p95":"1ms","p99":"2ms","enter":1,"rungs":["full","full"]"#), "tiers[1].rungs[1]",
      "twice"
    ),
    (
      tier(#""p95":"1ms","p99":"2ms","enter":1,"recallFloor":1.2"#), "tiers[1].recallFloor",
      "0% to 100%"
    ),
    (tier(#""p95":"1ms","p99":"2ms","enter":1,"recallFloor":95"#), "tiers[1].recallFloor", "“95%”"),
    (
      tier(#""p95":"1ms","p99":"2ms","enter":1,"recallFloor":"95%""#), "tiers[1].recallFloor",
      "smaller window"
    ),
    (budget(#""stages": {"traversal": "80%", "rerank": "30%"}"#), "stages", "110%"),
    (budget(#""stages": {"rerank": "30%"}"#), "stages.traversal", "no share"),
    (budget(#""stages": {"traversal": -0.1}"#), "stages.traversal", "0% to 100%"),
    (budget(#""stages": {"walk": "80%", "traversal": "50%"}"#), "stages.walk", "Known are"),
    (
      budget(#""memory": {"codes": "1GiB", "graph": "1GiB", "total": "1GiB"}"#), "memory.total",
      "\"2GiB\""
    ),
    (budget(#""memory": {"codes": 0}"#), "memory.codes", "no ceiling"),
    (budget(#""memory": {"codes": "1 potato"}"#), "memory.codes", "512MiB"),
    (budget(#""memory": {"headroom": "95%"}"#), "memory.headroom", "90%"),
    (budget(#""envelope": {"k": 20000000}"#), "envelope.k", "1 to 1048576"),
    (budget(#""envelope": {"k": 100, "efSearch": 50}"#), "envelope.k", "do not fit"),
    (budget(#""envelope": {"m": 1}"#), "envelope.m", "2 to 128"),
    (budget(#""envelope": {"buildTime": "40d"}"#), "envelope.buildTime", "31d"),
    (
      budget(#""objectives": [{"name":"o","indicator":"latency","tier":"nomal","target":0.9}]"#),
      "objectives[0].tier", "“normal”"
    ),
    (
      budget(#""objectives": [{"name":"o","indicator":"uptime","target":0.9}]"#),
      "objectives[0].indicator", "latency"
    ),
    (
      budget(#""objectives": [{"name":"o","indicator":"recall","tier":"normal","target":0.9}]"#),
      "objectives[0].tier", "Leave it out"
    ),
    (
      budget(#""objectives": [{"name":"o","indicator":"recall","target":"100%"}]"#),
      "objectives[0].target", "out of range"
    ),
    (
      budget(#""objectives": [{"name":"o","indicator":"recall"}]"#), "objectives[0].target",
      "missing"
    ),
    (
      budget(
        #""objectives": [{"name":"o","indicator":"recall","target":0.9},{"name":"o","indicator":"recall","target":0.9}]"#
      ),
      "objectives[1].name", "objectives[0]"
    ),
    (
      budget(
        #""objectives": [{"name":"o","indicator":"recall","target":0.9,"alerts":[{"burnRate":2,"long":"5m","short":"1h"}]}]"#
      ),
      "objectives[0].alerts[0].short", "longer"
    ),
    (
      budget(
        #""objectives": [{"name":"o","indicator":"recall","target":0.9,"window":"1d","alerts":[{"burnRate":2,"long":"2d","short":"1h"}]}]"#
      ),
      "objectives[0].alerts[0].long", "longer"
    ),
    (budget(#""priorities": {"critical": 0}"#), "priorities.critical.length", "1 to"),
    (budget(#""priorities": {"sheddableplus": 5}"#), "priorities.sheddableplus", "“sheddablePlus”"),
    (budget(#""tenants": [{"name":"a","burst":5}]"#), "tenants[0].burst", "rate"),
    (
      budget(#""tenants": [{"name":"a","default":true},{"name":"b","default":true}]"#),
      "tenants[1].default", "already"
    ),
    (budget(#""tenants": [{"name":"a","weight":0}]"#), "tenants[0].weight", "out of range"),
    (budget(#""tenants": [{"name":"a","weight":1e999}]"#), "tenants[0].weight", "out of range"),
    (budget(#""ladder": {"rungs": ["reject", "full"]}"#), "ladder.rungs[1]", "before"),
    (
      budget(
        #""ladder": {"rungs": ["full", "reject"]}"#,
        tiers: #"{"name":"n","p95":"1s","p99":"1s","rungs":["full","cachedFresh"]}"#),
      "tiers[0].rungs", "cachedFresh"
    ),
    (budget(#""ladder": {"window": {}}"#), "ladder.window", "empty"),
    (budget(#""ladder": {"window": {"efSearch": 10, "recall": 0.9}}"#), "ladder.window", "Both"),
    (
      budget(#""ladder": {"window": {"efSearch": 1000}}, "envelope": {"efSearch": 500}"#),
      "ladder.window.efSearch", "above envelope"
    ),
    (budget(#""ladder": {"noise": "60%"}"#), "ladder.noise", "0% to 50%"),
    (budget(#""cache": {"freshFor": "1h", "staleFor": "1m"}"#), "cache.staleFor", "shorter"),
    (
      budget(#""ladder": {"rungs": ["smallerWindow", "reject"]}"#), "ladder.rungs",
      "“full” is missing"
    ),
    (
      tier(#""p95":"1ms","p99":"2ms","enter":1,"rungs":["reject"]"#), "tiers[1].rungs",
      #"before "reject""#
    ),
    (
      tier(#""p95": "1ms", "p99": "2ms", "enter": "70%", "exit": "0%""#), "tiers[1].exit.load",
      #"like "60%""#
    ),
    (
      budget(#""ladder": {"rungs": ["full", "cachedFresh"]}, "cache": {"enabled": false}"#),
      "ladder.rungs[1]", "cache.enabled is false"
    ),
    (
      budget(
        #""cache": {"enabled": false}"#,
        tiers: #"{"name":"n","p95":"1s","p99":"1s","rungs":["full","cachedStale"]}"#),
      "tiers[0].rungs[1]", "enable the cache"
    ),
    (budget(#""memory": {"cache": "1kB"}"#), "memory.cache", "\"4KiB\""),
    (
      budget(#""objectives": [{"name":"o","indicator":"recall","target":"99.99999%"}]"#),
      "objectives[0].target", "0.1% to 99.9999%"
    ),
    (
      budget(
        #""objectives": [{"name":"o","indicator":"recall","target":0.9,"alerts":[{"burnRate":2000,"long":"5m","short":"1m"}]}]"#
      ),
      "objectives[0].alerts[0].burnRate", "0.001 to 1000.0"
    ),
    (
      budget(
        #""objectives": [{"name":"o","indicator":"recall","target":0.9,"alerts":[{"burnRate":2,"long":"1d","short":"1m"}]}]"#
      ),
      "objectives[0].alerts[0].long", "more than 100 times"
    ),
    (budget(#""tenants": [{"name":"a","weight":2000}]"#), "tenants[0].weight", "0.001 to 1000.0"),
    (budget(#""tenants": [{"name":"a","rate":1e10}]"#), "tenants[0].rate", "out of range"),
    (budget(#""cache": {"enabled": "yes"}"#), "cache.enabled", "true or false"),
    (budget(#""cache": null"#), "cache", "null"),
  ]

  @Test("One of each kind", arguments: Self.table)
  func one(_ json: String, _ path: String, _ fragment: String) {
    let error = faults(json)
    #expect(error.faults.map(\.path) == [path], "\(error)")
    let text = error.description
    #expect(text.contains(fragment), "\(text)")
    #expect(error.faults.allSatisfy { $0.position != nil })
    // Everything is one sentence and a piece of advice.
    #expect(error.faults.allSatisfy { !$0.problem.isEmpty && !$0.advice.isEmpty })
  }

  @Test("Many at once, in the order of the text, each at its place")
  func many() {
    let error = faults(
      """
      {
        "name": "shop",
        "ownr": "me",
        "tiers": [
          {"name": "normal", "p95": "150", "p99": "100ms"},
          {"name": "peak", "p95": "2s", "p99": "1s",
           "recallFloor": "120%"}
        ],
        "stages": {"traversal": "90%", "merge": "20%"}
      }
      """)
    #expect(
      error.faults.map { "\($0.position?.description ?? "") \($0.path)" } == [
        "1:1 owner", "3:3 ownr", "5:31 tiers[0].p95", "6:5 tiers[1].enter", "6:42 tiers[1].p99",
        "7:21 tiers[1].recallFloor", "9:13 stages",
      ])
    #expect(error.description.split(separator: "\n").count == 7)
  }

  #if YAML
    @Test("YAML gives the same faults, at the places of its text")
    func yaml() {
      do throws(InvalidBudget) {
        _ = try PerformanceBudget(
          yaml: """
            name: shop
            owner: me
            tiers:
              - name: normal
                p95: 150ms
                p99: 100ms
                rung: [full]
            """)
        Issue.record("it was read")
      } catch {
        #expect(
          error.faults.map { "\($0.position?.description ?? "") \($0.path)" } == [
            "6:10 tiers[0].p99", "7:5 tiers[0].rung",
          ])
        #expect(error.faults[1].advice == "Did you mean “rungs”?")
      }
    }
  #endif

  @Test("In code the same rules hold, without places")
  func inCode() {
    do throws(InvalidBudget) {
      _ = try PerformanceBudget(
        name: "", owner: "me",
        tiers: [LoadTier(name: "n", p95: .seconds(2), p99: .seconds(1), recallFloor: .nan)],
        stages: StageShares(traversal: .infinity), memory: MemoryCeilings(codes: -1),
        envelope: ComplexityEnvelope(
          buildTime: Duration(secondsComponent: .max, attosecondsComponent: 0)))
      Issue.record("it was made")
    } catch {
      #expect(
        Set(error.faults.map(\.path)) == [
          "name", "tiers[0].p99", "tiers[0].recallFloor", "stages.traversal", "memory.codes",
          "envelope.buildTime",
        ])
      #expect(error.faults.allSatisfy { $0.position == nil })
    }
  }
}
