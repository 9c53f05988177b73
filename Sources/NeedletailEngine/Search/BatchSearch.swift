package import NeedletailCore
import NeedletailKernels
import NeedletailStorage

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
    let slots = try BatchSlots(queries: queries.count, perQuery: perQuery)
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
  private let memory: MemoryBlock
  private let results: MemoryBlock

  /// Takes memory for all answers at once.
  ///
  /// - Throws: `capacityExceeded` or `io` when there is not so much.
  init(queries: Int, perQuery: Int) throws(NeedletailError) {
    self.queries = queries
    self.perQuery = perQuery
    let (count, overflow) = queries.multipliedReportingOverflow(by: perQuery)
    guard !overflow, count <= Limits.answersPerBatch else {
      throw NeedletailError(
        .capacityExceeded,
        "\(queries) queries of \(perQuery) answers are more than the \(Limits.answersPerBatch) of one"
          + " batch; split it.")
    }
    memory = try MemoryBlock(count: count, stride: MemoryLayout<Neighbor>.stride)
    results = try MemoryBlock(count: queries, stride: MemoryLayout<SearchOutcome>.stride)
    // SAFETY: both blocks hold as many elements, which are plain numbers, and live as long as this.
    unsafe answers = memory.mutableBytes.baseAddress.unsafelyUnwrapped
      .bindMemory(to: Neighbor.self, capacity: count)
    unsafe outcomes = results.mutableBytes.baseAddress.unsafelyUnwrapped
      .bindMemory(to: SearchOutcome.self, capacity: queries)
    unsafe outcomes.initialize(repeating: SearchOutcome(), count: queries)
  }

  func takeAnswers() -> [Neighbor] {
    unsafe Array(UnsafeBufferPointer(start: answers, count: queries * perQuery))
  }

  func takeOutcomes() -> [SearchOutcome] {
    unsafe Array(UnsafeBufferPointer(start: outcomes, count: queries))
  }
}
