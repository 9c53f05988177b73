import Foundation
import NeedletailCore
import NeedletailEvaluation
import Testing

@Suite struct HTMLReportTests {
  private func point(_ efSearch: Int, recall: Double, speed: Double) throws -> String {
    """
    {"efSearch":\(efSearch),"recall":\(recall),"queriesPerSecond":\(speed),
    "medianQueriesPerSecond":\(speed * 0.97),"p50Microseconds":\(1e6 / (speed + 1)),
    "p95Microseconds":\(1.4e6 / (speed + 1)),"p99Microseconds":\(1.7e6 / (speed + 1)),
    "p999Microseconds":\(2.5e6 / (speed + 1)),"evaluationsPerQuery":512.5,"hopsPerQuery":14}
    """
  }

  private func report(
    _ points: [(Int, Double, Double)], path: String = "/data/words.needletail", bytes: Int = 1000
  ) throws -> EvaluationReport {
    let list = try points.map { try point($0.0, recall: $0.1, speed: $0.2) }
    var report = try JSONDecoder().decode(
      EvaluationReport.self,
      from: Data(
        """
        {"points":[\(list.joined(separator: ","))],"k":10,"threads":1,"repeats":3,"queries":500,
        "recallJudgedOn":"base","files":{"queries":"q.npy","groundTruth":"t.ibin"},
        "machine":{"processor":"A & B","cores":2,"memoryBytes":8000000000,"kernelLevel":"scalar",
        "system":"Debian"},"memory":{"after":{"anonymousBytes":1000000,"fileBackedBytes":2000}},
        "index":{"path":"","count":12000,"dimensions":384,"metric":"cosine","properties":{"m":"16"},
        "components":[{"name":"codes","bytes":\(bytes),"placement":"resident"},
        {"name":"precise rows","bytes":\(bytes * 4),"placement":"mapped"}]}}
        """.utf8))
    report.index.path = path
    return report
  }

  private let usual = [(10, 0.91, 21000.0), (24, 0.96, 12000), (96, 0.994, 4100)]

  @Test func thePageLoadsNothing() throws {
    let page = HTMLReport.page(try report(usual), date: "2026-01-31").lowercased()
    for forbidden in [
      "http:", "https:", "//", "<script", "<link", "<img", "<iframe", "src=", "href=", "url(",
      "@import", "javascript", "onload", "onclick",
    ] {
      #expect(!page.contains(forbidden), "the page has \(forbidden)")
    }
  }

  @Test func thePageSuitsPhoneDarkAndPaper() throws {
    let page = HTMLReport.page(try report(usual))
    for needed in [
      "<!DOCTYPE html>", "<html lang=\"en\">", "name=\"viewport\"", "prefers-color-scheme: dark",
      "@media print", "@media (max-width", "class=\"wide\"", "class=\"narrow\"", "role=\"img\"",
      "aria-label",
    ] {
      #expect(page.contains(needed), "the page lacks \(needed)")
    }
  }

  @Test func theTableHasEveryPoint() throws {
    let page = HTMLReport.page(try report(usual))
    for (efSearch, recall, speed) in usual {
      #expect(page.contains("<th scope=\"row\">\(efSearch)</th>"))
      #expect(page.contains("<td>\(Numerals.fixed(recall, 4))</td>"))
      #expect(page.contains("<td>\(Numerals.measured(speed))</td>"))
    }
    #expect(page.contains("A &amp; B"))
  }

  @Test func namesCannotBecomeMarkup() throws {
    let page = HTMLReport.page(try report(usual, path: "/x/<script>alert(\"1\")</script>&"))
    #expect(!page.contains("<script"))
    #expect(HTMLReport.escaped("<a&b\"c>") == "&lt;a&amp;b&quot;c&gt;")
  }

  @Test func everyElementIsClosed() throws {
    let page = HTMLReport.page(try report(usual))
    var open: [Substring] = []
    let body = page.drop { $0 != "\n" }
    for match in body.matches(of: /<(\/?)([a-z0-9]+)([^>]*)>/) {
      let (_, slash, name, rest) = match.output
      if rest.hasSuffix("/") || name == "meta" { continue }
      if slash.isEmpty {
        open.append(name)
      } else {
        #expect(open.popLast() == name)
      }
    }
    #expect(open.isEmpty)
  }

  @Test func oddMeasurementsGiveAWholePage() throws {
    for points in [
      [], [(10, 1.0, 5.0)], [(10, 1, 0)], [(1, 0, 1e7), (2, 1, 1e-3)],
      [(8, 0.5, 100), (8, 0.5, 100)], [(8, 0.999_999, 1e12)],
    ] {
      for bytes in [0, 1, Int.max / 16] {
        let page = HTMLReport.page(try report(points, bytes: bytes))
        #expect(page.hasSuffix("</html>\n"))
        for wrong in ["=\"nan", "=\"inf", "=\"–", "∞", "=\"-nan"] {
          #expect(!page.contains(wrong))
        }
      }
    }
  }

  @Test func scalesPlaceTheirEndsAtTheEnds() {
    let linear = AxisScale(linear: 0.913...1, ticks: 6)
    #expect(linear.place(linear.ticks[0]) == 0)
    #expect(abs(linear.place(1) - 1) < 1e-9)
    #expect(linear.ticks.count >= 4 && linear.ticks.count <= 12)
    let logarithmic = AxisScale(logarithmic: 30...700, ticks: 7)
    #expect(logarithmic.ticks.first == logarithmic.ticks.min())
    #expect(abs(logarithmic.place(20) - 0) < 1e-9)
    #expect(abs(logarithmic.place(1000) - 1) < 1e-9)
    let halves = logarithmic.place(200) - logarithmic.place(100)
    #expect(abs(halves - (logarithmic.place(100) - logarithmic.place(50))) < 1e-9)
  }
}
