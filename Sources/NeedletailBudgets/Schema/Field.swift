/// Which way a number must go to ask more of the service.
package enum Tightening: Sendable { case lower, higher, neither }

/// One field of a record of the budget: its key in the file, how it is read, checked and written.
///
/// A record names its fields once, in the order in which they are written. Reading, writing, checking, comparing
/// and the advice for unknown keys all go by that.
package struct Field<Root: Sendable>: Sendable {
  package let key: String
  package let isRequired: Bool
  package let tightening: Tightening
  package let children: @Sendable () -> [FieldDescription]
  package let read: @Sendable (inout Root, DocumentNode, DocumentPath, inout FaultList) -> Void
  package let write: @Sendable (Root) -> DocumentNode?
  package let check: @Sendable (Root, DocumentPath, inout FaultList) -> Void
  package let example: String

  /// A field that always has a value.
  package init<Value>(
    _ key: String, _ place: any WritableKeyPath<Root, Value> & Sendable, _ form: Form<Value>,
    isRequired: Bool = false, tighter tightening: Tightening = .neither
  ) {
    self.key = key
    self.isRequired = isRequired
    self.tightening = tightening
    example = form.example
    children = form.children
    read = { root, node, path, faults in
      if let value = form.read(node, path, &faults) { root[keyPath: place] = value }
    }
    write = { form.write($0[keyPath: place]) }
    check = { form.check($0[keyPath: place], $1, &$2) }
  }

  /// A field that may be left out; `null` is the same.
  package init<Value>(
    _ key: String, _ place: any WritableKeyPath<Root, Value?> & Sendable, _ form: Form<Value>,
    tighter tightening: Tightening = .neither
  ) {
    self.key = key
    isRequired = false
    self.tightening = tightening
    example = form.example
    children = form.children
    read = { root, node, path, faults in
      if case .null = node.value { return }
      if let value = form.read(node, path, &faults) { root[keyPath: place] = value }
    }
    write = { $0[keyPath: place].map(form.write) }
    check = { root, path, faults in
      if let value = root[keyPath: place] { form.check(value, path, &faults) }
    }
  }
}

/// What is known of a field without its record: for comparing and for explaining.
package struct FieldDescription: Sendable {
  package var key: String
  package var tightening: Tightening
  package var example: String
  package var children: [FieldDescription]
}

/// A part of the budget that is an object in the file.
package protocol BudgetRecord: Sendable {
  /// What reading starts from: defaults, and empty values for what is required.
  static var blank: Self { get }
  /// The fields, in the order in which they are written.
  static var fields: [Field<Self>] { get }
  /// The field that a single value stands for: `"90%"` instead of `{"load": "90%"}`.
  static var shorthand: String? { get }
  /// Fills in, after reading, what follows from other fields, and refuses fields that do not go together.
  mutating func complete(
    given keys: Set<String>, _ path: DocumentPath, _ faults: inout FaultList)
}

extension BudgetRecord {
  package static var shorthand: String? { nil }
  package mutating func complete(
    given keys: Set<String>, _ path: DocumentPath, _ faults: inout FaultList
  ) {}

  package static var descriptions: [FieldDescription] {
    fields.map {
      FieldDescription(
        key: $0.key, tightening: $0.tightening, example: $0.example, children: $0.children())
    }
  }

  /// Reads an object; every fault is added, and a value comes back in any case.
  package static func read(
    _ node: DocumentNode, _ path: DocumentPath, _ faults: inout FaultList
  ) -> Self {
    let fields = Self.fields
    var node = node
    if let shorthand, node.entries == nil, node.items == nil {
      node = DocumentNode(.object([.init(shorthand, node)]), at: node.position)
    }
    guard let entries = node.entries else {
      let keys = fields.map { "“\($0.key)”" }.joined(separator: ", ")
      faults.add(
        path, at: node.position, "An object is wanted, and this is \(node.kind)",
        "Write one with the keys \(keys).")
      return blank
    }
    var given: [String: DocumentNode] = [:]
    for entry in entries {
      let place = path.appending(entry.key)
      if !fields.contains(where: { $0.key == entry.key }) {
        faults.add(
          place, at: entry.keyPosition, "There is no such key",
          unknownKey(entry.key, fields.map(\.key)))
      } else if given.updateValue(entry.node, forKey: entry.key) != nil {
        faults.add(
          place, at: entry.keyPosition, "The key stands here a second time", "Keep one of them.")
      }
    }
    var record = blank
    for field in fields {
      guard let value = given[field.key] else { continue }
      field.read(&record, value, path.appending(field.key), &faults)
    }
    for field in fields where field.isRequired && given[field.key] == nil {
      faults.add(
        path.appending(field.key), at: node.position, "It is missing",
        "Write “\(field.key)”: \(field.example).")
    }
    record.complete(given: Set(given.keys), path, &faults)
    return record
  }

  private static func unknownKey(_ key: String, _ known: [String]) -> String {
    if let near = nearest(to: key, among: known) { return "Did you mean “\(near)”?" }
    return "Known are " + known.map { "“\($0)”" }.joined(separator: ", ") + "."
  }

  package func written() -> DocumentNode {
    .object(Self.fields.map { ($0.key, $0.write(self)) })
  }

  /// Checks every field by itself.
  package func checkFields(_ path: DocumentPath, _ faults: inout FaultList) {
    for field in Self.fields { field.check(self, path.appending(field.key), &faults) }
  }
}
