import Foundation
import NeedletailCore
import NeedletailEvaluation
import Testing
import _NeedletailTestSupport

@Suite struct SlopeTests {
  @Test(arguments: [-1.0, 0, 0.25, 1, 1.15])
  func aPowerHasItsExponent(_ exponent: Double) throws {
    let x = [10_000.0, 21_147, 44_721, 94_574, 200_000]
    let slope = try #require(Slope.logarithmic(x, x.map { 3.5 * pow($0, exponent) }))
    #expect(abs(slope - exponent) < 1e-9)
  }

  @Test func aSlopeIsTheLeastSquaresOfLogarithms() throws {
    // Around the line y = x, off by the logarithm of 2 up, down, down, up: the ends cancel out.
    let slope = try #require(Slope.logarithmic([1, 10, 100, 1000], [2, 5, 50, 2000]))
    #expect(abs(slope - 1) < 1e-9)
    let tilted = try #require(Slope.logarithmic([1, 10, 100], [1, 10, 1000]))
    #expect(abs(tilted - 1.5) < 1e-9)
  }

  @Test func whatHasNoSlopeGivesNone() {
    #expect(Slope.logarithmic([], []) == nil)
    #expect(Slope.logarithmic([5], [5]) == nil)
    #expect(Slope.logarithmic([5, 5], [1, 2]) == nil)
    #expect(Slope.logarithmic([1, 2], [1]) == nil)
    #expect(Slope.logarithmic([1, 2], [0, 1]) == nil)
    #expect(Slope.logarithmic([1, 2], [1, .nan]) == nil)
    #expect(Slope.logarithmic([1, 2], [1, .infinity]) == nil)
  }

  @Test func costsAreTakenBetweenPoints() throws {
    let points: [(recall: Double, cost: Double)] = [(0.9, 100), (0.98, 400), (0.94, 200)]
    let middle = try #require(Slope.cost(points, at: 0.96))
    #expect(middle.isMet)
    #expect(abs(middle.cost - 200 * 2.0.squareRoot()) < 1e-9)
    let exact = try #require(Slope.cost(points, at: 0.9))
    #expect(exact.isMet && abs(exact.cost - 100) < 1e-9)
    let above = try #require(Slope.cost(points, at: 0.5))
    #expect(!above.isMet && above.cost == 100)
    #expect(Slope.cost(points, at: 0.99) == nil)
    #expect(Slope.cost([], at: 0.9) == nil)
  }

  @Test func pointsThatAnotherBeatsAreLeftOut() throws {
    // The second one is dearer than the third and finds less.
    let found = try #require(Slope.cost([(0.9, 100), (0.94, 500), (0.98, 400)], at: 0.94))
    #expect(abs(found.cost - 200) < 1e-9)
  }
}

@Suite struct ScaleReportTests {
  private func figures(exponent: Double = 0.2, build: Double = 1.1) throws -> ScaleFigures {
    let prefixes = [10_000.0, 40_000, 20_000].map { rows in
      let growth = pow(rows / 10_000, exponent)
      let seconds = 2 * pow(rows / 10_000, build)
      return """
        {"rows":\(Int(rows)),"buildSeconds":\(seconds),"buildProcessorSeconds":3,
        "fileBytes":\(Int(rows) * 100),"residentBytes":\(Int(rows) * 80),"points":[
        {"recall":0.93,"queriesPerSecond":\(2000 / growth),"evaluationsPerQuery":\(300 * growth)},
        {"recall":0.97,"queriesPerSecond":\(1000 / growth),"evaluationsPerQuery":\(600 * growth)}]}
        """
    }
    let document = """
      {"recall":0.95,"k":10,"buildThreads":2,"sets":[{"name":"a<b","metric":"l2","dimensions":8,
      "queries":5,"prefixes":[\(prefixes.joined(separator: ","))]}]}
      """
    return try JSONDecoder().decode(ScaleFigures.self, from: Data(document.utf8))
  }

  @Test func slopesAreThoseOfTheCosts() throws {
    let report = try ScaleReport(try figures())
    let set = try #require(report.sets.first)
    #expect(set.prefixes.map(\.rows) == [10_000, 20_000, 40_000])
    for (measure, exponent) in [
      (ScaleReport.Measure.evaluations, 0.2), (.microseconds, 0.2), (.buildSeconds, 1.1),
      (.buildProcessorSeconds, 0), (.fileBytes, 1), (.residentBytes, 1),
    ] {
      #expect(abs(try #require(set.slopes[measure]) - exponent) < 1e-6, "\(measure)")
    }
    #expect(ScaleTable.misses(report).isEmpty)
    let first = try #require(set.prefixes.first?.costs[.evaluations])
    #expect(abs(first - 300 * 2.0.squareRoot()) < 1e-9)
  }

  @Test func whatIsAboveItsLimitIsSaid() throws {
    let misses = ScaleTable.misses(try ScaleReport(try figures(exponent: 0.3, build: 1.3)))
    #expect(misses.count == 2)
    #expect(misses.contains { $0.contains("0.300") && $0.contains("0.25") })
    #expect(misses.contains { $0.contains("1.300") && $0.contains("1.15") })
  }

  @Test func aRecallThatIsNotReachedHasNoSlope() throws {
    var figures = try figures()
    figures.sets[0].prefixes[1].points.removeLast()
    let report = try ScaleReport(figures)
    #expect(report.sets[0].slopes[.evaluations] == nil)
    #expect(report.sets[0].slopes[.fileBytes] != nil)
    #expect(ScaleTable.misses(report).contains { $0.contains("not reached") })
    #expect(ScalePage.page(report).contains("–"))
  }

  @Test func figuresWithoutSenseAreRefused() throws {
    var empty = try figures()
    empty.sets = []
    var none = try figures()
    none.sets[0].prefixes = []
    var nothing = try figures()
    nothing.sets[0].prefixes[0].rows = 0
    for bad in [empty, none, nothing] {
      let error = #expect(throws: NeedletailError.self) { try ScaleReport(bad) }
      #expect(error?.code == .corrupted)
    }
    // Numbers that no run gives are shown, and are no reason to stop.
    var strange = try figures()
    strange.sets[0].prefixes[0].fileBytes = .min
    strange.sets[0].prefixes[0].buildSeconds = .infinity
    strange.sets[0].prefixes[0].points[0].queriesPerSecond = 0
    let page = ScalePage.page(try ScaleReport(strange))
    #expect(page.contains("</html>"))
  }

  @Test func thePageLoadsNothingAndSuitsPhoneDarkAndPaper() throws {
    let page = ScalePage.page(try ScaleReport(try figures()), date: "2026-01-31")
    for forbidden in ["http:", "https:", "//", "<script", "<link", "<img", "src=", "href=", "url("]
    {
      #expect(!page.lowercased().contains(forbidden), "the page has \(forbidden)")
    }
    for needed in [
      "<!DOCTYPE html>", "prefers-color-scheme: dark", "@media print", "class=\"wide\"",
      "class=\"narrow\"", "role=\"img\"", "2026-01-31", "a&lt;b", "slope 0.20", "1.100",
    ] {
      #expect(page.contains(needed), "the page lacks \(needed)")
    }
    #expect(!page.contains("a<b"))
  }
}
