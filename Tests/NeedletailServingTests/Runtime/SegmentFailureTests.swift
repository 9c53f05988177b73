@testable import Needletail
import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Segments that fail")
struct SegmentFailureTests {
  private static func failure(
    _ segment: String, _ code: NeedletailError.Code = .io
  ) -> NeedletailError {
    NeedletailError(code, "It cannot be read.", at: .init(path: "shop/segments/\(segment).segment"))
  }

  @Test("Three failures within a minute that name a segment are too many; others are none of its")
  func counted() {
    var failures = SegmentFailures()
    let second = Nanoseconds.second
    #expect(failures.note(Self.failure("a"), at: 0) == nil)
    #expect(failures.note(Self.failure("b"), at: 1) == nil)
    #expect(failures.note(Self.failure("a"), at: 50 * second) == nil)
    // The first is long ago.
    #expect(failures.note(Self.failure("a", .corrupted), at: 70 * second) == nil)
    #expect(failures.note(Self.failure("a"), at: 71 * second) == "a")
    #expect(failures.note(Self.failure("a"), at: 72 * second) == nil)
    for number in 0..<10 {
      #expect(failures.note(Self.failure("c", .zeroVector), at: Int64(number)) == nil)
      let other = NeedletailError(.io, "no", at: .init(path: "shop/generations/c.manifest"))
      #expect(failures.note(other, at: Int64(number)) == nil)
      #expect(failures.note(NeedletailError(.io, "no"), at: Int64(number)) == nil)
    }
    // However many there are, what is kept is bounded.
    for number in 0..<10_000 { _ = failures.note(Self.failure("\(number)"), at: 0) }
  }

  /// Fails as long as it searches a segment.
  private struct Broken: SearchBackend {
    let leftOut = Shared<Set<String>>([])
    var dimensions: Int { 1 }
    var rungs: [Rung] { [.full] }
    var leastWindow: Double { 1 }

    func search(_ request: BackendRequest) throws(NeedletailError) -> BackendAnswer {
      guard leftOut.value.contains("bad") else { throw SegmentFailureTests.failure("bad") }
      return BackendAnswer(
        results: request.queries.map { _ in
          SearchResult(
            neighbors: [], completion: Completion(reasons: [.partialSegments]),
            statistics: SearchStatistics())
        }, generation: 1)
    }

    func leaveOut(segment: String) -> Bool { leftOut.change { $0.insert(segment).inserted } }
  }

  @Test(
    "A segment whose searches fail again and again is left out, and then answers come without it")
  func leftOut() throws {
    let events = Shared<[String]>([])
    var options = ServiceOptions()
    options.workers = 1
    options.onEvent = { event in
      if case .quarantined(let segment, let error) = event, error.code == .io {
        events.change { $0.append(segment) }
      }
    }
    let service = try SearchService(
      backend: Broken(), budget: SearchServiceTests.budget(), options: options)
    let request = ServiceRequest(query: [1], k: 1)
    for _ in 0..<3 { #expect(throws: ServiceError.self) { try service.search(request) } }
    #expect(try service.search(request).certificate.reasons == [.partialSegments])
    try eventually { events.value == ["bad"] }
    #expect(service.status.counts.failed == 3)
  }
}
