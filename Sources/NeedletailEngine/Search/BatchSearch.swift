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

  /// The same answers, each of which says that more was left out.
  package func adding(_ cuts: SearchCuts) -> BatchAnswers {
    var outcomes = outcomes
    for query in outcomes.indices { outcomes[query].cuts.formUnion(cuts) }
    return BatchAnswers(answersPerQuery: answersPerQuery, answers: answers, outcomes: outcomes)
  }
}

extension SealedSegment {
  /// Answers many queries on several threads.
  ///
  /// - Parameters:
  ///   - queries: `[q, dimensions]` components.
  ///   - parameters: validated by the caller.
  ///   - set: rows of this segment that alone may be answers; `nil`: all.
  ///   - threads: at most this many.
  /// - Returns: the answers to each query, and what each cost.
  /// - Throws: the first refusal, naming its query.
  package func search(
    batch queries: VectorMatrix, _ parameters: SearchParameters, among set: RowSet? = nil,
    threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    guard let set else {
      return try search(batch: queries, parameters, hiding: nil, threads: threads)
    }
    let perQuery = min(parameters.k, max(1, count))
    return unsafe try BatchAnswers.answering(queries, perQuery: perQuery, threads: threads) {
      (query, answers) throws(NeedletailError) in
      unsafe try search(query, parameters.begun(), among: set, into: answers)
    }
  }

  func search(
    batch queries: VectorMatrix, _ parameters: SearchParameters, hiding hidden: HiddenRows?,
    threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    let perQuery = min(parameters.k, max(1, count))
    // Bounds are kept by searches that have the thread for themselves.
    guard quantizer != nil, !parameters.measuresTime, !parameters.isBounded else {
      return unsafe try BatchAnswers.answering(queries, perQuery: perQuery, threads: threads) {
        (query, answers) throws(NeedletailError) in
        unsafe try search(query, parameters.begun(), hiding: hidden, into: answers)
      }
    }
    guard threads >= 1 else {
      throw NeedletailError(
        .invalidConfiguration, "threads is \(threads); it must be at least 1.")
    }
    let slots = try BatchSlots(queries: queries.count, perQuery: perQuery)
    try parallelClaims(threads: threads, count: queries.count, grain: BatchAnswers.grain) {
      (_, claims) in
      unsafe self.interleave(queries, claims, parameters, hidden, slots)
    }
    return slots.take()
  }
}

extension BatchAnswers {
  /// Queries that a thread claims at a time: few, so that threads end together; more than one, so that they
  /// seldom write side by side.
  fileprivate static let grain = 4

  /// Answers many queries on several threads, each thread one after the other.
  ///
  /// - Parameters:
  ///   - queries: `[q, dimensions]` components.
  ///   - perQuery: answers that a query has room for.
  ///   - threads: at most this many.
  ///   - search: answers one query, given its components and that room.
  /// - Returns: the answers to each query, and what each cost.
  /// - Throws: the first refusal, naming its query.
  @unsafe
  static func answering(
    _ queries: VectorMatrix, perQuery: Int, threads: Int,
    _ search:
      @Sendable (
        UnsafePointer<Float>, UnsafeMutablePointer<Neighbor>
      ) throws(NeedletailError) -> SearchOutcome
  ) throws(NeedletailError) -> BatchAnswers {
    guard threads >= 1 else {
      throw NeedletailError(
        .invalidConfiguration, "threads is \(threads); it must be at least 1.")
    }
    let slots = try BatchSlots(queries: queries.count, perQuery: perQuery)
    try parallelClaims(threads: threads, count: queries.count, grain: grain) { (_, claims) in
      // Not in the scratch, which several searches for one query write to.
      var copy: MemoryBlock?
      while let range = claims.next() {
        for index in range {
          do throws(NeedletailError) {
            let row = unsafe try components(of: queries, index, &copy)
            unsafe slots.outcomes[index] = try search(
              row, slots.answers + index * slots.perQuery)
          } catch {
            return claims.fail(at: index, error.naming(query: index))
          }
        }
      }
    }
    return slots.take()
  }

  /// A query's components as floats; in a block of the caller's where they are not stored so.
  @unsafe
  private static func components(
    of queries: VectorMatrix, _ index: Int, _ copy: inout MemoryBlock?
  ) throws(NeedletailError) -> UnsafePointer<Float> {
    if queries.element == .float32 {
      return unsafe queries.rowAddress(index).assumingMemoryBound(to: Float.self)
    }
    let block: MemoryBlock
    if let present = copy {
      block = present
    } else {
      block = try MemoryBlock(count: queries.dimensions, stride: 4)
      copy = block
    }
    let row = unsafe block.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: Float.self)
    unsafe copyComponents(of: queries, row: index, into: row)
    return unsafe UnsafePointer(row)
  }

  /// A query's components as floats; in the scratch where they are not stored so.
  @unsafe
  fileprivate static func components(
    of queries: VectorMatrix, _ index: Int, _ scratch: SearchScratch
  ) throws(NeedletailError) -> UnsafePointer<Float> {
    if queries.element == .float32 {
      return unsafe queries.rowAddress(index).assumingMemoryBound(to: Float.self)
    }
    try scratch.reserve(rows: 1, width: 1, degree: 1, dimensions: queries.dimensions)
    // The row's place is free until a candidate is decoded, and the query is copied before that.
    unsafe copyComponents(of: queries, row: index, into: scratch.buffers.row)
    return unsafe UnsafePointer(scratch.buffers.row)
  }
}

// MARK: - Interleaving

extension SealedSegment {
  /// Queries that a thread has under way at a time.
  ///
  /// While the codes of one travel, the others are scored. Four hide most of what there is to hide; the
  /// lines asked for by more of them push each other out of the first cache.
  private static let lanes = 4

  /// Where a lane stands with its query.
  private struct Lane {
    enum Stage { case free, gathers, settles, passes, refines, fetches }
    var stage = Stage.free
    var index = 0
  }

  /// Answers the queries that a thread claims, several of them at a time.
  @unsafe
  private func interleave(
    _ queries: VectorMatrix, _ claims: WorkClaims, _ parameters: SearchParameters,
    _ hidden: HiddenRows?, _ slots: BatchSlots
  ) {
    guard var claimed = claims.next() else { return }
    let scratches: [SearchScratch]
    do throws(NeedletailError) {
      scratches = try SearchScratch.ofThisThread(lanes: min(Self.lanes, queries.count))
    } catch {
      return claims.fail(at: claimed.lowerBound, error)
    }
    let count = scratches.count
    unsafe withUnsafeTemporaryAllocation(of: CodedSearch.self, capacity: count) { searches in
      unsafe withUnsafeTemporaryAllocation(of: Lane.self, capacity: count) { lanes in
        unsafe lanes.initialize(repeating: Lane())
        defer {
          for number in 0..<count where unsafe lanes[number].stage != .free {
            unsafe searches.deinitializeElement(at: number)
          }
        }
        var isOver = false
        var isBusy = true
        while isBusy {
          isBusy = false
          for number in 0..<count {
            if unsafe lanes[number].stage == .free {
              if claimed.isEmpty, !isOver {
                if let next = claims.next() { claimed = next } else { isOver = true }
              }
              guard let index = claimed.popFirst() else { continue }
              do throws(NeedletailError) {
                if let search = unsafe try start(
                  queries, index, parameters, hidden, scratches[number], slots)
                {
                  unsafe searches.initializeElement(at: number, to: search)
                  unsafe lanes[number] = Lane(stage: .gathers, index: index)
                }
              } catch {
                return claims.fail(at: index, error.naming(query: index))
              }
            } else {
              unsafe advance(&lanes[number], &searches[number], parameters, slots)
              if unsafe lanes[number].stage == .passes {
                do throws(NeedletailError) {
                  unsafe try pass(
                    &lanes[number], &searches[number], queries, parameters, scratches[number], slots
                  )
                } catch {
                  let index = unsafe lanes[number].index
                  return claims.fail(at: index, error.naming(query: index))
                }
              }
              if unsafe lanes[number].stage == .free {
                unsafe searches.deinitializeElement(at: number)
              }
            }
            isBusy = true
          }
        }
      }
    }
  }

  /// Takes one query a stage further.
  @unsafe @inline(__always)
  private func advance(
    _ lane: inout Lane, _ search: inout CodedSearch, _ parameters: SearchParameters,
    _ slots: BatchSlots
  ) {
    switch lane.stage {
    case .free, .passes: break
    case .settles:
      search.walk.settle()
      lane.stage = .gathers
    case .gathers:
      if search.walk.gather() {
        lane.stage = .settles
      } else if search.hidden != nil {
        lane.stage = .passes
      } else {
        unsafe narrow(&search, parameters)
        lane.stage = .refines
      }
    case .refines:
      unsafe refine(&search, parameters)
      lane.stage = .fetches
    case .fetches:
      if unsafe fetch(&search) { return }
      let outcome = unsafe slots.outcomes + lane.index
      unsafe search.describe(&outcome.pointee)
      unsafe answer(
        search, parameters, &outcome.pointee, slots.answers + lane.index * slots.perQuery)
      lane.stage = .free
    }
  }

  /// Looks whether a walk that came to its end has to pass more rows; answers the query another way where they
  /// would be too many.
  @unsafe
  private func pass(
    _ lane: inout Lane, _ search: inout CodedSearch, _ queries: VectorMatrix,
    _ parameters: SearchParameters, _ scratch: SearchScratch, _ slots: BatchSlots
  ) throws(NeedletailError) {
    guard let hidden = search.hidden else { return }
    switch unsafe try goesOn(&search, hidden, parameters, scratch) {
    case true?: lane.stage = .gathers
    case false?:
      unsafe narrow(&search, parameters)
      lane.stage = .refines
    case nil:
      let row = unsafe try BatchAnswers.components(of: queries, lane.index, scratch)
      unsafe try searchShown(
        hidden, row, parameters, scratch, &slots.outcomes[lane.index], after: search,
        into: slots.answers + lane.index * slots.perQuery)
      lane.stage = .free
    }
  }

  /// Begins one query of a batch; `nil` when it is answered already.
  @unsafe
  private func start(
    _ queries: VectorMatrix, _ index: Int, _ parameters: SearchParameters,
    _ hidden: HiddenRows?, _ scratch: SearchScratch, _ slots: BatchSlots
  ) throws(NeedletailError) -> CodedSearch? {
    let row = unsafe try BatchAnswers.components(of: queries, index, scratch)
    return unsafe try begin(
      row, parameters, scratch, &slots.outcomes[index], hiding: hidden,
      into: slots.answers + index * slots.perQuery)
  }
}

extension NeedletailError {
  fileprivate func naming(query index: Int) -> NeedletailError {
    var error = self
    error.message = "Query \(index): \(error.message)"
    return error
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

  /// What the threads have put there.
  func take() -> BatchAnswers {
    unsafe BatchAnswers(
      answersPerQuery: perQuery,
      answers: Array(UnsafeBufferPointer(start: answers, count: queries * perQuery)),
      outcomes: Array(UnsafeBufferPointer(start: outcomes, count: queries)))
  }
}
