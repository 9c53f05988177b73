#if Tools
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation

  extension DecisionReport {
    /// What was found, in at most 80 columns but for paths.
    var lines: [String] {
      var lines = [
        Terminal.bold("\(budget.name), version \(budget.version)") + ", of \(budget.owner)"
      ]
      lines.append(Terminal.dim("  " + origin))
      if let note = limits.note { lines.append(Terminal.dim("  " + note)) }
      lines += [""] + designLines + [""] + table
      lines.append(
        Terminal.dim(
          "  µs: the reckoned work of a query. p95: by the clock"
            + (scale.search > 1 ? ", reckoned up to all rows." : ".")))
      lines.append(
        Terminal.dim("  µs/point: what a point of recall more costs than in the line above."))
      if decision.bytesFront.count > 1 { lines += [""] + bytesTable }
      lines += [""] + uses
      if let stop {
        lines.append("")
        lines += DecisionWording.wrapped(stop.reason)
      }
      if let chosen { lines += [""] + advice(chosen.judged) }
      return lines
    }

    private var origin: String {
      let queries = isHeldOut ? "rows that were left out as queries" : "queries"
      let rows =
        index == nil && scale.sampleRows < scale.rows
        ? "A sample of \(Numerals.grouped(scale.sampleRows)) of \(Numerals.grouped(scale.rows)) rows"
        : Numerals.counted(scale.rows, "row", "rows")
      let share =
        "\(Numerals.grouped(decision.evaluations)) of \(Numerals.grouped(decision.gridEvaluations)) measurements"
      let builds =
        index == nil
        ? "\(decision.builds) of \(Numerals.counted(decision.gridBuilds, "build", "builds")), " : ""
      return "\(rows), \(Numerals.grouped(queryCount)) \(queries), k \(k)\n"
        + "  \(builds)\(share), in \(Numerals.duration(elapsed))"
    }

    /// The designs of the front, in the order in which they come.
    private var designs: [IndexDesign] {
      var seen: Set<IndexDesign> = []
      return shown.map(\.point.judged.candidate.design).filter { seen.insert($0).inserted }
    }

    private func letter(_ design: IndexDesign) -> String {
      let place = designs.firstIndex(of: design) ?? 0
      return place < 26 ? String(UnicodeScalar(UInt8(65 + place))) : "\(place + 1)"
    }

    private var designLines: [String] {
      designs.map { design in
        let seconds = decision.front.first { $0.judged.candidate.design == design }?.judged
          .buildSeconds
        var line = "  \(letter(design))  \(design.layout), m \(design.m)"
        line += ", efConstruction \(design.efConstruction)"
        if index == nil, let seconds {
          line += ", built in " + Numerals.duration(.seconds(seconds))
        }
        return line
      }
    }

    /// Points of the front that a table shows: a tenth of a point of recall apart, and up to three beyond the stop.
    private var shown: [(place: Int, point: FrontPoint)] {
      let stop = stop?.place ?? 0
      var shown: [(place: Int, point: FrontPoint)] = []
      for (place, point) in decision.front.enumerated() {
        let gain = point.recall - (shown.last?.point.recall ?? -1)
        if gain >= 0.001 || place == stop { shown.append((place, point)) }
        if shown.count(where: { $0.place > stop }) == 3 { break }
      }
      return shown
    }

    private var table: [String] {
      var table = Table(leading: [0, 2, 9])
      table.add(["", "ef", "re-rank", "recall", "µs", "p95 µs", "B/row", "score", "µs/point", ""])
      var last: FrontPoint?
      for (place, point) in shown {
        let candidate = point.judged.candidate
        var marks: [String] = []
        if place == 0 { marks.append("fastest") }
        if place == stop?.place { marks.append("stop here") }
        // To the line above, which need not be the neighbour.
        let price = last.map { (point.cost - $0.cost) / (point.recall - $0.recall) / 100 }
        table.add([
          letter(candidate.design), Numerals.grouped(candidate.efSearch),
          candidate.rerank.description, Numerals.fixed(point.recall, 4),
          Numerals.fixed(point.cost, 1), Numerals.fixed(point.judged.measurement?.p95 ?? 0, 1),
          Numerals.grouped(Int(point.judged.bytesPerRow.rounded())),
          Numerals.fixed(point.score, 1), price.map { Numerals.measured($0) } ?? "",
          marks.joined(separator: ", "),
        ])
        last = point
      }
      var lines = table.lines()
      if !lines.isEmpty { lines[0] = Terminal.dim(lines[0]) }
      let more = decision.front.count - shown.count
      if more > 0 { lines.append(Terminal.dim("  \(more) more, close to these, are in --json.")) }
      return lines
    }

    /// What recall costs in bytes.
    private var bytesTable: [String] {
      var table = Table(leading: [0])
      table.add(["bytes", "B/row", "recall", "µs", "B/point"])
      for point in decision.bytesFront {
        let design = point.judged.candidate.design
        table.add([
          "\(design.layout), m \(design.m), re-rank \(point.judged.candidate.rerank)",
          Numerals.grouped(Int(point.judged.bytesPerRow.rounded())),
          Numerals.fixed(point.recall, 4), Numerals.fixed(point.cost, 1),
          point.bytesPerPoint.map { Numerals.measured($0) } ?? "",
        ])
      }
      var lines = table.lines()
      if !lines.isEmpty { lines[0] = Terminal.dim(lines[0]) }
      return lines
    }

    /// How much of each limit the choice uses.
    private var uses: [String] {
      guard let chosen else { return [] }
      var table = Table(leading: [0])
      table.add(["limit", "allows", "is", "used"])
      for use in chosen.judged.uses {
        table.add([
          use.limit.field, DecisionWording.value(use.limit.bound, use.limit.quantity),
          DecisionWording.value(use.value, use.limit.quantity),
          Numerals.fixed(use.share * 100, 1) + " %",
        ])
      }
      var lines = table.lines()
      if !lines.isEmpty { lines[0] = Terminal.dim(lines[0]) }
      return lines
    }

    private func advice(_ judged: JudgedCandidate) -> [String] {
      let envelope = envelope(judged)
      var lines: [String] = []
      if let command = command(judged.candidate) {
        lines.append("To build it:")
        lines.append("  " + command.joined(separator: " \\\n      "))
        lines.append("Then let the window be judged on all rows:")
        lines.append("  needletail tune DIR --budget \(budgetPath) --queries FILE")
      } else {
        lines.append(
          "Search with efSearch \(envelope.efSearch), re-rank \(judged.candidate.rerank).")
      }
      lines.append("For the budget:")
      lines.append("  envelope:")
      lines.append("    m: \(envelope.m)")
      lines.append("    efConstruction: \(envelope.efConstruction)")
      lines.append("    efSearch: \(envelope.efSearch)")
      lines.append("    bytesPerVector: \(envelope.bytesPerVector)B")
      return lines
    }
  }

  /// Limits and candidates in words.
  enum DecisionWording {
    static func name(_ candidate: DecisionCandidate) -> String {
      "\(candidate.design.layout), m \(candidate.design.m), efConstruction "
        + "\(candidate.design.efConstruction), efSearch \(candidate.efSearch), re-rank \(candidate.rerank)"
    }

    static func value(_ value: Double, _ quantity: LimitedQuantity) -> String {
      switch quantity {
      case .recall: Numerals.fixed(value, 4)
      case .p95, .p99: Numerals.duration(.microseconds(value))
      case .buildTime: Numerals.duration(.seconds(value))
      case .bytesPerVector: Numerals.grouped(Int(value.rounded(.up))) + " B"
      case .codes, .graph, .precise, .ids, .total:
        value < 9e18 ? Numerals.bytes(Int(value)) : "no end of bytes"
      }
    }

    /// What a broken limit allows, and what there is.
    static func breach(_ use: LimitUse) -> String {
      let quantity = use.limit.quantity
      let allowed = value(use.limit.bound, quantity)
      let found = value(use.value, quantity)
      switch quantity {
      case .recall: return "recall comes to \(found), and the floor is \(allowed)"
      case .p95, .p99:
        return "walk and re-rank take \(found) and have \(allowed), a tenth of it kept free"
      case .buildTime: return "a build takes \(found) and has \(allowed), a tenth of it kept free"
      case .codes, .graph, .precise, .ids, .total, .bytesPerVector:
        return "it takes \(found) and may take \(allowed)"
      }
    }

    static func advice(_ quantity: LimitedQuantity) -> String {
      switch quantity {
      case .recall: "Lower the floor, or allow more time, bytes or larger values of --m."
      case .p95, .p99:
        "Allow more time, give traversal and rerank a larger share, or lower the recall."
      case .buildTime:
        "Allow a longer build, give it more --threads, or smaller values of --ef-construction."
      case .codes, .graph, .precise, .ids, .total, .bytesPerVector:
        "Allow more bytes, or give smaller values of --m."
      }
    }

    /// A sentence in lines of at most 78 columns.
    static func wrapped(_ text: String) -> [String] {
      var lines: [String] = []
      for word in text.split(separator: " ") {
        if let last = lines.last, last.count + word.count + 1 <= 78 {
          lines[lines.count - 1] = last + " " + word
        } else {
          lines.append(String(word))
        }
      }
      return lines
    }
  }
#endif
