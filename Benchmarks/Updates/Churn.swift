import Foundation
import Needletail
import NeedletailCore
import NeedletailEvaluation

/// Replaces rows of an index round by round while another thread searches, and compares what comes out with an index
/// that is built of the same rows.
final class Churn {
  private let base: VectorMatrix
  private let queries: VectorMatrix
  private let metric: Metric
  private let folder: String
  private var random = SplitMix(seed: 7)
  /// Rows of the base that are in the index, and those that never were.
  private var live: [Int] = []
  private var unused: [Int] = []

  init(_ base: VectorMatrix, _ queries: VectorMatrix, _ metric: Metric, folder: String) throws {
    self.base = base
    self.queries = queries
    self.metric = metric
    self.folder = folder
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    var order = Array(0..<base.count)
    for i in order.indices.reversed() { order.swapAt(i, Int(random.next() % UInt64(i + 1))) }
    live = Array(order[..<(base.count / 2)])
    unused = Array(order[(base.count / 2)...])
  }

  func run(rounds: Int, perRound: Int) throws {
    let path = folder + "/churned"
    try? FileManager.default.removeItem(atPath: path)
    var options = OpenOptions()
    options.writing.threads = 1
    let index = try bulk(live, at: path, options)
    try inserts()
    let probe = SearchProbe(queries)
    let quiet = try probe.measure(seconds: 5) { try index.snapshot() }
    // Its thread stays on the processor of the writer.
    SearchProbe.pin(to: 1)
    let maintenance = try index.startMaintenance()
    SearchProbe.pin(to: nil)
    var busy = Latencies()
    for round in 1...rounds {
      let part = try probe.during({ try index.snapshot() }) {
        try replace(perRound, in: index)
      }
      busy.merge(part)
      print(
        "round \(round): \(try index.snapshot().count) vectors, \(maintenance.status.logVectors) in the log, \(maintenance.status.sealedSegments) sealed \(maintenance.status.failure.map { "\($0)" } ?? "")"
      )
    }
    maintenance.stop()
    print("searches without writes: \(quiet.text)")
    print("searches during writes:  \(busy.text)  p99 \(format(busy.p99 / quiet.p99)) times")
    try compare(index)
  }

  private func bulk(_ rows: [Int], at path: String, _ options: OpenOptions) throws -> VectorIndex {
    let configuration = VectorIndex.Configuration(dimensions: base.dimensions, metric: metric)
    let index = try VectorIndex.create(at: path, configuration: configuration)
    var writer = try index.makeWriter()
    try writer.add(matrix(rows), ids: rows.map(UInt64.init))
    _ = try writer.commit(threads: 2)
    return try VectorIndex.open(at: path, options: options)
  }

  private func matrix(_ rows: [Int]) throws -> VectorMatrix {
    try VectorMatrix(rows.flatMap { base[$0] }, dimensions: base.dimensions)
  }

  /// The rate of durable batches of 100 on two threads, into an index that is empty.
  private func inserts() throws {
    let path = folder + "/inserted"
    try? FileManager.default.removeItem(atPath: path)
    let configuration = VectorIndex.Configuration(dimensions: base.dimensions, metric: metric)
    _ = try VectorIndex.create(at: path, configuration: configuration).makeWriter().commit()
    var options = OpenOptions()
    options.writing.threads = 2
    let index = try VectorIndex.open(at: path, options: options)
    let count = min(base.count, 40_000) / 100 * 100
    let batches = try stride(from: 0, to: count, by: 100).map { first in
      try matrix(Array(first..<(first + 100)))
    }
    let start = ContinuousClock.now
    for (number, batch) in batches.enumerated() {
      try index.insert(batch, ids: (number * 100..<(number + 1) * 100).map(UInt64.init))
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    print(
      "inserts: \(count) vectors in \(format(seconds)) s, \(Int(Double(count) / seconds)) a second, durable batches of 100, 2 threads"
    )
    try index.stopWriting()
  }

  private func replace(_ count: Int, in index: VectorIndex) throws {
    let new = Array(unused.prefix(count))
    unused.removeFirst(new.count)
    var old: [Int] = []
    for _ in 0..<count {
      let place = Int(random.next() % UInt64(live.count))
      old.append(live[place])
      live.swapAt(place, live.count - 1)
      live.removeLast()
    }
    for first in stride(from: 0, to: new.count, by: 100) {
      let part = Array(new[first..<min(first + 100, new.count)])
      try index.insert(matrix(part), ids: part.map(UInt64.init))
      let gone = old[first..<min(first + 100, old.count)]
      try index.remove(gone.map(UInt64.init))
    }
    live += new
  }

  // MARK: - What is left

  private func compare(_ index: VectorIndex) throws {
    let rows = live.sorted()
    let present = try matrix(rows)
    let truth = try GroundTruth.make(
      base: present, queries: queries, metric: metric, k: 10, threads: 2)
    let judge = Judge(present, rows, queries, truth, metric)
    let freshPath = folder + "/fresh"
    try? FileManager.default.removeItem(atPath: freshPath)
    let fresh = try bulk(rows, at: freshPath, OpenOptions())
    let churned = try index.snapshot()
    print("ids as expected: \(churned.ids == rows.map(UInt64.init))")
    print(
      "segments: \(churned.information.segments.map(\.count)), in memory \(churned.information.unsealedCount)"
    )
    try judge.show("churned", churned)
    try judge.show("fresh", fresh.snapshot())
    try selfRecall("churned", churned, rows)
    try index.compact(CompactionOptions(.automatic))
    let merged = try index.snapshot()
    print("after compact: segments \(merged.information.segments.map(\.count))")
    try judge.show("compacted", merged)
    try index.compact(CompactionOptions(.full))
    let whole = try index.snapshot()
    try judge.show("compacted fully", whole)
    try selfRecall("compacted fully", whole, rows)
    try print(
      "memory: compacted \(whole.information.memory.total), fresh \(fresh.snapshot().information.memory.total), "
        + "unreachable \(whole.information.graph.unreachableNodes)")
  }

  private func selfRecall(_ name: String, _ snapshot: Snapshot, _ rows: [Int]) throws {
    var found = 0
    for row in rows {
      let result = try snapshot.search(base[row], k: 1, options: SearchOptions(efSearch: 64))
      guard let nearest = result.neighbors.first else { continue }
      if nearest.id == UInt64(row) {
        found += 1
        continue
      }
      // A copy of the row is as good; under inner product so is a longer row.
      let own = ExactDistance.between(base[row], base[row], metric: metric)
      let other = ExactDistance.between(base[row], base[Int(nearest.id)], metric: metric)
      if other <= own + 1e-6 * max(1, abs(own)) { found += 1 }
    }
    print("\(name): self-recall@1 \(format(Double(found) / Double(rows.count), 5))")
  }
}

/// Tells recall and evaluations at several widths.
struct Judge {
  private let rows: [Int]
  private let base: VectorMatrix
  private let queries: VectorMatrix
  private let truth: GroundTruth
  private let metric: Metric

  init(
    _ base: VectorMatrix, _ rows: [Int], _ queries: VectorMatrix, _ truth: GroundTruth,
    _ metric: Metric
  ) {
    self.base = base
    self.rows = rows
    self.queries = queries
    self.truth = truth
    self.metric = metric
  }

  func show(_ name: String, _ snapshot: Snapshot) throws {
    let place = Dictionary(uniqueKeysWithValues: rows.enumerated().map { (UInt64($1), $0) })
    var line = "\(name):"
    for width in [10, 16, 24, 40, 64, 128, 256] {
      let results = try snapshot.search(
        batch: queries, k: 10, options: SearchOptions(efSearch: width), threads: 2)
      var right = 0
      var evaluations = 0
      for (query, result) in results.enumerated() {
        evaluations += result.statistics.evaluations
        let farthest =
          truth[query].prefix(10).map {
            ExactDistance.between(queries[query], base[$0], metric: metric)
          }.max() ?? 0
        for neighbor in Set(result.neighbors.map(\.id)) {
          guard let row = place[neighbor] else { continue }
          let distance = ExactDistance.between(queries[query], base[row], metric: metric)
          if distance <= farthest + 1e-6 * max(1, abs(farthest)) { right += 1 }
        }
      }
      line +=
        "  ef \(width): \(format(Double(right) / Double(10 * results.count), 4)) at \(evaluations / results.count)"
    }
    print(line)
  }
}

func format(_ value: Double, _ digits: Int = 2) -> String { String(format: "%.\(digits)f", value) }

/// The generator of Steele, Lea and Flood (2014).
struct SplitMix {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
