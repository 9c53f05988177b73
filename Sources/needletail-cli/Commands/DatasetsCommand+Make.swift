#if Tools
  import ArgumentParser
  import Foundation
  import NeedletailCore
  import NeedletailEvaluation

  extension DatasetsCommand {
    /// The sets that can be made.
    enum Generated: String, ExpressibleByArgument, CaseIterable {
      case mixture
    }

    /// `needletail datasets make`.
    struct Make: ParsableCommand {
      static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Make a set that is generated, the same on every machine.",
        usage: """
          needletail datasets make mixture [--output <dir>] [--rows 2000000]
              [--queries 2000] [--centres 10000] [--seed 42]
              [--threads <n>] [--json]
          """,
        discussion: """
          EXAMPLES
            needletail datasets make mixture
            needletail datasets make mixture --rows 100000 --output small

          mixture: clusters whose sizes follow Zipf's law, each in its own 16 directions of \
          128, with a little noise. Writes base.fbin and query.fbin; the first rows of a large \
          set are the small one. With the numbers above it is 1.02 GB, and its SHA-256 is \
          checked. For exact answers: needletail groundtruth --metric l2.
          """)

      @Argument(help: "The set: mixture.")
      var name: Generated
      @Option(
        help: "The directory to put the files into. (default: cache/<name>, beside the manifests)")
      var output: String?
      @Option(help: "Rows of the base.")
      var rows = 2_000_000
      @Option(help: "Queries, drawn like rows, from another stream.")
      var queries = 2000
      @Option(help: "Clusters, 1 to 100000.")
      var centres = 10_000
      @Option(help: "The seed of everything random.")
      var seed: UInt64 = 42
      @Option(help: "The most threads. (default: the number of cores)")
      var threads: Int?
      @OptionGroup var catalogOptions: CatalogOptions
      @OptionGroup var outputOptions: OutputOptions

      private struct Document: Encodable {
        var name: String
        var directory: String
        var rows: Int
        var queries: Int
        var dimensions: Int
        var metric: String
        var files: [File]
      }

      private struct File: Encodable {
        var path: String
        var sha256: String
        var isChecked: Bool
      }

      func validate() throws {
        if let threads { try Check.threads(threads) }
        for (option, count) in [("--rows", rows), ("--queries", queries)] {
          guard (1...Limits.rowsPerSegment).contains(count) else {
            throw ValidationError(
              "\(option) is \(count); give a number from 1 to \(Limits.rowsPerSegment).")
          }
        }
        guard (1...100_000).contains(centres) else {
          throw ValidationError("--centres is \(centres); give a number from 1 to 100000.")
        }
      }

      func run() throws {
        let directory = try place()
        do {
          try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
          throw CommandFailure(
            .cannotCreate, "\(directory.path) cannot be made: \(error.localizedDescription)")
        }
        let monitor = WorkMonitor()
        let files = try Supervision.run(monitor, unit: "rows") { () throws(NeedletailError) in
          try make(in: directory, monitor)
        }
        if outputOptions.json {
          try JSONOutput.write(
            Document(
              name: name.rawValue, directory: directory.path, rows: rows, queries: queries,
              dimensions: Mixture.dimensions, metric: Metric.squaredEuclidean.rawValue,
              files: files))
          return
        }
        print(Terminal.bold("Made \(directory.path)"))
        print(
          "  \(Wording.rows(rows)) × \(Mixture.dimensions) components, \(Wording.queries(queries))")
        for file in files {
          print("  \(file.path)")
          print("    sha256 \(file.sha256)\(file.isChecked ? ", as it must be" : "")")
        }
      }

      private func place() throws -> URL {
        if let output { return URL(fileURLWithPath: output, isDirectory: true) }
        let catalog = try DatasetCatalog.directory(catalogOptions.directory)
        return catalog.appending(path: "cache/\(name.rawValue)")
      }

      /// Makes the files that are missing; those that are there must be what would be made.
      private func make(
        in directory: URL, _ monitor: WorkMonitor
      ) throws(NeedletailError) -> [File] {
        let threads = threads ?? Check.cores
        let mixture = try Mixture(centres: centres, seed: seed, threads: threads)
        let standard = mixture.standard(rows: rows, queries: queries)
        var files: [File] = []
        for (file, count, stream, expected) in [
          ("base.fbin", rows, Mixture.Stream.base, standard.baseDigest),
          ("query.fbin", queries, .queries, standard.queryDigest),
        ] {
          let path = directory.appending(path: file).path
          let isThere = expected != nil && FileManager.default.fileExists(atPath: path)
          let digest =
            isThere
            ? try Mixture.check(path, expected: expected, monitor: monitor)
            : try mixture.write(
              count, of: stream, to: path, expected: expected, threads: threads, monitor: monitor)
          files.append(File(path: path, sha256: digest, isChecked: expected != nil))
        }
        return files
      }
    }
  }
#endif
