package import NeedletailCore

/// What became of the files that an index no longer needs.
package struct RemovalReport: Sendable, Hashable {
  /// The paths that were removed.
  package var removed: [String] = []
  /// Paths that nothing of this index has such a name for; they stay.
  package var unknown: [String] = []
  /// What could not be removed, or not be known to be unneeded, and why; a later call tries again.
  package var failures: [String] = []

  package init() {}
}

extension IndexDirectory {
  /// The generations that have a manifest, ascending; the one in use among them.
  ///
  /// A greater number than that of the one in use is left by a writer that was killed while it
  /// published.
  package func generations() throws(NeedletailError) -> [UInt64] {
    try fileSystem.list(path + "/generations").compactMap(Self.generation(of:)).sorted()
  }

  /// Removes generations that are not kept, and then the sealed files that none of the kept ones names.
  ///
  /// Only the holder of the index's lock may call it, and not while it seals a file that no manifest
  /// names yet, unless `files` names that. Readers keep what they have mapped; one that is about to open
  /// a generation which is removed meanwhile finds `notFound` and reads `CURRENT` again. After a crash
  /// at any point the index is whole, and the next call removes the rest.
  ///
  /// - Parameters:
  ///   - count: how many of the newest generations to keep, from 1; the one in use is always kept.
  ///   - generations: further ones to keep.
  ///   - files: sealed files to keep although no manifest names them.
  /// - Returns: what was removed, and what could not be: that is no error.
  /// - Throws: `corrupted`, `unsupportedFormat`, `io` when the generation in use cannot be read or made
  ///   durable; nothing is removed then.
  @discardableResult
  package func removeUnneeded(
    keeping count: Int, generations: Set<UInt64> = [], files: Set<ContentHash> = []
  ) throws(NeedletailError) -> RemovalReport {
    precondition(count > 0, "the generation in use is kept")
    let current = try currentGeneration()
    var report = RemovalReport()
    // If the power failed now, the generation in use must not turn out to be one that is removed here.
    try fileSystem.synchronizeDirectory(path + "/generations")
    try fileSystem.synchronizeDirectory(path)

    let found = try self.generations()
    var kept = Set(found.filter { $0 <= current }.suffix(count)).union(generations)
    kept.insert(current)
    var needed = files
    try note(manifest(current), in: &needed)
    for generation in found where !kept.contains(generation) {
      if !remove(manifestPath(generation), &report) { kept.insert(generation) }
    }
    var areNamesKnown = true
    for generation in found where kept.contains(generation) && generation != current {
      do throws(NeedletailError) { try note(manifest(generation), in: &needed) } catch {
        areNamesKnown = false
        report.failures.append("\(error)")
      }
    }
    // A manifest that came back after a crash without its segments would look like a damaged index.
    do throws(NeedletailError) {
      try fileSystem.synchronizeDirectory(path + "/generations")
    } catch {
      areNamesKnown = false
      report.failures.append("\(error)")
    }
    for format in [FileFormat.segment, .quantizer] {
      let directory = path + "/\(format.name)s"
      for name in names(in: directory, &report, isKnown: { Self.hash(of: $0, format) != nil }) {
        guard areNamesKnown, let hash = Self.hash(of: name, format), !needed.contains(hash) else {
          continue
        }
        _ = remove(directory + "/" + name, &report)
      }
    }
    _ = names(in: path + "/generations", &report) { Self.generation(of: $0) != nil }
    return report
  }

  /// The names in a directory that an index gives; others are reported, unless they are partial files.
  private func names(
    in directory: String, _ report: inout RemovalReport, isKnown: (String) -> Bool
  ) -> [String] {
    do throws(NeedletailError) {
      let names = try fileSystem.list(directory).filter { !$0.hasSuffix(Self.partialSuffix) }
      report.unknown += names.filter { !isKnown($0) }.map { directory + "/" + $0 }
      return names.filter(isKnown)
    } catch {
      report.failures.append("\(error)")
      return []
    }
  }

  private func remove(_ path: String, _ report: inout RemovalReport) -> Bool {
    do throws(NeedletailError) { try fileSystem.remove(path) } catch {
      if error.code != .notFound {
        report.failures.append("\(error)")
        return false
      }
    }
    report.removed.append(path)
    return true
  }

  private func note(_ manifest: Manifest, in needed: inout Set<ContentHash>) {
    for reference in manifest.segments + manifest.quantizers { needed.insert(reference.hash) }
  }

  /// The number of a generation, if the name is one that `manifestPath` gives.
  private static func generation(of name: String) -> UInt64? {
    guard name.hasSuffix(".manifest"), let number = UInt64(name.dropLast(9)), number > 0,
      name == "\(number).manifest"
    else { return nil }
    return number
  }

  /// The identity of a sealed file, if the name is one that `path(of:_:)` gives.
  private static func hash(of name: String, _ format: FileFormat) -> ContentHash? {
    let suffix = "." + format.fileExtension
    return name.hasSuffix(suffix) ? ContentHash(hexadecimal: name.dropLast(suffix.count)) : nil
  }
}
