import Foundation
public import NeedletailCore

extension PerformanceBudget {
  /// Reads a budget from JSON.
  ///
  /// - Throws: everything that is wrong with it, each fault with line, column and path; where the text is no
  ///   JSON, the place at which that shows.
  /// - Complexity: O(n) in the text, which has at most 1 MiB.
  public init(json text: String) throws(InvalidBudget) { try self.init(json: Array(text.utf8)) }

  /// Reads a budget from the bytes of a JSON file.
  ///
  /// - Throws: as `init(json:)` of a text; also for bytes that are not UTF-8.
  public init(json bytes: [UInt8]) throws(InvalidBudget) {
    try self.init(document: try JSONReader.read(bytes))
  }

  /// Reads a JSON file.
  ///
  /// - Throws: `notFound` or `io` when there is nothing to read; `invalidConfiguration` for a file that is no good
  ///   budget, with an `InvalidBudget` as its cause.
  public init(contentsOf path: String) throws(NeedletailError) {
    let bytes = try Self.bytes(of: path)
    do throws(InvalidBudget) {
      try self.init(json: bytes)
    } catch {
      throw Self.refusal(of: path, error)
    }
  }

  /// The budget as JSON: every field, in an order that does not change, so equal budgets give equal texts.
  public var json: String { JSONWriter.pretty(written()) }

  /// The bytes of a file that may be a budget.
  package static func bytes(of path: String) throws(NeedletailError) -> [UInt8] {
    guard FileManager.default.fileExists(atPath: path) else {
      throw NeedletailError(.notFound, "There is no file here.", at: .init(path: path))
    }
    // One byte more than may be there, so that a file without end ends.
    guard let handle = FileHandle(forReadingAtPath: path),
      let data = try? handle.read(upToCount: DocumentLimits.bytes + 1) ?? Data()
    else { throw NeedletailError(.io, "The file cannot be read.", at: .init(path: path)) }
    return Array(data)
  }

  package static func refusal(of path: String, _ error: InvalidBudget) -> NeedletailError {
    NeedletailError(
      .invalidConfiguration,
      error.count == 1 ? "The budget has a fault" : "The budget has \(error.count) faults",
      at: .init(path: path), cause: error)
  }
}
