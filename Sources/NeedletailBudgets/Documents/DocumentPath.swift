/// The way from the top of a document to one of its values: `tiers[1].p99`.
package struct DocumentPath: Sendable, Hashable, CustomStringConvertible {
  package var steps: [Step] = []

  /// One step of the way.
  package enum Step: Sendable, Hashable {
    case key(String)
    case index(Int)
  }

  package init(_ steps: [Step] = []) { self.steps = steps }

  package func appending(_ key: String) -> DocumentPath { DocumentPath(steps + [.key(key)]) }
  package func appending(_ index: Int) -> DocumentPath { DocumentPath(steps + [.index(index)]) }

  package var description: String {
    var text = ""
    for step in steps {
      switch step {
      case .key(let key):
        if !text.isEmpty { text += "." }
        text += shortened(key)
      case .index(let index): text += "[\(index)]"
      }
    }
    return text
  }
}

/// A text of a document as it may stand in a message: in quotes, not long, on one line.
package func quoted(_ text: String) -> String { "“\(shortened(text))”" }

/// At most 48 characters, and none that a terminal takes for a command.
package func shortened(_ text: String) -> String {
  let short = printable(String(text.unicodeScalars.prefix(48)))
  return text.unicodeScalars.count > 48 ? short + "…" : short
}

/// The text on one line, with a mark in place of each character that a terminal takes for a command.
package func printable(_ text: String) -> String {
  var plain = ""
  for scalar in text.unicodeScalars {
    plain.unicodeScalars.append(isControl(scalar) ? "\u{fffd}" : scalar)
  }
  return plain
}

/// Whether a character steers what shows it: the controls of C0 and C1, and what ends a line or a paragraph.
package func isControl(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0..<0x20, 0x7f...0x9f, 0x2028, 0x2029: true
  default: false
  }
}

/// The known word that was probably meant, for a word that is not known.
///
/// - Complexity: O(n·m) in the lengths; words of more than 48 characters have no near one.
package func nearest(to word: String, among known: [String]) -> String? {
  let wanted = Array(word.lowercased().unicodeScalars.prefix(49))
  guard wanted.count <= 48 else { return nil }
  var best: (word: String, distance: Int)?
  for candidate in known {
    let other = Array(candidate.lowercased().unicodeScalars)
    let distance = editDistance(wanted, other)
    // Two letters that changed places are two replacements.
    guard distance <= (wanted.count < 4 ? 1 : max(2, wanted.count / 3)) else { continue }
    if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
  }
  return best?.word
}

/// Insertions, removals and replacements that turn one word into another.
private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  var row = Array(0...b.count)
  for (i, scalar) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in b.enumerated() {
      let replaced = diagonal + (scalar == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}
