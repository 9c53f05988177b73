public import NeedletailCore
import NeedletailEngine

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
    report.checks = try LocalIndex.verify(path, monitor: monitor).map {
      .init(name: $0.name, detail: $0.detail, passed: $0.passed)
    }
    return report
  }
}
