import Foundation

/// The Swift examples of a document of the tree, which stand in the source of a test as well: when that compiles, they
/// do.
package struct DocumentedExamples {
  /// Every block of one language, as it stands in the document.
  package let blocks: [String]

  /// Reads a document, which is named from the top of the tree.
  package init(of path: String, in language: String = "swift") throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    blocks = text.components(separatedBy: "```\(language)\n").dropFirst().compactMap {
      $0.components(separatedBy: "```").first
    }
  }

  /// The blocks that do not stand line by line in a source file; indents, empty lines and imports do not count.
  package func missing(in source: String = #filePath) throws -> [String] {
    let whole = Self.plain(try String(contentsOf: URL(fileURLWithPath: source), encoding: .utf8))
    return blocks.filter { !whole.contains(Self.plain($0)) }
  }

  private static func plain(_ text: String) -> String {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("import ") }.joined(separator: "\n")
  }
}
