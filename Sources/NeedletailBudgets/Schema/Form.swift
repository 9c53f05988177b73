/// How a value stands in a file: read, checked and written in one place.
package struct Form<Value: Sendable>: Sendable {
  /// Adds a fault and gives `nil` for what cannot be read at all; sizes are left to `check`.
  package let read: @Sendable (DocumentNode, DocumentPath, inout FaultList) -> Value?
  package let write: @Sendable (Value) -> DocumentNode
  /// Adds a fault for what is read well and may not be, however the value was made.
  package let check: @Sendable (Value, DocumentPath, inout FaultList) -> Void
  /// What one may write, for advice.
  package let example: String
  package var children: @Sendable () -> [FieldDescription] = { [] }

  /// A form of a single value.
  private init(
    example: String, wanted: String, parse: @escaping @Sendable (DocumentNode) -> Value?,
    write: @escaping @Sendable (Value) -> DocumentNode,
    problem: @escaping @Sendable (Value) -> (problem: String, advice: String)?
  ) {
    self.example = example
    self.write = write
    read = { node, path, faults in
      if let value = parse(node) { return value }
      faults.add(
        path, at: node.position, "\(wanted) is wanted, and this is \(node.kind)",
        "Write one like \(example).")
      return nil
    }
    check = { value, path, faults in
      guard let found = problem(value) else { return }
      faults.add(rule: path, found.problem, found.advice)
    }
  }

  private init(
    example: String,
    read: @escaping @Sendable (DocumentNode, DocumentPath, inout FaultList) -> Value?,
    write: @escaping @Sendable (Value) -> DocumentNode,
    check: @escaping @Sendable (Value, DocumentPath, inout FaultList) -> Void,
    children: @escaping @Sendable () -> [FieldDescription]
  ) {
    self.example = example
    self.read = read
    self.write = write
    self.check = check
    self.children = children
  }
}

extension Form where Value == Duration {
  /// A time with its unit.
  package static func duration(
    _ range: ClosedRange<Duration>, example: String = "\"150ms\""
  ) -> Form {
    Form(
      example: example, wanted: "A time with its unit (ns, us, ms, s, m, h, d)",
      parse: { $0.string.flatMap(Units.duration) }, write: { .text(Units.text($0)) },
      problem: { value in
        if Units.nanoseconds(value) == nil {
          return ("\(value) is no whole number of nanoseconds", "Write one like \(example).")
        }
        if range.contains(value) { return nil }
        let bounds = "\(Units.text(range.lowerBound)) to \(Units.text(range.upperBound))"
        return ("\(Units.text(value)) is out of range", "It is \(bounds).")
      })
  }
}

extension Form where Value == Int {
  /// A whole number.
  package static func whole(_ range: ClosedRange<Int>, example: Int) -> Form {
    Form(
      example: "\(example)", wanted: "A whole number",
      parse: { node in
        guard case .number(let text) = node.value else { return nil }
        return Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
      }, write: { .number($0) },
      problem: { value in
        range.contains(value)
          ? nil
          : ("\(value) is out of range", "It is \(range.lowerBound) to \(range.upperBound).")
      })
  }

  /// Bytes, with or without a unit.
  package static var bytes: Form {
    Form(
      example: "\"512MiB\"", wanted: "A size in bytes, or with a unit (kB, KiB, MB, MiB, GB, GiB)",
      parse: { node in
        switch node.value {
        case .text(let text): Units.bytes(text)
        case .number(let text): Units.bytes(text)
        default: nil
        }
      }, write: { .text(Units.text(bytes: $0)) },
      problem: { value in
        value > 0 ? nil : ("\(value) bytes are no ceiling", "Write more, or leave the key out.")
      })
  }
}

extension Form where Value == Double {
  /// A share: `"95%"` or `0.95`.
  package static func share(_ range: ClosedRange<Double>, example: String = "\"95%\"") -> Form {
    Form(
      example: example, wanted: "A share",
      parse: { node in
        switch node.value {
        case .text(let text): Units.share(text)
        case .number(let text): Double(text)
        default: nil
        }
      },
      write: { share in
        let text = Units.text(share: share)
        return text.hasSuffix("%") ? .text(text) : DocumentNode(.number(text))
      },
      problem: { value in
        if range.contains(value) { return nil }
        let lower = Units.text(share: range.lowerBound)
        let bounds = "It is \(lower) to \(Units.text(share: range.upperBound))"
        // The usual slip: a percentage without its sign.
        guard value > range.upperBound, value <= 100 * range.upperBound else {
          return ("\(value) is out of range", "\(bounds).")
        }
        return (
          "\(Units.text(share: value)) is out of range",
          "\(bounds); for \(value) percent write “\(Units.text(share: value / 100))”."
        )
      })
  }

  /// A number that need not be whole.
  package static func number(_ range: ClosedRange<Double>, example: String) -> Form {
    Form(
      example: example, wanted: "A number",
      parse: { node in
        guard case .number(let text) = node.value else { return nil }
        return Double(text)
      },
      write: { value in
        // Whole numbers without a fraction; they read back the same.
        Int(exactly: value).map { .number($0) } ?? DocumentNode(.number("\(value)"))
      },
      problem: { value in
        range.contains(value)
          ? nil : ("\(value) is out of range", "It is \(range.lowerBound) to \(range.upperBound).")
      })
  }
}

extension Form where Value == Bool {
  /// `true` or `false`.
  package static var flag: Form {
    Form(
      example: "true", wanted: "true or false",
      parse: { node in
        guard case .flag(let flag) = node.value else { return nil }
        return flag
      }, write: { DocumentNode(.flag($0)) }, problem: { _ in nil })
  }
}

extension Form where Value == String {
  /// A text of 1 to 200 characters on one line.
  package static func text(example: String) -> Form {
    Form(
      example: "\"\(example)\"", wanted: "A text", parse: \.string, write: { .text($0) },
      problem: { value in
        let isPlain = !value.unicodeScalars.contains(where: isControl)
        return value.unicodeScalars.contains { $0 != " " } && value.utf8.count <= 200 && isPlain
          ? nil
          : ("\(quoted(value)) will not do", "Write 1 to 200 bytes of text on one line.")
      })
  }

  /// A name that paths and metrics can carry.
  package static func name(example: String) -> Form {
    Form(
      example: "\"\(example)\"", wanted: "A name", parse: \.string, write: { .text($0) },
      problem: { value in
        isName(value)
          ? nil
          : (
            "\(quoted(value)) is no name",
            "Write 1 to 64 letters, digits, dots, dashes or underscores, a letter or digit first."
          )
      })
  }
}

/// Whether a word may be a name: at most 64 letters, digits and `._-` of ASCII.
package func isName(_ word: String) -> Bool {
  let bytes = Array(word.utf8)
  func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
  }
  guard (1...64).contains(bytes.count), isLetterOrDigit(bytes[0]) else { return false }
  return bytes.allSatisfy { isLetterOrDigit($0) || [0x2d, 0x2e, 0x5f].contains($0) }
}

extension Form where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of a few words.
  package static var choice: Form {
    let words = Value.allCases.map(\.rawValue)
    let example = "\"\(words.first ?? "")\""
    return Form(
      example: example,
      read: { node, path, faults in
        if let value = node.string.flatMap(Value.init(rawValue:)) { return value }
        let near = node.string.flatMap { nearest(to: $0, among: words) }
        faults.add(
          path, at: node.position, "\(node.kind) is not one of the words that are known here",
          near.map { "Did you mean “\($0)”?" }
            ?? "Write one of \(words.map { "“\($0)”" }.joined(separator: ", ")).")
        return nil
      }, write: { .text($0.rawValue) }, check: { _, _, _ in }, children: { [] })
  }
}

extension Form where Value: BudgetRecord {
  /// An object.
  package static var record: Form {
    Form(
      example: "{…}", read: { Value.read($0, $1, &$2) }, write: { $0.written() },
      check: { $0.checkFields($1, &$2) }, children: { Value.descriptions })
  }
}

extension Form {
  /// A list of values; what cannot be read is left out of it.
  package static func list<Item>(_ item: Form<Item>, atMost limit: Int) -> Form<[Item]>
  where Value == [Item] {
    Form<[Item]>(
      example: "[\(item.example)]",
      read: { node, path, faults in
        guard let items = node.items else {
          faults.add(
            path, at: node.position, "A list is wanted, and this is \(node.kind)",
            "Write [\(item.example)].")
          return nil
        }
        guard items.count <= limit else {
          faults.add(
            path, at: node.position, "The list has \(items.count) items", "Write at most \(limit).")
          return nil
        }
        let values = items.enumerated().map {
          item.read($1, path.appending($0), &faults)
        }
        // A list that lost items has other numbers than the text: rules are then left for the next time.
        let read = values.compactMap { $0 }
        return read.count == values.count ? read : nil
      },
      write: { .list($0.map(item.write)) },
      check: { values, path, faults in
        if values.count > limit {
          faults.add(rule: path, "The list has \(values.count) items", "Give at most \(limit).")
          return
        }
        for (index, value) in values.enumerated() {
          item.check(value, path.appending(index), &faults)
        }
      }, children: item.children)
  }
}
