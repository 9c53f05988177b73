import NeedletailCore
import NeedletailKernels
import NeedletailStorage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The searches of one candidate at growing widths: what each query missed, what it cost.
@safe
final class TuningLadder: @unchecked Sendable {
  // SAFETY: every query has places of its own, written by one thread; every thread has its own buffers.
  // The properties change between the searches only.

  let candidate: TuningCandidate
  /// What was measured so far, by ascending width.
  private(set) var points: [RecallCurve.Point] = []
  private let space: JudgedSpace
  private let sample: TuningSample
  private let k: Int
  private let misses: UnsafeMutablePointer<UInt32>
  private let evaluations: UnsafeMutablePointer<UInt32>
  private let times: UnsafeMutablePointer<UInt64>
  private let counts: MemoryBlock
  private let clock: MemoryBlock
  private let buffers: MemoryBlock
  private let rows: FloatRows
  private let threads: Int

  init(
    _ space: JudgedSpace, _ sample: TuningSample, _ candidate: TuningCandidate, k: Int,
    threads: Int
  ) throws(NeedletailError) {
    self.candidate = candidate
    self.space = space
    self.sample = sample
    self.k = k
    self.threads = max(1, min(threads, Limits.threads))
    counts = try MemoryBlock(count: sample.count, stride: 8)
    clock = try MemoryBlock(count: sample.count, stride: 8)
    buffers = try MemoryBlock(count: self.threads * k, stride: MemoryLayout<Neighbor>.stride)
    rows = try FloatRows(count: self.threads, dimensions: space.dimensions)
    unsafe misses = counts.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: UInt32.self)
    unsafe evaluations = misses + sample.count
    unsafe times = clock.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: UInt64.self)
  }

  /// The recall at the widest window so far.
  var recall: Double { 1 - (points.last?.miss ?? 1) }

  /// The recall at the narrowest window so far.
  var lowestRecall: Double { 1 - (points.first?.miss ?? 1) }

  /// Answers that all queries together ask for.
  var answers: Int { sample.count * sample.width }

  /// Measures at a width, wider than any before or narrower.
  ///
  /// At a wider one queries are of two kinds: those that missed something one width below, which are all
  /// searched for, and those that did not, of which a part stands for all. At a narrower one any may miss.
  func measure(at width: Int, monitor: WorkMonitor?) throws(NeedletailError) {
    let parameters = SearchParameters(k: k, width: width, candidate)
    var open: [Int] = []
    var complete: [Int] = []
    let narrowest = points.first?.width ?? .max
    if width < narrowest {
      open = Array(0..<sample.count)
      // The first searches of a process find their memory cold.
      if points.isEmpty { try run(Array(open.prefix(128)), parameters, monitor: nil) }
    } else {
      for query in 0..<sample.count {
        if unsafe misses[query] > 0 { open.append(query) } else { complete.append(query) }
      }
    }
    // Another part at every width, and at least one query.
    let step = max(1, min(TuningPlan.sampledOfComplete, complete.count))
    let part = stride(from: points.count % step, to: complete.count, by: step)
      .map { complete[$0] }
    try run(open + part, parameters, monitor: monitor)
    let weight = part.isEmpty ? 0 : Double(complete.count) / Double(part.count)
    func mean(_ sum: ([Int]) -> Double) -> Double {
      (sum(open) + weight * sum(part)) / Double(sample.count)
    }
    points.insert(
      RecallCurve.Point(
        width: width,
        miss: (missed(open) + weight * missed(part)) / Double(max(1, answers)),
        evaluations: mean(evaluated), nanoseconds: mean(timed)),
      at: width < narrowest ? 0 : points.count)
  }

  private func run(
    _ queries: [Int], _ parameters: SearchParameters, monitor: WorkMonitor?
  ) throws(NeedletailError) {
    try parallelFor(threads: threads, count: queries.count, grain: 16) {
      (thread, place) throws(NeedletailError) in
      unsafe try self.search(queries[place], parameters, thread)
      if place % 256 == 255 { try monitor?.advance(by: 256) }
    }
  }

  @unsafe
  private func search(
    _ query: Int, _ parameters: SearchParameters, _ thread: Int
  ) throws(NeedletailError) {
    let answers =
      unsafe buffers.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: Neighbor.self) + thread * k
    let components = unsafe sample.queries.rowAddress(query).assumingMemoryBound(to: Float.self)
    var parameters = parameters
    if !sample.heldOut.isEmpty { parameters.heldOut = sample.heldOut[query] }
    let start = nanoseconds()
    let outcome = unsafe try space.segment.search(components, parameters, into: answers)
    unsafe times[query] = UInt64(truncatingIfNeeded: nanoseconds() &- start)
    unsafe evaluations[query] = UInt32(truncatingIfNeeded: outcome.evaluations)
    let right = unsafe rightAnswers(answers, count: outcome.count, query: query, thread: thread)
    unsafe misses[query] = UInt32(truncatingIfNeeded: sample.width - right)
  }

  /// How many answers are right: named among the true neighbours, or as near as the last of them.
  @unsafe
  private func rightAnswers(
    _ answers: UnsafePointer<Neighbor>, count: Int, query: Int, thread: Int
  ) -> Int {
    let truth = sample.neighbors[(query * sample.width)..<((query + 1) * sample.width)]
    var right = 0
    for i in 0..<min(count, sample.width) {
      let id = unsafe answers[i].id
      if truth.contains(id) {
        right += 1
        continue
      }
      guard let ordinal = space.segment.ordinal(of: id) else { continue }
      let row = unsafe rows.row(thread)
      unsafe space.copy(ordinal, into: row)
      let judged = unsafe sample.judged.rowAddress(query).assumingMemoryBound(to: Float.self)
      if unsafe space.distance(judged, row) <= sample.limits[query] { right += 1 }
    }
    return right
  }

  /// Answers that some queries missed.
  private func missed(_ queries: [Int]) -> Double {
    queries.reduce(0) { unsafe $0 + Double(misses[$1]) }
  }

  /// Evaluations of some queries.
  private func evaluated(_ queries: [Int]) -> Double {
    queries.reduce(0) { unsafe $0 + Double(evaluations[$1]) }
  }

  /// Nanoseconds of some queries; the slowest of a hundred were interrupted, so they count as the others.
  private func timed(_ queries: [Int]) -> Double {
    let ordered = queries.map { unsafe times[$0] }.sorted()
    let kept = ordered.prefix(ordered.count - ordered.count / 100)
    guard !kept.isEmpty else { return 0 }
    return kept.reduce(0) { $0 + Double($1) } * Double(ordered.count) / Double(kept.count)
  }
}

/// The monotonic clock, in nanoseconds.
