import Needletail
import NeedletailBudgets
import NeedletailServing
import Testing
import _NeedletailTestSupport

// The examples of the guides "What happens at peak" and "Read a certificate": when this file compiles, they do.

/// Begins to serve.
func begin(yesterday: VectorMatrix) throws -> SearchService {
  // [begin]
  let budget = try PerformanceBudget(contentsOf: "shop.json")
  var options = ServiceOptions()
  options.full = SearchOptions(recall: 0.95)
  options.onEvent = { event in print(event) }
  let service = try SearchService(openingAt: "shop.needletail", budget: budget, options: options)
  try service.warmUp(queries: yesterday)  // ready, and it knows what a search takes here
  // [end]
  return service
}

/// Asks with all that a query can say.
func ask(_ service: SearchService, _ query: [Float]) async throws -> ServedAnswer {
  // [begin]
  let request = ServiceRequest(
    query: query, k: 10, priority: .critical, tenant: "shop", deadline: .milliseconds(20))
  let answer = try await service.search(request)
  // [end]
  return answer
}

/// Handles refusals.
func handle(
  _ service: SearchService, _ request: ServiceRequest, show: ([Neighbor]) -> Void,
  wait: (Duration) -> Void
) async {
  // [begin]
  do throws(ServiceError) {
    show(try await service.search(request).neighbors)
  } catch {
    switch error {
    case .rejected(let rejection): wait(rejection.retryAfter)
    case .failed(let fault): print(fault)
    }
  }
  // [end]
}

/// Names a flag.
func flag(_ options: inout ServiceOptions) {
  // [begin]
  options.flags = [FeatureFlag("no-explanations", from: .tier("peak"))]
  // [end]
}

/// Reads a certificate.
func read(_ service: SearchService, _ query: [Float]) async throws {
  // [begin]
  let answer = try await service.search(ServiceRequest(query: query, k: 10))
  let certificate = answer.certificate
  print(certificate.rung, certificate.reasons, certificate.tier)
  for stage in Stage.allCases { print(stage, certificate.stages[stage]) }
  print(certificate.evaluations, certificate.rerankedRows, certificate.generation)
  if let recall = certificate.estimatedRecall { print(recall) }
  // [end]
}

@Suite("Guides of serving")
struct ServingGuideTests {
  @Test(
    "Every Swift example of the guides stands in this file, line by line",
    arguments: ["WhatHappensAtPeak", "ReadACertificate"])
  func examples(guide: String) throws {
    let examples = try DocumentedExamples(
      of: "Sources/Needletail/Documentation.docc/Guides/\(guide).md")
    #expect(examples.blocks.count >= 1)
    #expect(try examples.missing() == [])
  }
}
