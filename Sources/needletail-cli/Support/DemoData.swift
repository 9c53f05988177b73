#if Tools
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// The data set of the demo: vectors with a text for each.
  struct DemoData {
    let manifest: DatasetManifest
    let base: VectorMatrix
    let queries: VectorMatrix
    let truth: GroundTruth
    private let directory: URL
    private let texts: [String]

    init(_ directory: URL) throws {
      self.directory = directory
      let manifestFile = directory.appending(path: "dataset.json")
      guard let data = try? Data(contentsOf: manifestFile) else {
        throw CommandFailure(
          .noInput,
          "There is no \(manifestFile.path); run the demo in a clone of Needletail, or give --directory."
        )
      }
      do {
        manifest = try JSONDecoder().decode(DatasetManifest.self, from: data)
      } catch {
        throw CommandFailure(
          .data, "\(manifestFile.path) is not a manifest of a data set: \(Manifests.fault(error)).")
      }
      base = try VectorMatrix(contentsOf: Self.path("base", manifest, directory))
      queries = try VectorMatrix(contentsOf: Self.path("queries", manifest, directory))
      truth = try GroundTruth(contentsOf: Self.path("groundtruth", manifest, directory))
      let textFile = Self.path("texts", manifest, directory)
      guard let text = try? String(contentsOfFile: textFile, encoding: .utf8) else {
        throw CommandFailure(.noInput, "The texts of the demo, \(textFile), cannot be read.")
      }
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      if lines.last == "" { lines.removeLast() }
      texts = lines
      guard texts.count == base.count else {
        throw CommandFailure(
          .data, "\(textFile) has \(texts.count) lines for \(base.count) vectors.")
      }
    }

    /// The place of one of the set's files, by its role.
    func path(_ role: String) -> String { Self.path(role, manifest, directory) }

    private static func path(
      _ role: String, _ manifest: DatasetManifest, _ directory: URL
    ) -> String {
      directory.appending(path: manifest.files?[role] ?? role).path
    }

    /// The package's name, before the colon.
    func name(_ row: Int) -> String {
      texts.indices.contains(row) ? String(texts[row].prefix { $0 != ":" }) : "\(row)"
    }

    /// What the package is, after the colon.
    func description(_ row: Int) -> String {
      guard texts.indices.contains(row) else { return "" }
      let rest = texts[row].drop { $0 != ":" }.dropFirst()
      return String(rest.drop { $0 == " " })
    }

    /// The row of a package.
    func row(of name: String) throws -> Int {
      if let row = texts.indices.first(where: { self.name($0) == name }) { return row }
      let near = texts.indices.filter { self.name($0).contains(name) }.prefix(6).map {
        self.name($0)
      }
      throw CommandFailure(
        .noInput,
        "The sample has no package “\(name)”"
          + (near.isEmpty
            ? "; see \(path("texts")) for those that it has."
            : "; did you mean \(near.joined(separator: ", "))?"))
    }

    /// A few packages that most people know.
    func favourites() -> [Int] {
      let wanted = ["gimp", "nginx", "thunderbird", "python3-numpy"]
      let found = wanted.compactMap { name in texts.indices.first { self.name($0) == name } }
      return found.isEmpty ? Array(0..<min(3, base.count)) : found
    }

    /// The text, with an ellipsis when it is longer than `length`.
    static func clipped(_ text: String, to length: Int) -> String {
      text.count <= length ? text : text.prefix(length - 1) + "…"
    }
  }
#endif
