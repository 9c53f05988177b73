#if Tools
  import ArgumentParser
  import Foundation
  import NeedletailCore
  import NeedletailEvaluation
  import NeedletailFormats

  /// `needletail datasets`: the sets that there are, and the way to get them.
  struct DatasetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "datasets",
      abstract: "List the data sets of the field, and fetch them.",
      discussion: """
        EXAMPLES
          needletail datasets list
          needletail datasets fetch sift-128
        """,
      subcommands: [List.self, Fetch.self, Make.self])

    /// Where the manifests are.
    struct CatalogOptions: ParsableArguments {
      @Option(help: "The directory of the manifests. (default: datasets, here or above)")
      var directory: String?
    }

    /// `needletail datasets list`.
    struct List: ParsableCommand {
      static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the data sets that have a manifest.")

      @OptionGroup var catalogOptions: CatalogOptions
      @OptionGroup var outputOptions: OutputOptions

      private struct Document: Encodable {
        var datasets: [Entry]
      }

      private struct Entry: Encodable {
        var manifest: DatasetManifest
        var location: String?

        private enum CodingKeys: String, CodingKey { case manifest, location }

        func encode(to encoder: any Encoder) throws {
          var container = encoder.container(keyedBy: CodingKeys.self)
          try container.encode(manifest, forKey: .manifest)
          try container.encode(location, forKey: .location)
        }
      }

      func run() throws {
        let catalog = try DatasetCatalog(
          try DatasetCatalog.directory(catalogOptions.directory))
        if outputOptions.json {
          try JSONOutput.write(
            Document(
              datasets: catalog.manifests.map {
                Entry(manifest: $0, location: catalog.location(of: $0)?.path)
              }))
          return
        }
        var table = Table(leading: [0, 4])
        table.add(["name", "rows", "dims", "metric", "data"])
        for manifest in catalog.manifests {
          table.add([
            manifest.name, manifest.rows.map { Numerals.grouped($0) } ?? "–",
            manifest.dimensions.map { "\($0)" } ?? "–", manifest.metric.rawValue,
            catalog.location(of: manifest) == nil ? "to fetch" : "here",
          ])
        }
        var lines = table.lines(indent: 0)
        if !lines.isEmpty { lines[0] = Terminal.dim(lines[0]) }
        for line in lines { print(line) }
      }
    }

    /// `needletail datasets fetch`.
    struct Fetch: ParsableCommand {
      static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Fetch the data of one set.",
        usage: """
          needletail datasets fetch <name> [--output <dir>] [--url <address>]
              [--directory <dir>] [--json]
          """,
        discussion: """
          EXAMPLES
            needletail datasets fetch sift-128
            needletail convert datasets/cache/sift-128-euclidean.hdf5 sift-128

          Goes on where an earlier attempt ended, checks the size where the manifest states \
          it, and prints the SHA-256 of what came.
          """)

      @Argument(help: "The set's name; see needletail datasets list.")
      var name: String
      @Option(help: "Where to put the file. (default: cache, beside the manifests)")
      var output: String?
      @Option(help: "Another address to fetch it from.")
      var url: String?
      @OptionGroup var catalogOptions: CatalogOptions
      @OptionGroup var outputOptions: OutputOptions

      private struct Document: Encodable {
        var name: String
        var path: String
        var bytes: Int
        var resumedFromByte: Int
        var sha256: String
        var matchesManifest: Bool?
      }

      func run() throws {
        let catalog = try DatasetCatalog(
          try DatasetCatalog.directory(catalogOptions.directory))
        let manifest = try catalog.manifest(name)
        guard let address = url ?? manifest.url else {
          try reportInTree(catalog, manifest)
          return
        }
        guard let source = URL(string: address), ["http", "https"].contains(source.scheme),
          source.host() != nil
        else {
          throw CommandFailure(.usage, "\(address) is not the address of a web server.")
        }
        guard let file = DatasetCatalog.archiveName(manifest) else {
          throw CommandFailure(.data, "The manifest of \(name) names no file to fetch.")
        }
        let directory =
          output.map { URL(fileURLWithPath: $0, isDirectory: true) }
          ?? catalog.directory.appending(path: "cache")
        do {
          try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
          throw CommandFailure(
            .cannotCreate, "\(directory.path) cannot be made: \(error.localizedDescription)")
        }
        try fetch(source, to: directory.appending(path: file), manifest)
      }

      private func reportInTree(_ catalog: DatasetCatalog, _ manifest: DatasetManifest) throws {
        guard let location = catalog.location(of: manifest) else {
          throw CommandFailure(.data, "The manifest of \(name) has no address; give --url.")
        }
        if outputOptions.json {
          try JSONOutput.write(["name": name, "path": location.path])
        } else {
          print("\(name) is in the tree: \(location.path). There is nothing to fetch.")
        }
      }

      private func fetch(_ source: URL, to file: URL, _ manifest: DatasetManifest) throws {
        let monitor = WorkMonitor()
        let isThere = FileManager.default.fileExists(atPath: file.path)
        let result = Supervision.result(monitor, unit: "B") {
          let outcome =
            isThere
            ? Download.Outcome(bytes: Download.size(file) ?? 0, resumedFrom: 0)
            : try Download(url: source, destination: file, expectedBytes: manifest.bytes)
              .run(monitor)
          return (outcome, try FileDigest.sha256(of: file.path, monitor: monitor))
        }
        let (outcome, digest) = try result.get()
        let matches = manifest.sha256.map { $0.lowercased() == digest }
        if outputOptions.json {
          try JSONOutput.write(
            Document(
              name: name, path: file.path, bytes: outcome.bytes,
              resumedFromByte: outcome.resumedFrom, sha256: digest, matchesManifest: matches))
        } else {
          print(isThere ? "\(file.path) is here already." : "Fetched \(file.path)")
          print("  \(Numerals.grouped(outcome.bytes)) bytes")
          print("  sha256 \(digest)")
          if matches == nil { print("  (the manifest states none to compare with)") }
        }
        if matches == false {
          throw CommandFailure(
            .data,
            "The SHA-256 is not that of the manifest (\(manifest.sha256 ?? "")); remove the file "
              + "and fetch it again.")
        }
      }
    }
  }
#endif
