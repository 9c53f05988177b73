#if Tools
  import Foundation
  import NeedletailCore

  /// A data set as its manifest describes it; nobody could verify what is nil.
  struct DatasetManifest: Codable {
    var name: String
    var title: String?
    var metric: Metric
    var rows: Int?
    var queries: Int?
    var dimensions: Int?
    var files: [String: String]?
    var url: String?
    var bytes: Int?
    var sha256: String?
    var license: String?
    var homepage: String?
    var citation: String?
    var notes: String?
  }

  extension DatasetManifest {
    /// Writes every field; null stands for what nobody could verify.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encode(title, forKey: .title)
      try container.encode(metric, forKey: .metric)
      try container.encode(rows, forKey: .rows)
      try container.encode(queries, forKey: .queries)
      try container.encode(dimensions, forKey: .dimensions)
      try container.encode(files, forKey: .files)
      try container.encode(url, forKey: .url)
      try container.encode(bytes, forKey: .bytes)
      try container.encode(sha256, forKey: .sha256)
      try container.encode(license, forKey: .license)
      try container.encode(homepage, forKey: .homepage)
      try container.encode(citation, forKey: .citation)
      try container.encode(notes, forKey: .notes)
    }
  }

  /// What is wrong with a file that should be a manifest.
  enum Manifests {
    static func fault(_ error: any Error) -> String {
      guard let error = error as? DecodingError else { return "it cannot be read" }
      switch error {
      case .keyNotFound(let key, _): return "it has no “\(key.stringValue)”"
      case .typeMismatch(_, let context), .valueNotFound(_, let context):
        return "its “\(place(context))” is of another kind"
      case .dataCorrupted(let context) where !context.codingPath.isEmpty:
        return "its “\(place(context))” has a value that is not known"
      default: return "it is not JSON"
      }
    }

    private static func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return path.isEmpty ? "document" : path
    }
  }

  /// The manifests of a `datasets` directory.
  struct DatasetCatalog {
    /// The directory of the manifests.
    let directory: URL
    /// By name.
    let manifests: [DatasetManifest]

    /// The directory that is used when none is named: `datasets` here, or above here.
    static func directory(_ given: String?) throws(CommandFailure) -> URL {
      if let given {
        guard isDirectory(given) else {
          throw CommandFailure(.noInput, "There is no directory \(given) with data sets.")
        }
        return URL(fileURLWithPath: given, isDirectory: true)
      }
      var place = URL(
        fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true)
      for _ in 0..<16 {
        let candidate = place.appending(path: "datasets")
        if isDirectory(candidate.path) { return candidate }
        guard place.path != "/" else { break }
        place = place.deletingLastPathComponent()
      }
      throw CommandFailure(
        .noInput,
        "There is no directory datasets here; run this in a clone of Needletail, or give --directory."
      )
    }

    private static func isDirectory(_ path: String) -> Bool {
      var isDirectory: ObjCBool = false
      // SAFETY: the call writes one flag.
      let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      return exists && isDirectory.boolValue
    }

    init(_ directory: URL) throws(CommandFailure) {
      self.directory = directory
      let names: [String]
      do {
        names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
      } catch {
        throw CommandFailure(.noInput, "\(directory.path) cannot be read.")
      }
      var found: [DatasetManifest] = []
      for name in names {
        let path = name.hasSuffix(".json") ? name : name + "/dataset.json"
        let url = directory.appending(path: path)
        guard let data = try? Data(contentsOf: url) else { continue }
        do {
          found.append(try JSONDecoder().decode(DatasetManifest.self, from: data))
        } catch {
          Terminal.writeError(
            "needletail: \(url.path) is not a manifest of a data set, and is left out: "
              + "\(Manifests.fault(error)).\n")
        }
      }
      manifests = found.sorted { $0.name < $1.name }
    }

    func manifest(_ name: String) throws(CommandFailure) -> DatasetManifest {
      if let manifest = manifests.first(where: { $0.name == name }) { return manifest }
      throw CommandFailure(
        .noInput,
        "There is no data set “\(name)”; known are \(manifests.map(\.name).joined(separator: ", "))."
      )
    }

    /// Where the data of a set are, when they are there: in the tree, or fetched.
    func location(of manifest: DatasetManifest) -> URL? {
      let inTree = directory.appending(path: manifest.name)
      let manager = FileManager.default
      if manager.fileExists(atPath: inTree.appending(path: "dataset.json").path) { return inTree }
      guard let name = Self.archiveName(manifest) else { return nil }
      let fetched = directory.appending(path: "cache").appending(path: name)
      return manager.fileExists(atPath: fetched.path) ? fetched : nil
    }

    /// The name of the one file that is fetched.
    static func archiveName(_ manifest: DatasetManifest) -> String? {
      let name =
        manifest.files?["archive"] ?? manifest.url.flatMap { URL(string: $0)?.lastPathComponent }
      guard let name, !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
        return nil
      }
      return name
    }
  }
#endif
