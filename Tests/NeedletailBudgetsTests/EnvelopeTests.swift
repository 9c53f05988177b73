import NeedletailBudgets
import NeedletailCore
import Testing

@Suite("What is beyond the envelope is refused, naming field and excess")
struct EnvelopeTests {
  private let envelope = ComplexityEnvelope(
    dimensions: 768, m: 32, efConstruction: 400, efSearch: 512, k: 100, filterSize: 100_000,
    bytesPerVector: 4_096, buildTime: .seconds(1_800))

  private func error(_ request: ComplexityRequest) -> NeedletailError? {
    do throws(NeedletailError) {
      try envelope.check(request)
      return nil
    } catch { return error }
  }

  /// Each field with its limit, its least value, and how to ask for it.
  private static let fields: [(String, Int, Int, @Sendable (Int) -> ComplexityRequest)] = [
    ("dimensions", 768, 1, { ComplexityRequest(dimensions: $0) }),
    ("m", 32, 1, { ComplexityRequest(m: $0) }),
    ("efConstruction", 400, 1, { ComplexityRequest(efConstruction: $0) }),
    ("efSearch", 512, 1, { ComplexityRequest(efSearch: $0) }),
    ("k", 100, 1, { ComplexityRequest(k: $0) }),
    ("filterSize", 100_000, 0, { ComplexityRequest(filterSize: $0) }),
    ("bytesPerVector", 4_096, 1, { ComplexityRequest(bytesPerVector: $0) }),
  ]

  @Test("A table of 280 requests: 217 beyond a limit, 63 below what a number can be")
  func table() throws {
    var beyond = 0
    var below = 0
    for (field, limit, least, request) in Self.fields {
      // From one more up to the largest number that there is: the latter would be terabytes, were it allocated.
      let powers =
        (0..<27).map { 1 << ($0 * 2) } + [.max - limit - 1, .max - limit, 1_000, 999_999]
      for excess in powers {
        let found = try #require(error(request(limit + excess)))
        #expect(found.code == .capacityExceeded)
        #expect(
          found.message.contains(
            "\(field) is \(limit + excess), \(excess) more than the \(limit) allowed"))
        beyond += 1
      }
      for less in [1, 2, 3, 10, 100, 1_000, 1 << 31, 1 << 40, 1 << 62] {
        let found = try #require(error(request(least - less)))
        #expect(found.code == .invalidConfiguration)
        #expect(found.message.contains("\(field) is \(least - less), and is at least \(least)"))
        below += 1
      }
      for good in [least, (least + limit) / 2, limit] { #expect(error(request(good)) == nil) }
    }
    #expect(beyond == 217 && below == 63)
  }

  @Test("Build times, several fields at once, and nothing asked")
  func others() throws {
    let late = try #require(error(ComplexityRequest(buildTime: .seconds(2_100))))
    #expect(late.message.contains("buildTime is 35m, 5m more than the 30m allowed"))
    #expect(error(ComplexityRequest(buildTime: .seconds(1_800))) == nil)
    #expect(error(ComplexityRequest(buildTime: .seconds(-1)))?.code == .invalidConfiguration)
    let both = try #require(error(ComplexityRequest(efSearch: 513, k: 101)))
    #expect(both.message.contains("efSearch") && both.message.contains("; k is 101, 1 more"))
    #expect(error(ComplexityRequest()) == nil)
    try ComplexityEnvelope().check(
      ComplexityRequest(bytesPerVector: .max, buildTime: .seconds(1 << 40)))
  }

  @Test("Memory: component, needed and limit; room before what was refused comes back")
  func memory() throws {
    let ceilings = MemoryCeilings(codes: 1_000, graph: 500, total: 1_200, headroom: 0.05)
    try ceilings.check(predicted: MemoryUse([.codes: 700, .graph: 500]))
    func refusal(_ use: MemoryUse) -> NeedletailError? {
      do throws(NeedletailError) {
        try ceilings.check(predicted: use)
        return nil
      } catch { return error }
    }
    let over = try #require(refusal(MemoryUse([.codes: 1_001, .graph: 501, .log: 9])))
    #expect(over.code == .overBudget)
    for part in [
      "codes needs 1001 bytes and may take 1000", "graph needs 501 bytes and may take 500",
      "total needs 1511 bytes and may take 1200",
    ] { #expect(over.message.contains(part)) }
    #expect(refusal(MemoryUse([.ids: .max, .log: .max]))?.message.contains("total needs") ?? false)
    #expect(MemoryUse([.ids: .max, .log: .max]).total == .max)
    try ceilings.checkReadmission(predicted: MemoryUse([.codes: 950]))
    #expect(throws: NeedletailError.self) {
      try ceilings.checkReadmission(predicted: MemoryUse([.codes: 951]))
    }
    try MemoryCeilings().check(predicted: MemoryUse([.ids: .max, .log: .max]))
  }
}
