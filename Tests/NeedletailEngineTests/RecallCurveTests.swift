import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// What is read off between measurements.
@Suite("Recall curve")
struct RecallCurveTests {
  private func curve(_ points: [(width: Int, miss: Double)]) -> RecallCurve {
    RecallCurve(
      points.map {
        .init(
          width: $0.width, miss: $0.miss, evaluations: Double($0.width * 20),
          nanoseconds: Double($0.width * 1_000))
      }, answers: 20_000)
  }

  @Test("A power of the width is found again at every width, and each target's width with it")
  func power() {
    let widths = [10, 13, 17, 22, 29, 38, 50, 66, 88]
    let curve = curve(widths.map { ($0, 2 / Double($0)) })
    for width in 10...88 {
      let estimate = curve.estimate(Double(width))
      #expect(abs(estimate.recall - (1 - 2 / Double(width))) < 1e-9)
      #expect(abs(estimate.evaluations - Double(width * 20)) < 1e-6)
      let setting = curve.setting(reaching: estimate.recall)
      #expect(setting?.width == Double(width))
    }
    // 1 − 2/40 = 0.95 exactly; a little more still rounds to the same width.
    #expect(curve.setting(reaching: 0.9505)?.width == 40)
    #expect(curve.setting(reaching: 0.952)?.width == 42)
  }

  @Test("Where parts of a width can be had, the setting meets its target closely")
  func parts() throws {
    let curve = curve([(10, 0.2), (11, 0.18), (14, 0.14), (19, 0.1)])
    #expect(curve.setting(reaching: 0.81, finest: 11)?.width == 11)
    for target in stride(from: 0.825, to: 0.9, by: 0.005) {
      let fine = try #require(curve.setting(reaching: target, finest: 11))
      #expect(abs(fine.recall - target) < 0.001, "\(target): \(fine)")
      #expect((fine.width * 16).rounded() == fine.width * 16)
      #expect(abs((curve.setting(reaching: target)?.width ?? 0) - fine.width) < 1)
    }
  }

  @Test("The least width serves every target below, none serves one beyond the widest")
  func ends() {
    let curve = curve([(10, 0.2), (20, 0.1)])
    #expect(curve.setting(reaching: 0.5)?.width == 10)
    #expect(curve.setting(reaching: 0.8)?.width == 10)
    #expect(curve.setting(reaching: 0.9)?.width == 20)
    #expect(curve.setting(reaching: 0.900_1) == nil)
    #expect(curve.estimate(1).recall == 0.8 && curve.estimate(10_000).recall == 0.9)
    #expect(curve.highestRecall == 0.9)
  }

  @Test("Noise that says a wider window finds less is averaged away, and nothing else is changed")
  func isotonic() {
    let curve = curve([(10, 0.2), (13, 0.10), (17, 0.14), (22, 0.12), (29, 0.05)])
    let misses = curve.points.map(\.miss)
    #expect(misses.first == 0.2 && misses.last == 0.05)
    for i in 1...3 { #expect(abs(misses[i] - 0.12) < 1e-12) }
    var random = SplitMix64(seed: 4)
    for _ in 0..<500 {
      let noisy = self.curve(
        (1...12).map { ($0 * 10, random.nextUnit() / Double($0)) })
      let fitted = noisy.points.map(\.miss)
      #expect(zip(fitted, fitted.dropFirst()).allSatisfy { $0 >= $1 - 1e-15 })
      var last = 0.0
      for width in 10...120 {
        let recall = noisy.estimate(Double(width)).recall
        #expect(recall >= last - 1e-12 && recall <= 1)
        last = recall
      }
    }
  }

  @Test("No miss at all is no trouble")
  func perfect() {
    let curve = curve([(10, 0.1), (20, 0), (40, 0)])
    #expect(curve.setting(reaching: 1)?.width == 20)
    #expect(curve.estimate(15).recall > 0.9)
    #expect(self.curve([(10, 0)]).setting(reaching: 0.99)?.width == 10)
  }

  @Test("Drawn numbers are different ones of the range, and every one is drawn as often")
  func draw() {
    var counts = [Int](repeating: 0, count: 20)
    for seed in 0..<4_000 {
      let drawn = TuningSample.draw(5, from: 100..<120, seed: UInt64(seed))
      #expect(Set(drawn).count == 5)
      for number in drawn { counts[Int(number) - 100] += 1 }
    }
    #expect(counts.allSatisfy { (850...1_150).contains($0) }, "\(counts)")
    #expect(TuningSample.draw(20, from: 0..<20, seed: 1).sorted() == Array(0..<20))
    #expect(TuningSample.draw(0, from: 5..<5, seed: 1).isEmpty)
  }
}

/// Which setting a recall asks for.
@Suite("Choice of a setting")
struct TunedSettingTests {
  private let tuning = Tuning(
    k: 10, queryCount: 100, source: .rows, kernelLevel: "scalar", processor: "p",
    settings: [
      .init(target: 0.8, efSearch: 10, recall: 0.85, evaluations: 1, nanoseconds: 1),
      .init(target: 0.9, efSearch: 20, recall: 0.9, evaluations: 1, nanoseconds: 1),
      .init(target: 0.99, efSearch: 200, recall: 0.99, evaluations: 1, nanoseconds: 1),
    ])

  @Test("Targets give their setting, recalls between them a power of the misses, others the ends")
  func between() {
    func width(_ recall: Double, k: Int = 10) -> Int {
      tuning.setting(recall: recall, k: k).efSearch
    }
    #expect(width(0.8) == 10 && width(0.9) == 20 && width(0.99) == 200)
    #expect(width(0.1) == 10 && width(0.995) == 200 && width(1) == 200)
    // A tenth of the misses takes ten times the width: 1 − 0.9 → 0.05 is half of the way but for log 5/log 10.
    #expect(width(0.95) == 40 && width(0.98) == 100)
    var last = 0
    for step in 1...1_000 {
      let next = width(Double(step) / 1_000)
      #expect(next >= last)
      last = next
    }
  }

  @Test("A width between whole ones is kept as a power, and found again")
  func fractions() {
    for width in [1, 9, 10, 10.5, 11, 11.062_5, 40.9, 4_095.5] {
      var setting = tuning.settings[0]
      setting.take(width, k: 10, isFine: true)
      #expect(setting.gamma >= 0 && setting.gamma < 1)
      #expect(Double(setting.efSearch) >= width && Double(setting.efSearch) < width + 1)
      #expect(abs(setting.width(k: 10) - width) < width * 1e-5)
      setting.take(width, k: 10, isFine: false)
      #expect(setting.gamma == 0 && Double(setting.efSearch) == width.rounded())
    }
    var fine = tuning
    fine.settings[1].take(19.5, k: 10, isFine: true)
    let between = fine.setting(recall: 0.93, k: 10)
    #expect(between.gamma > 0 && between.width(k: 10) > 19.5 && between.width(k: 10) < 200)
    // A manifest may hold any number; no walk becomes longer than its width.
    var parameters = SearchParameters(k: 10, efSearch: 1)
    fine.settings[1].gamma = .greatestFiniteMagnitude
    parameters.use(fine.settings[1])
    #expect(parameters.stopScale == 1 && parameters.efSearch == 20)
  }

  @Test("Fewer answers keep the width, more widen it and are never more than it")
  func otherCounts() {
    for k in 1...10 { #expect(tuning.setting(recall: 0.9, k: k).efSearch == 20) }
    #expect(tuning.setting(recall: 0.9, k: 30).efSearch == 33)
    #expect(tuning.setting(recall: 0.9, k: 1_000).efSearch == 1_000)
    #expect(
      tuning.setting(recall: 1, k: Limits.neighborsPerQuery).efSearch <= Limits.searchWidth)
  }
}
