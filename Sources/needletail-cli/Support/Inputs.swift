#if Tools
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation
  import NeedletailFormats

  /// Opens what a command reads, so that every failure names the file and says what is wrong with it.
  enum Inputs {
    /// The vectors of a file.
    static func vectors(_ path: String) throws -> VectorMatrix {
      try refuseDirectory(path, wanted: "a file of vectors")
      return try VectorMatrix(contentsOf: path)
    }

    /// What the vectors of a file are to a command.
    enum Role: String {
      case queries, rows

      /// One of them, at the beginning of a sentence.
      var one: String { self == .queries ? "Query" : "Row" }
    }

    /// The vectors of a file of queries, or of rows to be written, every one of them fit for that.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - metric: What is asked of them.
    ///   - dimensions: The components that they need.
    ///   - noun: What has as many: `index` or `base`.
    ///   - role: What errors call them.
    /// - Returns: At least one vector.
    /// - Throws: 65 with the row for what cannot be searched or written, and as `vectors`.
    static func queries(
      _ path: String, metric: Metric, dimensions: Int, of noun: String = "index",
      called role: Role = .queries
    ) throws -> VectorMatrix {
      let matrix = try vectors(path)
      guard matrix.count > 0 else {
        throw CommandFailure(.data, "\(path) holds no \(role.rawValue); give at least one.")
      }
      guard matrix.dimensions == dimensions else {
        throw CommandFailure(
          .data,
          "The \(role.rawValue) of \(path) have \(matrix.dimensions) components; the \(noun) has "
            + "\(dimensions).")
      }
      for row in 0..<matrix.count {
        try check(matrix[row], row: row, metric: metric, path: path, role)
      }
      return matrix
    }

    /// The rows of a ground truth.
    static func groundTruth(_ path: String) throws -> GroundTruth {
      try refuseDirectory(path, wanted: "a file of row numbers")
      return try GroundTruth(contentsOf: path)
    }

    /// The current generation of an index.
    static func index(_ path: String) throws -> Snapshot { try openedIndex(path).snapshot() }

    /// Opens an index directory, to search it or to serve from it.
    static func openedIndex(_ path: String) throws -> VectorIndex {
      try refuseWhatIsNoIndex(path)
      return try VectorIndex.open(at: path)
    }

    /// Tells a damaged index (65) from what is no index at all (66).
    static func refuseWhatIsNoIndex(_ path: String) throws(CommandFailure) {
      guard let isDirectory = isDirectory(path) else {
        throw CommandFailure(.noInput, "There is no index at \(path).")
      }
      guard isDirectory else {
        throw CommandFailure(.noInput, "\(path) is a file; an index is a directory.")
      }
      guard self.isDirectory(path + "/CURRENT") == nil else { return }
      if ["segments", "generations"].contains(where: { self.isDirectory(path + "/" + $0) == true })
      {
        throw CommandFailure(
          .data,
          "\(path) looks like an index, but its file CURRENT is missing. Restore it from a copy, or "
            + "build it again.")
      }
      throw CommandFailure(.noInput, "\(path) holds no index: it has no file CURRENT.")
    }

    static func refuseDirectory(_ path: String, wanted: String) throws(CommandFailure) {
      if isDirectory(path) == true {
        throw CommandFailure(.data, "\(path) is a directory; give \(wanted).")
      }
    }

    /// Nil when there is nothing at all.
    static func isDirectory(_ path: String) -> Bool? {
      var isDirectory: ObjCBool = false
      // SAFETY: the call writes one flag.
      let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      return exists ? isDirectory.boolValue : nil
    }

    /// The rule of the search for one query, which is that of writing for one row.
    private static func check(
      _ query: [Float], row: Int, metric: Metric, path: String, _ role: Role
    ) throws(NeedletailError) {
      var norm = 0.0
      for component in query { norm += Double(component) * Double(component) }
      let place = NeedletailError.Location(path: path, section: "row \(row)")
      guard norm.isFinite else {
        let component = query.firstIndex { !$0.isFinite } ?? 0
        throw NeedletailError(
          .nonFiniteComponent,
          "\(role.one) \(row), component \(component) is \(query[component]); remove the row or mend its "
            + "source.", at: place)
      }
      if metric == .cosine {
        guard norm > 0 else {
          throw NeedletailError(
            .zeroVector,
            "\(role.one) \(row) is all zeros; it has no direction, so no cosine. Leave it out.",
            at: place
          )
        }
      } else if norm > Double(Float.greatestFiniteMagnitude) {
        throw NeedletailError(
          .nonFiniteComponent,
          "\(role.one) \(row) has a squared norm of \(norm), beyond Float; scale the vectors down.",
          at: place)
      }
    }

    /// Names the file in errors about its contents.
    ///
    /// The options were checked before: what rows do not allow is then a fault of the rows.
    static func blaming<Value>(
      _ path: String, _ body: () throws(NeedletailError) -> Value
    ) throws(NeedletailError) -> Value {
      do throws(NeedletailError) {
        return try body()
      } catch {
        throw blame(error, on: path)
      }
    }

    static func blame(_ error: NeedletailError, on path: String) -> NeedletailError {
      var error = error
      if error.code == .invalidConfiguration {
        error.code = .capacityExceeded
        error.location = .init(path: path)
      }
      error.location = error.location ?? .init(path: path)
      return error
    }
  }
#endif
