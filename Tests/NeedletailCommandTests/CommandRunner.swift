import Foundation
import Testing
import _NeedletailTestSupport

/// Runs the built executable, which lies beside the test bundle.
enum Command {
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String

    /// Standard output as one JSON document.
    func json() throws -> [String: Any] {
      try #require(
        try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any],
        "not one JSON document: \(output.prefix(300))")
    }
  }

  static let executable: String = {
    var directory = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0])
      .resolvingSymlinksInPath()
    for _ in 0..<6 {
      directory.deleteLastPathComponent()
      let candidate = directory.appending(path: "needletail").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    for bundle in Bundle.allBundles {
      let candidate = bundle.bundleURL.deletingLastPathComponent().appending(path: "needletail")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate.path }
    }
    return "needletail"
  }()

  /// The top of the source tree.
  static var root: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  /// A process that runs while the test goes on.
  final class Running {
    let process = Process()
    private let directory: TemporaryDirectory

    /// Starts a process, which reads `input`, or nothing.
    init(
      _ arguments: [String], in workplace: String? = nil, environment: [String: String] = [:],
      input: Pipe? = nil
    ) throws {
      directory = try TemporaryDirectory()
      process.executableURL = URL(fileURLWithPath: Command.executable)
      process.arguments = arguments
      if let workplace { process.currentDirectoryURL = URL(fileURLWithPath: workplace) }
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
      for (name, isOutput) in [("out", true), ("err", false)] {
        _ = FileManager.default.createFile(atPath: directory(name), contents: nil)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: directory(name)))
        if isOutput { process.standardOutput = handle } else { process.standardError = handle }
      }
      if let input {
        process.standardInput = input
      } else {
        process.standardInput = FileHandle.nullDevice
      }
      try process.run()
    }

    func finish() throws -> Outcome {
      process.waitUntilExit()
      return Outcome(
        status: process.terminationReason == .exit ? process.terminationStatus : -1,
        output: try String(contentsOfFile: directory("out"), encoding: .utf8),
        errors: try String(contentsOfFile: directory("err"), encoding: .utf8))
    }
  }

  static func run(
    _ arguments: String..., in workplace: String? = nil, environment: [String: String] = [:]
  ) throws -> Outcome {
    try Running(arguments, in: workplace, environment: environment).finish()
  }

  /// Expects a failure: its status, nothing on standard output, one sentence that has `fragment`.
  static func expectFailure(
    _ status: Int32, _ fragment: String, _ arguments: String..., in workplace: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try Running(arguments, in: workplace, environment: [:]).finish()
    #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    #expect(outcome.errors.hasPrefix("needletail: "), sourceLocation: sourceLocation)
    #expect(
      outcome.errors.contains(fragment), "\(outcome.errors)", sourceLocation: sourceLocation)
  }
}

/// Small files of vectors.
enum VectorFiles {
  static func write(_ values: [Float], dimensions: Int, to path: String) throws {
    var data = Data()
    for word in [UInt32(values.count / dimensions), UInt32(dimensions)] {
      data.append(contentsOf: bytes(word))
    }
    for value in values { data.append(contentsOf: bytes(value.bitPattern)) }
    try data.write(to: URL(fileURLWithPath: path))
  }

  static func gaussian(
    _ path: String, count: Int, dimensions: Int = 16, seed: UInt64 = 1
  ) throws {
    try write(
      RandomVectors.gaussian(count: count, dimensions: dimensions, seed: seed),
      dimensions: dimensions, to: path)
  }

  private static func bytes(_ word: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
  }
}

/// What lies in a directory, so that a test can say that nothing was written.
func listing(_ directory: TemporaryDirectory) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
}
