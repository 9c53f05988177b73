import NeedletailCore

extension SealedSegment {
  /// Looks for attributes that no writer writes: values beside rows without one, texts out of order, lists that
  /// disagree.
  func inspectAttributes(_ limit: Int, _ faults: inout [String]) {
    guard let columns else { return }
    var present: (name: String, rows: [Bool])?
    for column in columns.columns {
      guard faults.count < limit else { return }
      column.inspect(limit, &faults)
      let name = column.layout.name
      var rows = (0..<UInt32(count)).map { column.isPresent($0) }
      if let before = present, !before.name.precedesByBytes(name) {
        for row in rows.indices where before.rows[row] {
          if rows[row] { faults.append("Row \(row) has two values of \(name).") }
          rows[row] = true
          guard faults.count < limit else { return }
        }
      }
      present = (name, rows)
    }
  }
}

extension SealedColumn {
  /// Looks for what no writer writes; one sentence per fault.
  func inspect(_ limit: Int, _ faults: inout [String]) {
    inspectValues(limit, &faults)
    if kind == .category || kind == .tags { inspectTexts(limit, &faults) }
    if kind == .tags { inspectTags(&faults) }
  }

  private func inspectValues(_ limit: Int, _ faults: inout [String]) {
    if kind != .category, hasPresenceBeyondRows {
      faults.append("\(layout.name) has values beyond row \(rows).")
    }
    for row in 0..<UInt32(rows) {
      guard faults.count < limit else { return }
      let isPresent = isPresent(row)
      let isSound =
        switch kind {
        case .integer: isPresent || isZero(row)
        case .real: isPresent ? isKept(row) : isZero(row)
        case .category: isPresent || isZero(row)
        case .tags: isPresent || tags(row).isEmpty
        }
      if !isSound {
        faults.append("\(layout.name) of row \(row) is a value that is never written.")
      }
    }
  }

  private func isKept(_ row: UInt32) -> Bool {
    guard case .real(let number)? = value(row) else { return false }
    return !number.isNaN && (number != 0 || number.sign == .plus)
  }

  /// Texts ascend by their bytes, are UTF-8, and lie without gaps.
  private func inspectTexts(_ limit: Int, _ faults: inout [String]) {
    var end = 0
    for place in 0..<textCount {
      guard faults.count < limit else { return }
      let (range, bytes) = unsafe (textRange(place), textBytes(place))
      if range.lowerBound != UInt64(end) || range.upperBound < UInt64(end)
        || range.upperBound > UInt64(layout.textByteCount)
      {
        faults.append("Text \(place) of \(layout.name) does not begin where the one before ends.")
        return
      }
      end = Int(range.upperBound)
      if unsafe String(validating: bytes, as: UTF8.self) == nil {
        faults.append("Text \(place) of \(layout.name) is not UTF-8.")
      }
      if place > 0, unsafe !textBytes(place - 1).lexicographicallyPrecedes(bytes) {
        faults.append("Text \(place) of \(layout.name) stands out of order.")
      }
    }
    if end != layout.textByteCount {
      faults.append("The texts of \(layout.name) end at \(end) of \(layout.textByteCount) bytes.")
    }
  }

  /// Both lists of tags ascend and say the same.
  private func inspectTags(_ faults: inout [String]) {
    guard hasSoundStarts else {
      faults.append("The tags of \(layout.name) do not stand one row's behind the other's.")
      return
    }
    var rowsByTag = [[UInt32]](repeating: [], count: textCount)
    for row in 0..<UInt32(rows) {
      var before: UInt32 = 0
      for place in tags(row) {
        let number = tagNumber(place)
        guard number > before, Int(number) <= textCount else {
          faults.append("The tags of row \(row) in \(layout.name) are out of order or range.")
          return
        }
        rowsByTag[Int(number) - 1].append(row)
        before = number
      }
    }
    for number in rowsByTag.indices where taggedRows(UInt32(number) + 1) != rowsByTag[number] {
      faults.append("The rows of tag \(number) of \(layout.name) are not those that have it.")
      return
    }
  }
}
