/// A field as people name it: `tiers[peak].p99`, or `tiers[1].p99`; `tenants[+mail]` is an item that is to be added.
struct FieldPath {
  /// One step of it.
  enum Step: Hashable {
    case key(String)
    /// What stands in brackets: the name of an item, or its number.
    case item(String)
    /// What stands in brackets behind a plus: the name of an item that is added; empty for one without a name.
    case newItem(String)
  }

  let text: String
  let steps: [Step]

  /// Reads a path.
  ///
  /// - Throws: the fault of a text that is none.
  init(_ text: String) throws(InvalidBudget) {
    self.text = shortened(text)
    var steps: [Step] = []
    var word = ""
    var isItem = false
    var isGood = text.utf8.count <= 1_024 && !text.unicodeScalars.contains(where: isControl)
    func end(_ step: Step) { steps.append(step) }
    for character in text {
      switch character {
      case "[" where !isItem:
        if !word.isEmpty { end(.key(word)) }
        isGood = isGood && !(word.isEmpty && steps.isEmpty)
        word = ""
        isItem = true
      case "]" where isItem:
        isGood = isGood && !word.isEmpty
        end(word.hasPrefix("+") ? .newItem(String(word.dropFirst())) : .item(word))
        word = ""
        isItem = false
      case "." where !isItem:
        if word.isEmpty {
          // Only behind brackets.
          if case .key = steps.last ?? .key("") { isGood = false }
        } else {
          end(.key(word))
        }
        word = ""
      default: word.append(character)
      }
    }
    if !word.isEmpty { end(.key(word)) }
    guard isGood, !isItem, !steps.isEmpty, steps.count <= DocumentLimits.depth,
      text.last != "."
    else {
      throw InvalidBudget([
        BudgetFault(
          path: self.text, problem: "This is no path to a field",
          advice: "Write one like tiers[peak].p99, memory.total or ladder.rungs.")
      ])
    }
    self.steps = steps
  }

  /// The fault of a path that leads nowhere.
  func fault(_ problem: String, _ advice: String) -> InvalidBudget {
    InvalidBudget([BudgetFault(path: text, problem: problem, advice: advice)])
  }
}

extension DocumentNode {
  /// The text that names an item in a path: its name, or nothing.
  var itemName: String? { self["name"]?.string }

  /// The place of an item in a list, by its name or its number.
  func index(of item: String) -> Int? {
    guard let items else { return nil }
    if let named = items.firstIndex(where: { $0.itemName == item }) { return named }
    return Int(item).flatMap { items.indices.contains($0) ? $0 : nil }
  }
}
