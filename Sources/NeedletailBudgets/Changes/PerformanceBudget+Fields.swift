extension PerformanceBudget {
  /// The fields of a budget and of all its parts.
  static let known = descriptions

  /// The value of one field.
  ///
  /// - Parameter field: A path, items by name or number: `tiers[peak].p99`, `memory.total`.
  /// - Returns: JSON on one line; `nil` where the field is left out, and for an item that is to be added.
  /// - Throws: the fault of a path that leads nowhere, with the nearest name.
  public func value(of field: String) throws(InvalidBudget) -> String? {
    var document = written()
    let path = try FieldPath(field)
    return try Self.edit(&document, path, path.steps[...], Self.known) { (node) in node }
      .map(JSONWriter.compact)
  }

  /// The budget with another value for one field.
  ///
  /// - Parameters:
  ///   - field: A path, as for `value(of:)`. A plus adds an item to a list: `tenants[+mail]`; a name that is not
  ///     there is a fault without it.
  ///   - value: JSON; what is no JSON counts as a text, so that `300ms` need not be in quotes. `null` takes the
  ///     value, or the item of a list, away.
  /// - Returns: a budget that is as well checked as any.
  /// - Throws: the fault of the path, or everything that would be wrong with the budget then.
  public func setting(_ field: String, to value: String) throws(InvalidBudget) -> PerformanceBudget
  {
    var document = written()
    let path = try FieldPath(field)
    let new = Self.node(of: value)
    _ = try Self.edit(&document, path, path.steps[...], Self.known) { _ in
      if case .null = new.value { return nil }
      return new
    }
    return try PerformanceBudget(document: document)
  }

  /// What `setting(_:to:)` takes a value for, as JSON on one line; `nil` for `null`.
  package static func json(of value: String) -> String? {
    let node = node(of: value)
    if case .null = node.value { return nil }
    return JSONWriter.compact(node)
  }

  /// What a person means by a word of a command line.
  private static func node(of value: String) -> DocumentNode {
    (try? JSONReader.read(Array(value.utf8))) ?? .text(value)
  }

  /// Walks to a field, and puts what `change` makes of its value into its place.
  ///
  /// - Returns: the value that was there.
  private static func edit(
    _ node: inout DocumentNode, _ path: FieldPath, _ steps: ArraySlice<FieldPath.Step>,
    _ known: [FieldDescription], _ change: (DocumentNode?) -> DocumentNode?
  ) throws(InvalidBudget) -> DocumentNode? {
    guard let step = steps.first else { return nil }
    switch step {
    case .key(let key):
      guard let field = known.first(where: { $0.key == key }) else {
        let names = known.map(\.key)
        let advice = nearest(to: key, among: names).map { "Did you mean “\($0)”?" }
        throw path.fault(
          "There is no field \(quoted(key))",
          advice
            ?? (names.isEmpty
              ? "What is before it has no fields." : "Known are \(names.joined(separator: ", ")).")
        )
      }
      var entries = node.entries ?? []
      let place = entries.firstIndex { $0.key == key }
      var value = place.map { entries[$0].node }
      let old = try Self.edit(
        &value, whenMissing: field.children.isEmpty ? nil : .object([]), path, steps, field, change)
      if let place { entries.remove(at: place) }
      if let value { entries.insert(.init(key, value), at: place ?? entries.count) }
      node.value = .object(entries)
      return old
    case .item(let item):
      guard var items = node.items else {
        throw path.fault("There is no list before [\(shortened(item))]", "Leave the brackets out.")
      }
      guard let place = node.index(of: item) else {
        throw path.fault(
          "There is no \(Self.word(before: steps, in: path)) \(quoted(item))",
          Self.missingItem(item, items.compactMap(\.itemName)))
      }
      var value: DocumentNode? = items[place]
      let field = FieldDescription(key: item, tightening: .neither, example: "", children: known)
      let old = try Self.edit(&value, whenMissing: nil, path, steps, field, change)
      if let value { items[place] = value } else { items.remove(at: place) }
      node.value = .list(items)
      return old
    case .newItem(let name):
      guard let items = node.items, steps.count == 1 else {
        throw path.fault(
          "Nothing can be added here", "Add a whole item to a list: tenants[+mail], and its value.")
      }
      guard !items.contains(where: { $0.itemName == name }) else {
        throw path.fault(
          "There is \(quoted(name)) already", "Leave the plus out to change it.")
      }
      guard var value = change(nil) else { return nil }
      if !name.isEmpty, var entries = value.entries, value.itemName == nil {
        entries.insert(.init("name", .text(name)), at: 0)
        value.value = .object(entries)
      }
      node.value = .list(items + [value])
      return nil
    }
  }

  /// What an item of a list is called: `tier` in `tiers`.
  private static func word(
    before steps: ArraySlice<FieldPath.Step>, in path: FieldPath
  ) -> String {
    guard case .key(let key)? = path.steps[..<steps.startIndex].last else { return "item" }
    return key.hasSuffix("s") ? String(key.dropLast()) : key
  }

  /// What to write instead of an item that a list does not have.
  private static func missingItem(_ item: String, _ names: [String]) -> String {
    if let near = nearest(to: item, among: names) { return "Did you mean “\(near)”?" }
    let known =
      names.isEmpty ? "" : "There are \(names.prefix(8).map(quoted).joined(separator: ", ")). "
    return known + "To add it, write [+\(shortened(item))]."
  }

  /// As above, of a value that may be missing.
  private static func edit(
    _ value: inout DocumentNode?, whenMissing substitute: DocumentNode.Value?, _ path: FieldPath,
    _ steps: ArraySlice<FieldPath.Step>, _ field: FieldDescription,
    _ change: (DocumentNode?) -> DocumentNode?
  ) throws(InvalidBudget) -> DocumentNode? {
    let rest = steps.dropFirst()
    guard !rest.isEmpty else {
      let old = value
      value = change(old)
      return old
    }
    let wasMissing = value == nil
    guard var inner = value ?? substitute.map({ DocumentNode($0) }) else {
      throw path.fault(
        "There is nothing called \(quoted(field.key))",
        "`needletail budget explain` shows what there is.")
    }
    let old = try edit(&inner, path, rest, field.children, change)
    if wasMissing, inner.entries?.isEmpty ?? false { return old }
    value = inner
    return old
  }
}
