#if Tools
  import ArgumentParser
  import Foundation
  import NeedletailCore
  import NeedletailEvaluation
  import NeedletailFormats

  /// `needletail convert`: from one file format into another, losing nothing.
  struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "convert",
      abstract: "Convert vectors or row numbers from one file format into another.",
      discussion: """
        EXAMPLES
          needletail convert sift_base.bvecs base.u8bin
          needletail convert base.fbin base.npy --element f16
          needletail convert sift_groundtruth.ivecs truth.ibin
          needletail convert sift-128-euclidean.hdf5 sift-128

        The endings tell the formats. A conversion that would lose something is refused. \
        HDF5 files of ann-benchmarks become a directory with base.fbin, queries.fbin, \
        groundtruth.ibin and dataset.json; that needs a build with libhdf5:
          swift build -c release --traits Tools,HDF5
        """)

    /// The components of an output that can hold several kinds.
    enum Element: String, CaseIterable, ExpressibleByArgument {
      case f32, f16, u8, i8

      var element: VectorMatrix.Element {
        switch self {
        case .f32: .float32
        case .f16: .float16
        case .u8: .uint8
        case .i8: .int8
        }
      }
    }

    @Argument(help: "The file to read.")
    var input: String
    @Argument(help: "The file (for HDF5: the directory) to make; it must not exist.")
    var output: String
    @Option(help: "How components are stored in an .npy file. (default: as in the input)")
    var element: Element?
    @OptionGroup var outputOptions: OutputOptions

    private struct Document: Encodable {
      var input: String
      var output: String
      var rows: Int
      var width: Int
    }

    func run() throws {
      try Outputs.checkNew(output)
      try Inputs.refuseDirectory(input, wanted: "a file to convert")
      let format = VectorFileFormat(pathExtension: input)
      let monitor = WorkMonitor()
      let document = try Supervision.run(monitor, unit: "rows") { () throws(NeedletailError) in
        if format == .hdf5 { return try archive(monitor) }
        let integers: [VectorFileFormat?] = [.ivecs, .ibin]
        if integers.contains(format) || integers.contains(VectorFileFormat(pathExtension: output)) {
          return try rowNumbers()
        }
        return try vectors(monitor)
      }
      if outputOptions.json {
        try JSONOutput.write(document)
      } else {
        print(
          "\(output): \(Wording.rows(document.rows)) of \(document.width), from \(input)")
      }
    }

    private func vectors(_ monitor: WorkMonitor) throws(NeedletailError) -> Document {
      var stream = try VectorStream(contentsOf: input)
      let isArray = VectorFileFormat(pathExtension: output) == .npy
      var writer = try VectorFileWriter(
        path: output, dimensions: stream.dimensions,
        element: element?.element ?? (isArray ? stream.element : nil))
      monitor.begin("converting", total: stream.count ?? 0)
      while let block = try stream.next(maxRows: 4096) {
        do throws(NeedletailError) {
          try writer.append(block)
        } catch {
          throw Inputs.blame(error, on: input)
        }
        try monitor.advance(by: block.count)
      }
      let document = Document(
        input: input, output: output, rows: writer.count, width: stream.dimensions)
      try writer.finish()
      return document
    }

    private func rowNumbers() throws(NeedletailError) -> Document {
      guard element == nil else {
        throw NeedletailError(
          .invalidConfiguration, "--element is for vectors; row numbers are always 32-bit integers."
        )
      }
      let truth = try GroundTruthFile(contentsOf: input)
      try Inputs.blaming(input) { () throws(NeedletailError) in try truth.write(to: output) }
      return Document(
        input: input, output: output, rows: truth.ids.count, width: truth.ids.width)
    }

    private struct ArchiveManifest: Encodable {
      var name: String
      var metric: String?
      var distance: String?
      var rows: Int
      var queries: Int
      var dimensions: Int
      var files = [
        "base": "base.fbin", "queries": "queries.fbin", "groundtruth": "groundtruth.ibin",
      ]
    }

    private func archive(_ monitor: WorkMonitor) throws(NeedletailError) -> Document {
      let file = try AnnBenchmarksFile(contentsOf: input)
      guard let base = try file.shape(of: .train), let queries = try file.shape(of: .test) else {
        throw NeedletailError(
          .unsupportedFormat,
          "The file lacks the arrays train and test; give a file of ann-benchmarks.",
          at: .init(path: input))
      }
      let directory = URL(fileURLWithPath: output, isDirectory: true)
      let work = URL(
        fileURLWithPath: output + ".converting-\(ProcessInfo.processInfo.processIdentifier)",
        isDirectory: true)
      defer { try? FileManager.default.removeItem(at: work) }
      try Self.system(output) {
        try FileManager.default.createDirectory(at: work, withIntermediateDirectories: false)
      }
      try file.write(.train, to: work.appending(path: "base.fbin").path, monitor: monitor)
      try file.write(.test, to: work.appending(path: "queries.fbin").path, monitor: monitor)
      try file.groundTruth().write(to: work.appending(path: "groundtruth.ibin").path)
      let manifest = ArchiveManifest(
        name: directory.lastPathComponent, metric: file.metric?.rawValue, distance: file.distance,
        rows: base.count, queries: queries.count, dimensions: base.width)
      try Self.system(output) {
        try Data(JSONOutput.text(manifest).utf8).write(to: work.appending(path: "dataset.json"))
        try FileManager.default.moveItem(at: work, to: directory)
      }
      return Document(input: input, output: output, rows: base.count, width: base.width)
    }

    private static func system(_ path: String, _ body: () throws -> Void) throws(NeedletailError) {
      do {
        try body()
      } catch {
        throw NeedletailError(
          .io, "The output cannot be written.", at: .init(path: path), cause: error)
      }
    }
  }
#endif
