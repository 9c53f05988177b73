package import NeedletailCore
import NeedletailFormats

extension Mixture {
  /// How many rows and queries are written, and what their files must then hold.
  package struct Standard: Sendable, Hashable {
    /// Rows of the base.
    package var rows: Int
    /// Queries.
    package var queries: Int
    /// SHA-256 of `base.fbin`, in hexadecimal digits; nil where it is not known.
    package var baseDigest: String?
    /// SHA-256 of `query.fbin`.
    package var queryDigest: String?
  }

  /// The sets whose bytes are known: with 10 000 centres and seed 42.
  ///
  /// The large one is what figures are quoted for; the small one is its first rows.
  package static let standards = [
    Standard(
      rows: 2_000_000, queries: 2000,
      baseDigest: "b09f629bcc17ac1a2304142785218172a410e9342494a4635576900ab35539ce",
      queryDigest: "60c65f55032f0815b776629579042979cef049ba9784be963d1620604293122c"),
    Standard(
      rows: 10_000, queries: 2000,
      baseDigest: "ba373b615369160be69aedb9b38faa7530c6d59be563b4130e043986c44359c7",
      queryDigest: "60c65f55032f0815b776629579042979cef049ba9784be963d1620604293122c"),
  ]

  /// What the files of this mixture must hold, as far as that is known.
  package func standard(rows: Int, queries: Int) -> Standard {
    var found = Standard(rows: rows, queries: queries)
    guard centres == 10_000, seed == 42 else { return found }
    found.baseDigest = Self.standards.first { $0.rows == rows }?.baseDigest
    found.queryDigest = Self.standards.first { $0.queries == queries }?.queryDigest
    return found
  }

  /// Writes rows to a new file, block by block.
  ///
  /// - Parameters:
  ///   - count: The number of rows, from the first.
  ///   - stream: Base or queries.
  ///   - path: A `.fbin` or `.npy` file that does not exist; it appears whole or not at all.
  ///   - expected: The SHA-256 that the file must have, if that is known.
  ///   - threads: The most threads; the bytes do not depend on it.
  ///   - monitor: Told about progress in rows; may cancel.
  /// - Returns: The file's SHA-256, in 64 hexadecimal digits.
  /// - Throws: `alreadyExists`, `io`, `cancelled`; `corrupted` when the bytes are not those that are
  ///   `expected`; the file stays then, to be looked at.
  package func write(
    _ count: Int, of stream: Stream, to path: String, expected: String?, threads: Int,
    monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> String {
    monitor?.begin("drawing", total: count)
    var writer = try VectorFileWriter(path: path, dimensions: Self.dimensions)
    try forEachBlock(count: count, of: stream, threads: threads, monitor: monitor) {
      (block) throws(NeedletailError) in
      try writer.append(block)
    }
    try writer.finish()
    return try Self.check(path, expected: expected, monitor: monitor)
  }

  /// The SHA-256 of a file.
  ///
  /// - Throws: `corrupted` when it is not the one that is `expected`; `notFound`, `io`, `cancelled`.
  package static func check(
    _ path: String, expected: String?, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> String {
    let digest = try FileDigest.sha256(of: path, monitor: monitor)
    guard let expected, expected != digest else { return digest }
    throw NeedletailError(
      .corrupted,
      "The SHA-256 is \(digest), but that of this set is \(expected): the file is another one, or "
        + "this machine does not compute as IEEE 754 says. Remove it and make it again.",
      at: .init(path: path))
  }
}
