package import NeedletailCore
import NeedletailStorage

extension LocalIndex {
  /// One thing that was checked, and what was found.
  package struct Check: Sendable, Hashable {
    package let name: String
    package let detail: String
    package let passed: Bool
  }

  /// Reads every byte of an index and checks what checksums cannot see.
  ///
  /// - Returns: every check in its order; those that build on a failed one are left out.
  /// - Throws: `notFound` when there is no index at all; `cancelled`.
  /// - Complexity: one pass over all bytes and all links.
  package static func verify(
    _ path: String, monitor: WorkMonitor?
  ) throws(NeedletailError) -> [Check] {
    var checks: [Check] = []
    let fileSystem = LocalFileSystem()
    let directory = IndexDirectory(path, in: fileSystem)
    let manifest: Manifest
    do throws(NeedletailError) {
      manifest = try directory.manifest()
    } catch {
      if error.code == .notFound, try fileSystem.kind(of: directory.currentPath) == nil {
        throw error
      }
      return [Check(name: "manifest", detail: error.description, passed: false)]
    }
    checks.append(
      Check(
        name: "manifest",
        detail: "generation \(manifest.generation), \(manifest.dimensions) dimensions,"
          + " \(manifest.metric.rawValue)", passed: true))
    for reference in manifest.quantizers {
      checks.append(
        check("quantizer") { () throws(NeedletailError) in
          _ = try directory.open(.quantizer, reference, verification: .full)
          return "\(reference.byteCount) bytes, checksums match"
        })
    }
    for reference in manifest.segments {
      let name = "segment \(reference.hash.description.prefix(8))"
      let result = check(name) { () throws(NeedletailError) in
        let file = try directory.open(.segment, reference, verification: .structure)
        monitor?.begin("verifying", total: file.blockCount)
        try file.verify(monitor: monitor)
        return "\(reference.rowCount) rows in \(file.blockCount) blocks, checksums match"
      }
      if let monitor, monitor.isCancelled { try monitor.advance(by: 0) }
      checks.append(result)
    }
    checks += verifyLogs(directory, manifest)
    if checks.allSatisfy(\.passed) { checks += inspectContents(path) }
    return checks
  }

  /// Reads what stands behind the segments: writes and withdrawals.
  private static func verifyLogs(_ directory: IndexDirectory, _ manifest: Manifest) -> [Check] {
    let reader = LogReader(
      directory, indexIdentity: manifest.indexIdentity, after: manifest.sealedLSN,
      isFollowing: true)
    return [
      check("log") { () throws(NeedletailError) in
        var rows = 0
        let report = try reader.read { rows += $0.batch.ids.count }
        let torn = report.tornTail.map { ", \($0.byteCount) bytes of a write cut off" } ?? ""
        return
          "\(report.lastLSN - manifest.sealedLSN) batches of \(rows) ids behind the segments\(torn)"
      },
      check("withdrawals") { () throws(NeedletailError) in
        var withdrawals = WithdrawalReader(directory, indexIdentity: manifest.indexIdentity)
        _ = try withdrawals.poll()
        return "\(withdrawals.ids.count) ids withdrawn"
      },
    ]
  }

  private static func check(
    _ name: String, _ body: () throws(NeedletailError) -> String
  ) -> Check {
    do throws(NeedletailError) {
      return Check(name: name, detail: try body(), passed: true)
    } catch {
      return Check(name: name, detail: error.description, passed: false)
    }
  }

  /// Checks the graph and the rows.
  private static func inspectContents(_ path: String) -> [Check] {
    var placements = Placements()
    placements.codes = .mapped
    placements.graph = .mapped
    placements.ids = .mapped
    do throws(NeedletailError) {
      var checks: [Check] = []
      for segment in try open(path, placements: placements, isVerified: false).segments {
        checks += inspect(segment)
      }
      return checks
    } catch {
      return [Check(name: "contents", detail: error.description, passed: false)]
    }
  }

  private static func inspect(_ segment: SealedSegment) -> [Check] {
    let faults = segment.inspect(limit: 20)
    guard faults.isEmpty else {
      return faults.map { Check(name: "graph", detail: $0, passed: false) }
    }
    let shape = segment.graphShape()
    let reach =
      shape.unreachable == 0
      ? "every row can be reached" : "\(shape.unreachable) rows cannot be reached"
    return [
      Check(
        name: "graph",
        detail: "\(shape.levels) levels, at most \(shape.maximumDegree) links, \(reach)",
        passed: true)
    ]
  }
}
