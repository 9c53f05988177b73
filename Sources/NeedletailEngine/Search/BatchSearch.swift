package import NeedletailCore
import NeedletailKernels

/// The answers to many queries.
package struct BatchAnswers: Sendable {
  /// Places per query in `answers`.
  package let answersPerQuery: Int
  /// `[queries, answersPerQuery]` answers, row-major; places behind a shorter answer are undefined.
  package let answers: [Neighbor]
  /// What each query cost, and how many answers it has.
  package let outcomes: [SearchOutcome]
}

extension SealedSegment {
  /// Answers many queries on several threads.
  ///
  /// - Throws: the first refusal, naming its query.
  package func search(
    batch queries: VectorMatrix, _ parameters: SearchParameters, threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    guard threads >= 1 else {
      throw NeedletailError(
        .invalidConfiguration, "threads is \(threads); it must be at least 1.")
    }
    let perQuery = min(parameters.k, max(1, count))
    let slots = BatchSlots(
      queries: queries.count, perQuery: perQuery, empty: Neighbor(id: 0, distance: 0))
    try parallelFor(threads: threads, count: queries.count, grain: 16) {
      (_, index) throws(NeedletailError) in
      do throws(NeedletailError) {
        unsafe try self.answer(queries, index, parameters, slots)
      } catch {
        var error = error
        error.message = "Query \(index): \(error.message)"
        throw error
      }
    }
    return BatchAnswers(
      answersPerQuery: perQuery, answers: slots.takeAnswers(), outcomes: slots.takeOutcomes())
  }

  @unsafe
  private func answer(
    _ queries: VectorMatrix, _ index: Int, _ parameters: SearchParameters, _ slots: BatchSlots
  ) throws(NeedletailError) {
    let answers = unsafe slots.answers + index * slots.perQuery
    if queries.element == .float32 {
      let row = unsafe queries.rowAddress(index).assumingMemoryBound(to: Float.self)
      unsafe slots.outcomes[index] = try search(row, parameters, into: answers)
      return
    }
    let scratch = try SearchScratch.ofThisThread()
    try scratch.reserve(rows: 1, width: 1, degree: 1, dimensions: queries.dimensions)
    // The row's place is free until a candidate is decoded, and the query is copied before that.
    unsafe copyComponents(of: queries, row: index, into: scratch.row)
    unsafe slots.outcomes[index] = try search(scratch.row, parameters, into: answers)
  }
}

/// Where the threads of a batch put their answers.
@safe
private final class BatchSlots: @unchecked Sendable {
  // SAFETY: every query has places of its own, written by one thread.

  let perQuery: Int
  let answers: UnsafeMutablePointer<Neighbor>
  let outcomes: UnsafeMutablePointer<SearchOutcome>
  private let queries: Int

  init(queries: Int, perQuery: Int, empty: Neighbor) {
    self.queries = queries
    self.perQuery = perQuery
    unsafe answers = .allocate(capacity: max(1, queries * perQuery))
    unsafe answers.initialize(repeating: empty, count: queries * perQuery)
    unsafe outcomes = .allocate(capacity: max(1, queries))
    unsafe outcomes.initialize(repeating: SearchOutcome(), count: queries)
  }

  deinit {
    unsafe answers.deallocate()
    unsafe outcomes.deallocate()
  }

  func takeAnswers() -> [Neighbor] {
    unsafe Array(UnsafeBufferPointer(start: answers, count: queries * perQuery))
  }

  func takeOutcomes() -> [SearchOutcome] {
    unsafe Array(UnsafeBufferPointer(start: outcomes, count: queries))
  }
}
