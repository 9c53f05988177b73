import Foundation
import Needletail
import Testing
import _NeedletailTestSupport

@Suite("Index on disk")
struct StoreTests {
  private func norm(_ row: [Float]) -> Double {
    row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  /// The largest difference of a component, relative to the norm of what was added.
  private func loss(_ given: [Float], _ back: [Float]) -> Double {
    let scale = max(norm(given), .leastNonzeroMagnitude)
    return zip(given, back).map { abs(Double($0) - Double($1)) / scale }.max() ?? 0
  }

  @Test("Export gives back what was added", arguments: Metric.allCases, PreciseRows.allCases)
  func export(metric: Metric, precise: PreciseRows) throws {
    let d = 12
    var components = RandomVectors.gaussian(count: 300, dimensions: d, seed: 5)
    if metric == .cosine {
      // Norms from 1e-20 to 1e20.
      for i in 0..<300 {
        var length: Float = 1e-20
        for _ in 0..<(i % 41) { length *= 10 }
        for j in 0..<d { components[i * d + j] *= length }
      }
    }
    let index = try IndexOnDisk(metric, components, dimensions: d, precise: precise)
    guard precise != .none else {
      for error in [
        failure { _ = try index.snapshot.export(index.ids[0]) },
        failure { _ = try index.snapshot.exportAll() },
      ] {
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("precise rows") == true)
      }
      return
    }
    let bound =
      switch precise {
      case .float32: 0x1p-22
      case .float16: 0x1p-11
      case .bfloat16, .none: 0x1p-8
      }
    for i in 0..<300 {
      let back = try #require(try index.snapshot.export(index.ids[i]))
      #expect(loss(index.row(i), back) <= bound, "row \(i): \(loss(index.row(i), back))")
      if precise == .float32, metric != .cosine { #expect(back == index.row(i)) }
    }
    #expect(try index.snapshot.export(12_345) == nil)
    let all = try index.snapshot.exportAll()
    #expect(all.count == 300 && all.dimensions == d)
    for (position, id) in index.snapshot.ids.enumerated() where position % 29 == 0 {
      #expect(try all[position] == index.snapshot.export(id))
    }
  }

  @Test("Whole numbers come back from their codes, precise rows or none")
  func lossless() throws {
    let components = (0..<(300 * 20)).map { Float(($0 * 37) % 256) }
    for precise: PreciseRows in [.float32, .none] {
      let index = try IndexOnDisk(.squaredEuclidean, components, dimensions: 20, precise: precise)
      for i in 0..<300 { #expect(try index.snapshot.export(index.ids[i]) == index.row(i)) }
      #expect(index.snapshot.information.quantizer.form == "lossless u8")
      #expect(index.snapshot.information.memory.preciseRows == 0)
    }
  }

  @Test("Ids are all there, in ascending order")
  func ids() throws {
    let (index, _) = try IndexOnDisk.clusters(.cosine, count: 300)
    #expect(index.snapshot.ids == index.ids.sorted())
    #expect(index.snapshot.count == 300)
    #expect(index.snapshot.dimensions == 24)
    #expect(index.snapshot.metric == .cosine)
    #expect(index.snapshot.preciseRows == .float32)
  }

  @Test("Every way to open gives the same answers", arguments: Metric.allCases)
  func open(metric: Metric) throws {
    let (index, queries) = try IndexOnDisk.clusters(metric)
    let expected = try index.snapshot.search(batch: queries, k: 5).map(\.neighbors)
    for verification in OpenOptions.Verification.allCases {
      for placement in OpenOptions.Placement.allCases {
        var options = OpenOptions()
        options.verification = verification
        (options.codes, options.graph) = (placement, placement)
        (options.preciseRows, options.ids) = (placement, placement)
        let opened = try VectorIndex.open(at: index.path, options: options)
        #expect(opened.configuration.metric == metric)
        #expect(opened.configuration.graph.m == 8)
        #expect(opened.configuration.graph.efConstruction == 60)
        let snapshot = try opened.snapshot()
        #expect(try snapshot.search(batch: queries, k: 5).map(\.neighbors) == expected)
        #expect(snapshot.information.placement.values.allSatisfy { $0 == placement.rawValue })
      }
    }
  }

  @Test("Verify passes a sound index and names what is wrong with a damaged one")
  func verify() throws {
    let (index, _) = try IndexOnDisk.clusters(.cosine, count: 300)
    let monitor = WorkMonitor()
    let report = try VectorIndex.verify(at: index.path, monitor: monitor)
    #expect(report.isSound, "\(report.checks)")
    #expect(report.checks.count >= 4)
    #expect(monitor.progress.done == monitor.progress.total && monitor.progress.total > 0)
    let encoded = try JSONDecoder().decode(
      VerificationReport.self, from: JSONEncoder().encode(report))
    #expect(encoded.checks == report.checks)

    let files = try #require(FileManager.default.enumerator(atPath: index.path))
      .compactMap { $0 as? String }.filter { $0.contains(".") || $0 == "CURRENT" }
    #expect(files.count == 4)
    for file in files {
      let path = index.path + "/" + file
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      for at in [0, bytes.count / 2, bytes.count - 1] {
        var damaged = bytes
        damaged[at] ^= 4
        try damaged.write(to: URL(fileURLWithPath: path))
        let report = try VectorIndex.verify(at: index.path)
        #expect(!report.isSound, "\(file), byte \(at)")
        let failed = try #require(report.checks.first { !$0.passed })
        #expect(failed.detail.contains(path), "\(file): \(failed)")
      }
      try FileManager.default.removeItem(atPath: path)
      if file == "CURRENT" {
        #expect(failure { _ = try VectorIndex.verify(at: index.path) }?.code == .notFound)
      } else {
        #expect(try !VectorIndex.verify(at: index.path).isSound, "\(file) is missing")
      }
      try bytes.write(to: URL(fileURLWithPath: path))
    }
    #expect(try VectorIndex.verify(at: index.path).isSound)
    #expect(failure { _ = try VectorIndex.verify(at: index.directory("x")) }?.code == .notFound)
    monitor.cancel()
    #expect(
      failure { _ = try VectorIndex.verify(at: index.path, monitor: monitor) }?.code == .cancelled)
  }

  @Test("Information says what was built")
  func information() throws {
    let (index, _) = try IndexOnDisk.clusters(.cosine, count: 400, precise: .bfloat16)
    let information = index.snapshot.information
    #expect(information.path == index.path)
    #expect(information.formatVersion == 1 && information.generation == 1)
    #expect(information.uuid.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
    #expect(information.count == 400 && information.dimensions == 24)
    #expect(information.metric == .cosine && information.m == 8 && information.seed == 1)
    #expect(information.efConstruction == 60)
    #expect(information.codes == .int8 && information.preciseRows == .bfloat16)
    #expect(information.quantizer.form == "global scale")
    #expect(information.quantizer.relativeError > 0 && information.quantizer.relativeError < 0.05)
    #expect(information.segments.map(\.count) == [400])
    #expect(information.graph.unreachableNodes == 0 && information.graph.levels >= 2)
    #expect(information.graph.maximumDegree <= 16 && information.graph.meanDegree > 4)
    #expect(information.memory.codes == 400 * (64 + 4))
    #expect(information.memory.preciseRows == 400 * (24 * 2 + 8))
    #expect(information.memory.ids == 400 * 12)
    #expect(information.memory.total < information.segments[0].bytes + 10_000)
    #expect(
      try JSONDecoder().decode(IndexInformation.self, from: JSONEncoder().encode(information))
        == information)
  }

  @Test("Prediction is within 3 % of what a build gives", arguments: Metric.allCases)
  func prediction(metric: Metric) throws {
    for (codes, precise) in [
      (CodeKind.int8, PreciseRows.float32), (.int8, .float16), (.int8, .none), (.none, .bfloat16),
    ] {
      let components = RandomVectors.clusters(count: 1_500, dimensions: 48, seed: 3)
      let index = try IndexOnDisk(
        metric, components, dimensions: 48, codes: codes, precise: precise)
      var configuration = VectorIndex.Configuration(dimensions: 48, metric: metric)
      configuration.graph.m = 8
      configuration.codes = codes
      configuration.preciseRows = precise
      let predicted = try VectorIndex.predict(count: 1_500, configuration: configuration)
      let actual = index.snapshot.memory
      let pairs: [(String, Int, Int)] = [
        ("codes", predicted.codes, actual.codes), ("graph", predicted.graph, actual.graph),
        ("rows", predicted.preciseRows, actual.preciseRows), ("ids", predicted.ids, actual.ids),
        ("quantizer", predicted.quantizer, actual.quantizer),
        ("all", predicted.total, actual.total),
      ]
      for (name, predicted, actual) in pairs {
        #expect(
          abs(Double(predicted - actual)) <= 0.03 * Double(max(actual, 1)),
          "\(metric), \(codes), \(precise), \(name): \(predicted), not \(actual)")
      }
    }
  }

  @Test("Prediction knows that bytes are coded without loss")
  func losslessPrediction() throws {
    let components = (0..<(800 * 32)).map { Float(($0 * 37) % 120) }
    for (metric, element) in [
      (Metric.squaredEuclidean, VectorMatrix.Element.uint8), (.innerProduct, .int8),
    ] {
      let index = try IndexOnDisk(metric, components, dimensions: 32)
      var configuration = VectorIndex.Configuration(dimensions: 32, metric: metric)
      configuration.graph.m = 8
      let predicted = try VectorIndex.predict(
        count: 800, configuration: configuration, element: element)
      #expect(predicted.codes == index.snapshot.memory.codes)
      #expect(predicted.preciseRows == 0 && index.snapshot.memory.preciseRows == 0)
      #expect(abs(predicted.total - index.snapshot.memory.total) * 33 <= predicted.total)
    }
  }

  @Test("The same rows give the same files but for the identity")
  func sameBytes() throws {
    let components = RandomVectors.clusters(count: 500, dimensions: 16, seed: 3)
    var hashes: Set<[String]> = []
    var identities: Set<String> = []
    for threads in 1...3 {
      let index = try IndexOnDisk(.cosine, components, dimensions: 16, threads: threads)
      hashes.insert(index.snapshot.information.segments.map(\.hash))
      identities.insert(index.snapshot.information.uuid)
    }
    #expect(hashes.count == 1)
    #expect(identities.count == 3)
  }

  @Test("Rows may come in many batches")
  func batches() throws {
    let directory = try TemporaryDirectory()
    let components = RandomVectors.clusters(count: 500, dimensions: 16, seed: 3)
    let whole = try VectorMatrix(components, dimensions: 16)
    let reference = try IndexOnDisk(.cosine, components, dimensions: 16)
    var configuration = VectorIndex.Configuration(dimensions: 16, metric: .cosine)
    configuration.graph.m = 8
    configuration.graph.efConstruction = 60
    let index = try VectorIndex.create(at: directory("i"), configuration: configuration)
    var writer = try index.makeWriter()
    for start in stride(from: 0, to: 500, by: 77) {
      let rows = start..<min(500, start + 77)
      try writer.add(whole[rows], ids: reference.ids[rows])
      #expect(writer.count == rows.upperBound)
    }
    let snapshot = try writer.commit()
    #expect(snapshot.information.segments == reference.snapshot.information.segments)
  }
}
