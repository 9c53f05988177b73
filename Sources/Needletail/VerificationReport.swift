public import NeedletailCore
import NeedletailEngine
import NeedletailStorage

/// What a look at every byte of an index found.
public struct VerificationReport: Sendable, Codable {
  /// One thing that was checked.
  public struct Check: Sendable, Hashable, Codable {
    /// What was checked.
    public var name: String
    /// What was found.
    public var detail: String
    /// Whether it is as it should be.
    public var passed: Bool
  }

  /// Every check in the order it was made; checks that build on a failed one are left out.
  public var checks: [Check] = []
  /// Whether every check passed.
  public var isSound: Bool { checks.allSatisfy(\.passed) }

  private enum CodingKeys: String, CodingKey { case isSound, checks }

  init() {}

  /// Reads a report that was encoded.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    checks = try container.decode([Check].self, forKey: .checks)
  }

  /// Writes the checks and their sum.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(isSound, forKey: .isSound)
    try container.encode(checks, forKey: .checks)
  }

  mutating func passed(_ name: String, _ detail: String) {
    checks.append(Check(name: name, detail: detail, passed: true))
  }

  mutating func failed(_ name: String, _ detail: String) {
    checks.append(Check(name: name, detail: detail, passed: false))
  }
}

extension VectorIndex {
  /// Reads every byte of an index and checks the graph.
  ///
  /// - Parameters:
  ///   - path: the index's directory.
  ///   - monitor: sees the progress, and may cancel.
  /// - Returns: every check with what it found. Damage is a failed check, not an error.
  /// - Throws: `notFound` when there is no index at all; `cancelled`.
  /// - Complexity: one pass over all bytes and all links.
  public static func verify(
    at path: String, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> VerificationReport {
    var report = VerificationReport()
    let fileSystem = LocalFileSystem()
    let directory = IndexDirectory(path, in: fileSystem)
    let manifest: Manifest
    do throws(NeedletailError) {
      manifest = try directory.manifest()
      report.passed(
        "manifest",
        "generation \(manifest.generation), \(manifest.dimensions) dimensions, \(manifest.metric)")
    } catch {
      if error.code == .notFound, try fileSystem.kind(of: directory.currentPath) == nil {
        throw error
      }
      report.failed("manifest", error.description)
      return report
    }
    if let reference = manifest.quantizer {
      do throws(NeedletailError) {
        _ = try directory.open(.quantizer, reference, verification: .full)
        report.passed("quantizer", "\(reference.byteCount) bytes, checksums match")
      } catch {
        report.failed("quantizer", error.description)
      }
    }
    for reference in manifest.segments {
      try verify(reference, directory, monitor, &report)
    }
    if report.isSound { try verifyContents(path, &report) }
    return report
  }

  private static func verify(
    _ reference: FileReference, _ directory: IndexDirectory, _ monitor: WorkMonitor?,
    _ report: inout VerificationReport
  ) throws(NeedletailError) {
    let name = "segment \(reference.hash.description.prefix(8))"
    let file: SectionedFile
    do throws(NeedletailError) {
      file = try directory.open(.segment, reference, verification: .structure)
    } catch {
      report.failed(name, error.description)
      return
    }
    monitor?.begin("verifying", total: file.blockCount)
    do throws(NeedletailError) {
      try file.verify(monitor: monitor)
      report.passed(
        name, "\(reference.rowCount) rows in \(file.blockCount) blocks, checksums match")
    } catch {
      if error.code == .cancelled { throw error }
      report.failed(name, error.description)
    }
  }

  /// Checks what checksums cannot see.
  private static func verifyContents(
    _ path: String, _ report: inout VerificationReport
  ) throws(NeedletailError) {
    var placements = Placements()
    placements.codes = .mapped
    placements.graph = .mapped
    placements.ids = .mapped
    do throws(NeedletailError) {
      let generation = try OpenGeneration.open(
        path, in: LocalFileSystem(), placements: placements, verification: .structure)
      let faults = generation.segment.inspect(limit: 20)
      for fault in faults { report.failed("graph", fault) }
      if faults.isEmpty {
        let shape = generation.segment.graphShape()
        let reach =
          shape.unreachable == 0
          ? "every row can be reached" : "\(shape.unreachable) rows cannot be reached"
        report.passed(
          "graph", "\(shape.levels) levels, at most \(shape.maximumDegree) links, \(reach)")
      }
    } catch {
      report.failed("contents", error.description)
    }
  }
}
