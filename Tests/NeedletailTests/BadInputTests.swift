import Foundation
import Needletail
import Testing
import _NeedletailTestSupport

/// Everything a caller can get wrong: the code of the error, and the numbers in its message.
@Suite("Bad input")
struct BadInputTests {
  private func expect(
    _ code: NeedletailError.Code, _ parts: [String], _ name: String, _ body: () throws -> Void
  ) {
    let error = failure(body)
    #expect(error?.code == code, "\(name): \(String(describing: error))")
    for part in parts {
      #expect(
        error?.description.contains(part) == true,
        "\(name) lacks \"\(part)\": \(error?.description ?? "")")
    }
  }

  private func index(
    _ directory: TemporaryDirectory, _ metric: Metric = .squaredEuclidean,
    _ change: (inout VectorIndex.Configuration) -> Void = { _ in }
  ) throws -> VectorIndex {
    var configuration = VectorIndex.Configuration(dimensions: 3, metric: metric)
    change(&configuration)
    return try VectorIndex.create(at: directory("index"), configuration: configuration)
  }

  @Test func configurations() throws {
    let directory = try TemporaryDirectory()
    typealias Change = (inout VectorIndex.Configuration) -> Void
    let cases: [(NeedletailError.Code, [String], Change)] = [
      (.invalidConfiguration, ["dimensions is 0"], { $0.dimensions = 0 }),
      (.invalidConfiguration, ["dimensions is -1"], { $0.dimensions = -1 }),
      (.capacityExceeded, ["16385", "16384"], { $0.dimensions = 16_385 }),
      (.capacityExceeded, ["\(Int.max)"], { $0.dimensions = .max }),
      (.invalidConfiguration, ["m is 1", "2"], { $0.graph.m = 1 }),
      (.invalidConfiguration, ["m is -8"], { $0.graph.m = -8 }),
      (.capacityExceeded, ["m is 129", "128"], { $0.graph.m = 129 }),
      (.invalidConfiguration, ["efConstruction is 0"], { $0.graph.efConstruction = 0 }),
      (.capacityExceeded, ["efConstruction", "1048576"], { $0.graph.efConstruction = .max }),
      (
        .invalidConfiguration, ["neither"],
        {
          $0.codes = .none
          $0.preciseRows = .none
        }
      ),
    ]
    for (code, parts, change) in cases {
      expect(code, parts, "create \(parts)") { _ = try index(directory, .cosine, change) }
      var configuration = VectorIndex.Configuration(dimensions: 3, metric: .cosine)
      change(&configuration)
      expect(code, parts, "predict \(parts)") {
        _ = try VectorIndex.predict(count: 10, configuration: configuration)
      }
    }
    expect(.capacityExceeded, ["-1"], "predict") {
      _ = try VectorIndex.predict(count: -1, configuration: .init(dimensions: 3, metric: .cosine))
    }
    expect(.capacityExceeded, ["\(Int.max)"], "predict") {
      _ = try VectorIndex.predict(count: .max, configuration: .init(dimensions: 3, metric: .cosine))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  @Test func rows() throws {
    let cases: [(Metric, [Float], NeedletailError.Code, [String])] = [
      (.cosine, [1, 2, 3, 0, .nan, 1], .nonFiniteComponent, ["Row 1", "component 1", "nan"]),
      (.innerProduct, [1, 2, .infinity], .nonFiniteComponent, ["Row 0", "component 2", "inf"]),
      (
        .squaredEuclidean, [1, 2, 3, -.infinity, 0, 0], .nonFiniteComponent,
        ["Row 1", "component 0"]
      ),
      (.cosine, [1, 2, 3, 0, 0, 0], .zeroVector, ["Row 1"]),
      (.cosine, [-0.0, 0, 0], .zeroVector, ["Row 0"]),
      (.squaredEuclidean, [2e19, 0, 0], .nonFiniteComponent, ["Row 0", "squared norm", "e+38"]),
      (
        .innerProduct, [0, 0, 0, 1e19, 1e19, 2e19], .nonFiniteComponent, ["Row 1", "squared norm"]
      ),
    ]
    for (metric, components, code, parts) in cases {
      let directory = try TemporaryDirectory()
      var writer = try index(directory, metric).makeWriter()
      try writer.add(VectorMatrix([1, 1, 1], dimensions: 3), ids: [900])
      let bad = try VectorMatrix(components, dimensions: 3)
      do throws(NeedletailError) {
        try writer.add(bad, ids: 0..<UInt64(bad.count))
        Issue.record("\(metric), \(components) was taken")
      } catch {
        #expect(error.code == code)
        for part in parts { #expect(error.description.contains(part), "\(error)") }
      }
      // All or nothing: the rows before the bad one were not taken, their ids are free.
      #expect(writer.count == 1)
      try writer.add(VectorMatrix([4, 4, 5], dimensions: 3), ids: [0])
      #expect(try writer.commit().ids == [0, 900])
    }
  }

  @Test func rowsThatAreFine() throws {
    // Squares that overflow Float do not matter under cosine, zero rows only there.
    for (metric, components): (Metric, [Float]) in [
      (.cosine, [3e38, -3e38, 1, .leastNonzeroMagnitude, 0, 0, 1e-30, 1, 1e30]),
      (.squaredEuclidean, [0, 0, 0, 1, 1, 1e19]),
      (.innerProduct, [0, 0, 0, -0.0, 0, 0]),
    ] {
      let directory = try TemporaryDirectory()
      var writer = try index(directory, metric).makeWriter()
      let rows = try VectorMatrix(components, dimensions: 3)
      try writer.add(rows, ids: 0..<UInt64(rows.count))
      let snapshot = try writer.commit()
      #expect(try VectorIndex.verify(at: directory("index")).isSound)
      let found = try snapshot.search([1, 0, 0], k: 3)
      #expect(found.neighbors.count == rows.count)
      #expect(found.neighbors.allSatisfy { !$0.distance.isNaN })
      for i in 0..<rows.count { #expect(try snapshot.export(UInt64(i)) != nil) }
    }
  }

  @Test func batches() throws {
    let directory = try TemporaryDirectory()
    var writer = try index(directory).makeWriter()
    let two = try VectorMatrix([1, 2, 3, 4, 5, 6], dimensions: 3)
    func add(_ rows: VectorMatrix, _ ids: [VectorID], _ writer: inout Writer) -> NeedletailError? {
      do throws(NeedletailError) { try writer.add(rows, ids: ids) } catch { return error }
      return nil
    }
    let wide = try VectorMatrix([1, 2, 3, 4], dimensions: 4)
    let mismatch = add(wide, [1], &writer)
    #expect(mismatch?.code == .dimensionMismatch)
    #expect(mismatch?.message.contains("4") == true && mismatch?.message.contains("3") == true)
    let few = add(two, [1], &writer)
    #expect(few?.code == .invalidConfiguration)
    #expect(few?.message.contains("1") == true && few?.message.contains("2") == true)
    let twin = add(two, [7, 7], &writer)
    #expect(twin?.code == .alreadyExists && twin?.message.contains("7") == true)
    #expect(add(two, [7, 8], &writer) == nil, "the batch that was refused took no id")
    let again = add(two, [9, 8], &writer)
    #expect(again?.code == .alreadyExists && again?.message.contains("8") == true)
    #expect(add(two, [9, 10], &writer) == nil)
    #expect(writer.count == 4)
    _ = try writer.commit()
  }

  @Test func queries() throws {
    let (index, _) = try IndexOnDisk.clusters(.squaredEuclidean, count: 300, dimensions: 3)
    let snapshot = index.snapshot
    var options = SearchOptions()
    expect(.invalidConfiguration, ["k is 0"], "k") { _ = try snapshot.search([1, 2, 3], k: 0) }
    expect(.invalidConfiguration, ["k is -5"], "k") { _ = try snapshot.search([1, 2, 3], k: -5) }
    expect(.capacityExceeded, ["1048576"], "k") { _ = try snapshot.search([1, 2, 3], k: .max) }
    expect(.dimensionMismatch, ["2", "3"], "short") { _ = try snapshot.search([1, 2], k: 1) }
    expect(.dimensionMismatch, ["0", "3"], "empty") { _ = try snapshot.search([], k: 1) }
    expect(.nonFiniteComponent, ["component 1", "nan"], "NaN") {
      _ = try snapshot.search([1, .nan, 3], k: 1)
    }
    expect(.nonFiniteComponent, ["component 2", "-inf"], "infinity") {
      _ = try snapshot.search([1, 2, -.infinity], k: 1)
    }
    expect(.nonFiniteComponent, ["squared norm"], "overflow") {
      _ = try snapshot.search([2e19, 0, 0], k: 1)
    }
    options.efSearch = 0
    expect(.invalidConfiguration, ["efSearch is 0"], "efSearch") {
      _ = try snapshot.search([1, 2, 3], k: 1, options: options)
    }
    options = SearchOptions()
    options.rerank = .precise(candidates: 0)
    expect(.invalidConfiguration, ["0", ".none"], "candidates") {
      _ = try snapshot.search([1, 2, 3], k: 1, options: options)
    }
    options.rerank = .precise(candidates: .max)
    expect(.capacityExceeded, ["1048576"], "candidates") {
      _ = try snapshot.search([1, 2, 3], k: 1, options: options)
    }
    options = SearchOptions()
    options.budget = SearchBudget(evaluations: 0)
    expect(.invalidConfiguration, ["evaluations of the budget are 0"], "limit") {
      _ = try snapshot.search([1, 2, 3], k: 1, options: options)
    }
    var short = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 2)
    expect(.invalidConfiguration, ["2", "3"], "buffer") {
      let query: [Float] = [1, 2, 3]
      var answers = short.mutableSpan
      _ = try snapshot.search(query.span, k: 3, options: SearchOptions(), into: &answers)
    }
    let (cosine, _) = try IndexOnDisk.clusters(.cosine, count: 300, dimensions: 3)
    expect(.zeroVector, [], "zero") { _ = try cosine.snapshot.search([0, 0, 0], k: 1) }
    #expect(try cosine.snapshot.search([3e38, 3e38, 0], k: 1).neighbors.count == 1)
    #expect(try cosine.snapshot.search([.leastNonzeroMagnitude, 0, 0], k: 1).neighbors.count == 1)
  }

  @Test func shorterAnswersAndWiderWindowsAreNoErrors() throws {
    let (index, _) = try IndexOnDisk.clusters(.squaredEuclidean, count: 300, dimensions: 3)
    let all = try index.snapshot.search([1, 2, 3], k: 1_000)
    #expect(all.neighbors.count == 300 && all.completion.isComplete)
    #expect(Set(all.neighbors.map(\.id)).count == 300)
    let narrow = try index.snapshot.search([1, 2, 3], k: 50, options: SearchOptions(efSearch: 10))
    #expect(narrow.neighbors.count == 50 && narrow.completion.isComplete)
    #expect(narrow.statistics.efSearch == 10, "narrow, and yet all k are there")
    var options = SearchOptions(efSearch: 100)
    options.budget = SearchBudget(evaluations: 40)
    let limited = try index.snapshot.search([1, 2, 3], k: 5, options: options)
    #expect(limited.completion.reasons == [.evaluations] && !limited.completion.isComplete)
    #expect("\(limited.completion.reasons)".contains("evaluations"))
  }

  @Test func places() throws {
    let directory = try TemporaryDirectory()
    let configuration = VectorIndex.Configuration(dimensions: 3, metric: .cosine)
    let taken = directory("taken")
    try Data([1]).write(to: URL(fileURLWithPath: taken))
    expect(.alreadyExists, [taken], "a file") {
      _ = try VectorIndex.create(at: taken, configuration: configuration)
    }
    expect(.alreadyExists, [directory.path], "a directory") {
      _ = try VectorIndex.create(at: directory.path, configuration: configuration)
    }
    expect(.notFound, [directory("none")], "open") {
      _ = try VectorIndex.open(at: directory("none"))
    }
    expect(.notFound, [directory.path, "CURRENT"], "not an index") {
      _ = try VectorIndex.open(at: directory.path)
    }
    expect(.notFound, [taken], "open a file") { _ = try VectorIndex.open(at: taken) }
    expect(.notFound, [directory("no")], "no parent") {
      let index = try VectorIndex.create(at: directory("no/index"), configuration: configuration)
      var writer = try index.makeWriter()
      try writer.add(VectorMatrix([1, 2, 3], dimensions: 3), ids: [1])
      _ = try writer.commit()
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["taken"])
  }

  @Test func aTargetTakenMeanwhileIsLeftAlone() throws {
    let directory = try TemporaryDirectory()
    let index = try index(directory)
    var writer = try index.makeWriter()
    try writer.add(VectorMatrix([1, 2, 3], dimensions: 3), ids: [1])
    try FileManager.default.createDirectory(
      atPath: directory("index"), withIntermediateDirectories: false)
    do throws(NeedletailError) {
      _ = try writer.commit()
      Issue.record("the directory was replaced")
    } catch { #expect(error.code == .alreadyExists) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory("index")).isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["index"])
  }

  @Test func writers() throws {
    let directory = try TemporaryDirectory()
    let index = try index(directory)
    expect(.notFound, ["commit"], "nothing yet") { _ = try index.snapshot() }
    do {
      let first = try index.makeWriter()
      expect(.locked, [], "a second writer") { _ = try index.makeWriter() }
      #expect(first.count == 0)
    }
    // Dropped without a commit: nothing is left, and the next one may write.
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    var writer = try index.makeWriter()
    try writer.add(VectorMatrix([1, 2, 3], dimensions: 3), ids: [1])
    do throws(NeedletailError) {
      _ = try writer.commit(threads: 0)
      Issue.record("0 threads build nothing")
    } catch { #expect(error.code == .invalidConfiguration && error.message.contains("0")) }
    var last = try index.makeWriter()
    try last.add(VectorMatrix([1, 2, 3], dimensions: 3), ids: [1])
    _ = try last.commit()
    #expect(try index.snapshot().count == 1)
    var more = try index.makeWriter()
    let again = #expect(throws: NeedletailError.self) {
      try more.add(VectorMatrix([3, 2, 1, 1, 2, 3], dimensions: 3), ids: [2, 1])
    }
    #expect(again?.code == .alreadyExists && again?.message.contains("1") == true)
  }

  @Test func anEmptyIndexIsAnIndex() throws {
    for metric in Metric.allCases {
      let directory = try TemporaryDirectory()
      let snapshot = try index(directory, metric).makeWriter().commit()
      #expect(snapshot.count == 0 && snapshot.ids.isEmpty)
      #expect(try snapshot.search([1, 2, 3], k: 5).neighbors.isEmpty)
      #expect(try snapshot.exportAll().count == 0)
      #expect(snapshot.information.count == 0)
      #expect(try VectorIndex.verify(at: directory("index")).isSound)
      let queries = try VectorMatrix([1, 2, 3, 4, 5, 6], dimensions: 3)
      #expect(
        try snapshot.search(batch: queries, k: 5, threads: 2).map(\.neighbors.count) == [0, 0])
    }
  }

  @Test func halvesThatDoNotFit() throws {
    let directory = try TemporaryDirectory()
    var writer = try index(directory, .squaredEuclidean) { $0.preciseRows = .float16 }.makeWriter()
    do throws(NeedletailError) {
      try writer.add(VectorMatrix([1, 70_000.5, 3], dimensions: 3), ids: [1])
      Issue.record("70000 is no half")
    } catch {
      #expect(error.code == .invalidConfiguration)
      #expect(error.message.contains("70000") && error.message.contains("65504"))
    }
    try writer.add(VectorMatrix([1, 65_504, 3], dimensions: 3), ids: [1])
    _ = try writer.commit()
  }
}
