#if Tools
  import ArgumentParser
  import Foundation
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail report`: tables and pages from figures that were gathered before.
  struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "report",
      abstract: "Make tables and pages from gathered figures.",
      discussion: """
        EXAMPLES
          needletail report scale .build/scale/scale.json --html scale.html
        """,
      subcommands: [Scale.self])

    /// `needletail report scale`.
    struct Scale: ParsableCommand {
      static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Show how costs grow with the number of rows.",
        usage: "needletail report scale <file> [--html <file>] [--json]",
        discussion: """
          EXAMPLES
            needletail report scale .build/scale/scale.json --html scale.html

          Costs of a search are taken between widths, at the recall that the figures name. A \
          slope is the exponent of growth: least squares through the logarithms. The figures \
          are gathered by make scale.
          """)

      @Argument(help: "The figures, as Benchmarks/Scale/scale.py writes them.")
      var figures: String
      @Option(help: "Write one self-contained page to this file; only a page is replaced.")
      var html: String?
      @OptionGroup var outputOptions: OutputOptions

      func run() throws {
        if let html { try Outputs.checkPage(html) }
        guard let data = FileManager.default.contents(atPath: figures) else {
          throw CommandFailure(.noInput, "There is no file \(figures) that can be read.")
        }
        guard let gathered = try? JSONDecoder().decode(ScaleFigures.self, from: data) else {
          throw CommandFailure(
            .data, "\(figures) has no figures of a scale run; make them with make scale.")
        }
        let report = try ScaleReport(gathered)
        if outputOptions.json {
          try JSONOutput.write(report)
        } else {
          for line in Self.lines(report) { print(line) }
        }
        if let html {
          let today = Date.now.formatted(.iso8601.year().month().day())
          let file = URL(fileURLWithPath: html).resolvingSymlinksInPath()
          do {
            try Data(ScalePage.page(report, date: today).utf8).write(to: file, options: .atomic)
          } catch {
            throw CommandFailure(.cannotCreate, "The page cannot be written to \(html).")
          }
          if !outputOptions.json { print("\nThe page is in \(html).") }
        }
      }

      private static func lines(_ report: ScaleReport) -> [String] {
        var lines: [String] = []
        for set in report.sets {
          lines.append(
            Terminal.bold(set.name) + ": \(set.dimensions) components, \(set.metric), "
              + Wording.queries(set.queries))
          var table = Table(leading: [0])
          table.add(ScaleTable.heads(report))
          for row in ScaleTable.rows(set) { table.add(row) }
          lines += table.lines() + [""]
        }
        lines.append(
          "At recall@\(report.k) \(Numerals.fixed(report.recall, 2)); searches on one thread, "
            + "builds on \(Wording.threads(report.buildThreads)).")
        let misses = ScaleTable.misses(report)
        return lines + (misses.isEmpty ? ["No slope is above its limit."] : misses)
      }
    }
  }
#endif
