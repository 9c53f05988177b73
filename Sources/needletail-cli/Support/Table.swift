#if Tools
  /// Text in columns: the first column to the left, numbers to the right.
  struct Table {
    private var rows: [[String]] = []
    private let leading: Set<Int>

    /// Makes a table whose columns of these numbers are set to the left.
    init(leading: Set<Int> = [0]) { self.leading = leading }

    mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The lines, without spaces at their ends.
    func lines(indent: Int = 2) -> [String] {
      let columns = rows.map(\.count).max() ?? 0
      let widths = (0..<columns).map { column in
        rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
      }
      return rows.map { cells in
        var line = String(repeating: " ", count: indent)
        for (column, cell) in cells.enumerated() {
          let space = String(repeating: " ", count: widths[column] - cell.count)
          line +=
            (column > 0 ? "  " : "") + (leading.contains(column) ? cell + space : space + cell)
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return line
      }
    }
  }
#endif
