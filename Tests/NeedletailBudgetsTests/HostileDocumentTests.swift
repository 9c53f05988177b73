import NeedletailBudgets
import NeedletailBudgetsYAML
import NeedletailCore
import Testing
import _NeedletailTestSupport

@Suite("No text makes reading trap, or long")
struct HostileDocumentTests {
  private func refusal(_ bytes: [UInt8]) -> InvalidBudget? {
    do throws(InvalidBudget) {
      _ = try PerformanceBudget(json: bytes)
      return nil
    } catch { return error }
  }

  @Test(
    "Texts that are no JSON end with one place",
    arguments: [
      ("", "1:1"), (" ", "1:2"), ("{", "1:2"), ("{\n\"a\"", "2:4"), ("{\"a\":}", "1:6"),
      ("{\"a\":1,}", "1:8"), ("[1,]", "1:4"), ("[1 2]", "1:4"), ("{\"a\" 1}", "1:6"),
      ("nul", "1:1"),
      ("NaN", "1:1"), ("-", "1:2"), ("01", "1:3"), ("1.", "1:3"), ("1e", "1:3"), ("\"", "1:2"),
      ("\"\\x\"", "1:3"), ("\"\\u12\"", "1:4"), ("\"\\u+123\"", "1:4"), ("\"a\nb\"", "1:3"),
      ("\"\u{1}\"", "1:2"), ("{} {}", "1:4"), ("{'a': 1}", "1:2"), ("// x", "1:1"), ("\"\\", "1:3"),
    ])
  func syntax(_ text: String, _ place: String) {
    let error = refusal(Array(text.utf8))
    #expect(
      error?.faults.count == 1 && error?.faults.first?.position?.description == place, "\(text)")
  }

  @Test("Whatever controls a text holds, what is said of it, and written of it, holds none")
  func controls() throws {
    let controls = [0, 7, 8, 9, 10, 13, 27, 31, 127, 128, 133, 155, 159, 0x2028, 0x2029]
      .compactMap { (value: UInt32) in Unicode.Scalar(value).map { String($0) } }
    func isClean(_ text: String) -> Bool { !text.unicodeScalars.contains(where: isControl) }
    for control in controls {
      let escape = JSONWriter.compact(.text("a\(control)[31m"))
      #expect(isClean(escape))
      let documents = [
        #"{"name": \#(escape), "owner": "me", "tiers": []}"#,
        #"{"name": "a", "owner": \#(escape), "tiers": []}"#,
        #"{\#(escape): 1}"#, #"{"tiers": [{\#(escape): \#(escape)}]}"#,
        #"{"name": "a", "owner": "b", "tiers": [{"name": \#(escape), "p95": \#(escape), "p99": 1}]}"#,
        #"{"name": "a", "owner": "b", "tiers": [{"name": \#(escape), "p95": "1s", "p99": "1s"}], "objectives": [{"name": \#(escape), "indicator": "latency", "tier": "nowhere", "target": 0.9}]}"#,
        #"{"name": "a", "owner": "b", "tiers": [{"name": "n", "p95": "1s", "p99": "1s", "rungs": [\#(escape)]}]}"#,
        "{\(escape) 1}", "a\(control)",
      ]
      for document in documents {
        let error = try #require(refusal(Array(document.utf8)))
        #expect(error.faults.allSatisfy { isClean($0.description) }, "\(error.faults)")
      }
      #expect(shortened("a\(control)b") == "a\u{fffd}b")
    }
  }

  @Test("Deep nesting, huge texts and invalid UTF-8 are refused")
  func extremes() {
    for bracket in ["[", "{\"a\":"] {
      let error = refusal(Array(String(repeating: bracket, count: 100_000).utf8))
      #expect(error?.description.contains("inside one another") ?? false)
    }
    #expect(
      refusal([UInt8](repeating: 0x20, count: 1 << 20 + 1))?.description.contains("bytes") ?? false)
    let invalid = refusal(Array("{\n \"a\": \"".utf8) + [0xff])
    #expect(invalid?.faults.first?.position?.description == "2:8")
    for bytes: [UInt8] in [
      [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82],
    ] {
      #expect(refusal(bytes)?.description.contains("UTF-8") ?? false)
    }
    // Half of a pair is no reason to end.
    #expect(refusal(Array("{\"\\ud800\": 1}".utf8))?.count == 4)
  }

  @Test("A hundred thousand faults are counted, and two hundred told")
  func manyFaults() {
    let keys = (0..<60_000).map { "\"key\($0)\":1" }.joined(separator: ",")
    let error = refusal(Array("{\(keys)}".utf8))
    #expect(error?.count == 60_003 && error?.faults.count == 200)
    #expect(error?.description.contains("and 59803 more") ?? false)
    let tenants = (0..<9_999).map { "{\"a\":\($0),\"b\":1,\"c\":1,\"d\":1}" }.joined(separator: ",")
    let list = refusal(Array("{\"tenants\":[\(tenants)]}".utf8))
    #expect(list?.faults.count == 200 && (list?.count ?? 0) > 49_000)
    let long = refusal(Array("{\"tiers\":[\(String(repeating: "1,", count: 90_000))1]}".utf8))
    #expect(long?.description.contains("90001 items") ?? false)
  }

  @Test("Long words are cut in messages, and control characters are not repeated")
  func messages() {
    let word = String(repeating: "x", count: 100_000)
    let error = refusal(Array("{\"\(word)\": 1, \"\\u001b[31m\": 2}".utf8))
    #expect((error?.description.utf8.count ?? .max) < 4_000)
    #expect(!(error?.description.unicodeScalars.contains { $0.value == 0x1b } ?? true))
  }

  @Test("Bytes changed by seed are read or refused")
  func mutations() throws {
    var random = SplitMix64(seed: 41)
    let texts = try (0..<4).map { Array(try RandomBudget.make(seed: $0).json.utf8) }
    var read = 0
    for round in 0..<Effort.count(4_000, long: 200_000) {
      var bytes = texts[round % texts.count]
      for _ in 0...random.next(below: 4) {
        let place = Int(random.next(below: UInt64(bytes.count)))
        switch random.next(below: 3) {
        case 0: bytes[place] = UInt8(random.next(below: 256))
        case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int(random.next(below: 40))))
        default: bytes.insert(UInt8(random.next(below: 256)), at: place)
        }
        if bytes.isEmpty { bytes = [0x7b] }
      }
      guard let budget = try? PerformanceBudget(json: bytes) else { continue }
      read += 1
      #expect(try PerformanceBudget(json: budget.json) == budget)
    }
    #expect(read > 10)
  }

  #if YAML
    @Test(
      "YAML: bombs, depth, and what is no YAML",
      arguments: [
        "a: [", "a: b: c", "\t- a", "a: 1\na: 2", "? [a]\n: 1", "a: *b", "- - -\n -",
        "%YAML 9.9\n---\na",
        "---\na: 1\n---\nb: 1", "", "# nothing", "\u{0}", "a: \u{7}", "&a [*a]", "!!binary x: y",
        "a: |",
        "<<: *x", "\"", "'", "{a", "[a", "a: {b: [c}", "name: .nan", "@", "`",
      ])
    func yaml(_ text: String) {
      #expect(throws: InvalidBudget.self) { try PerformanceBudget(yaml: text) }
    }

    @Test("Aliases of aliases do not multiply, and nesting ends")
    func bombs() {
      func refused(_ text: String, _ fragment: String, _ line: Int = #line) {
        do throws(InvalidBudget) {
          _ = try PerformanceBudget(yaml: text)
          Issue.record("line \(line) was read")
        } catch { #expect(error.description.contains(fragment), "line \(line): \(error)") }
      }
      var bomb = "a0: &a0 [x]\n"
      for level in 1..<40 { bomb += "a\(level): &a\(level) [*a\(level - 1),*a\(level - 1)]\n" }
      refused(bomb, "aliases")
      // The largest that is let through: few values after all.
      var small = "a0: &a0 [\(String(repeating: "x,", count: 2_000))x]\n"
      for level in 1...5 {
        small += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1), *a\(level - 1)]\n"
      }
      refused(small, "repeated ones counted")
      refused("name: &n shop\nowner: *n\ntier: 1", "tiers")
      // In keys, which are compared by all that is in them, aliases count as anywhere.
      var keys = "a0: &a0 [x]\n"
      for level in 1..<12 {
        let alias = String(repeating: "?*a\(level - 1),", count: 10)
        keys += "a\(level): &a\(level) [\(alias)x]\n"
      }
      refused(keys, "aliases")
      let nested = String(repeating: "{?", count: 900) + "[x]" + String(repeating: "}", count: 900)
      refused("a: " + nested, "before a list")
      for text in [
        String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000),
        String(repeating: "- ", count: 100_000) + "a",
        (0..<700).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
      ] { #expect(throws: InvalidBudget.self) { try PerformanceBudget(yaml: text) } }
      refused(String(repeating: "a", count: 1 << 20 + 1), "bytes")
    }

    @Test("Bytes of YAML changed by seed are read or refused")
    func yamlMutations() throws {
      var random = SplitMix64(seed: 43)
      let texts = try (0..<4).map { Array(try RandomBudget.make(seed: $0).yaml.utf8) }
      for round in 0..<Effort.count(1_500, long: 50_000) {
        var bytes = texts[round % texts.count]
        for _ in 0...random.next(below: 4) {
          bytes[Int(random.next(below: UInt64(bytes.count)))] = UInt8(random.next(below: 128))
        }
        guard let budget = try? PerformanceBudget(yaml: bytes) else { continue }
        #expect(try PerformanceBudget(yaml: budget.yaml) == budget)
      }
    }
  #endif
}
