#if Tools
  import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail log`: the writes that no segment holds yet.
  struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "log",
      abstract: "Show the writes that no segment holds yet.",
      discussion: """
        EXAMPLES
          needletail log words.needletail
          needletail log words.needletail --json | jq .ids

        With --json one object a line for each batch, with all its ids. Damage to writes that \
        were acknowledged ends the list with 65; `repair` then says more.
        """)

    @Argument(help: "The index directory.")
    var index: String
    @Flag(name: .long, help: "Write one JSON object a line for each batch, and nothing else.")
    var json = false

    func run() throws {
      try Inputs.refuseWhatIsNoIndex(index)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      let report = try VectorIndex.readLog(at: index) { (record) throws(NeedletailError) in
        if json {
          let line = (try? encoder.encode(record)).map { String(decoding: $0, as: UTF8.self) }
          print(line ?? "{}")
        } else {
          print(Self.line(record))
        }
      }
      guard !json else { return }
      if report.tornBytes > 0 {
        print(
          "\(report.tornBytes) bytes of a write that a crash cut off; nobody was told that it is durable."
        )
      }
      print("up to \(report.lastSequence), \(Numerals.bytes(report.bytes))")
    }

    private static func line(_ record: LogRecord) -> String {
      let source = record.source.map { "  \($0)@\(record.offset ?? 0)" } ?? ""
      return "\(record.sequence)  \(record.operation)  \(shown(record.ids))\(source)"
    }

    /// How many ids, and the first of them.
    static func shown(_ ids: [VectorID]) -> String {
      let first = ids.prefix(6).map { "\($0)" }.joined(separator: " ")
      return "\(ids.count)  [\(first)\(ids.count > 6 ? " …" : "")]"
    }
  }
#endif
