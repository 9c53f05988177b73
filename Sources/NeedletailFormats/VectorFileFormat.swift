package import NeedletailCore

/// A file format for rows of numbers, told by its name's ending.
///
/// | Ending                     | Layout, little-endian                                                     |
/// |----------------------------|---------------------------------------------------------------------------|
/// | `.fvecs` `.bvecs` `.ivecs` | each row: its length as `Int32`, then `Float`, `UInt8` or `Int32`         |
/// | `.fbin` `.u8bin` `.i8bin`  | rows and dimensions as `UInt32`, then `Float`, `UInt8` or `Int8` rows     |
/// | `.ibin`                    | rows and width as `UInt32`, then `Int32` rows; ground truth may follow    |
/// |                            | with a `Float` distance for each id                                       |
/// | `.npy`                     | NumPy's, versions 1 to 3, C order, two axes: `f2`, `f4`, `u1`, `i1`, `i4` |
/// | `.hdf5` `.h5`              | the sets of ann-benchmarks; to be converted, with the trait `HDF5`        |
///
/// - Source: `.fvecs` is that of the TEXMEX corpus, `.fbin` that of big-ann-benchmarks, `.npy` that of
///   `numpy.lib.format`.
public enum VectorFileFormat: String, Sendable, Hashable, CaseIterable {
  /// Rows of `Float`, each after its length.
  case fvecs
  /// Rows of `UInt8`, each after its length.
  case bvecs
  /// Rows of `Int32`, each after its length.
  case ivecs
  /// A matrix of `Float`.
  case fbin
  /// A matrix of `UInt8`.
  case u8bin
  /// A matrix of `Int8`.
  case i8bin
  /// A matrix of `Int32`, or ground truth: ids, then distances.
  case ibin
  /// A NumPy array.
  case npy
  /// Several named arrays.
  case hdf5

  /// The format that the ending of `path` names; upper and lower case alike; `nil` when none does.
  public init?(pathExtension path: String) {
    let name = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last
    guard let name, let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return nil }
    let ending = String(decoding: name[name.index(after: dot)...], as: UTF8.self).lowercased()
    self.init(rawValue: ending == "h5" ? "hdf5" : ending)
  }

  /// The endings that name a format, for messages and help.
  public static var knownEndings: String {
    allCases.map { $0 == .hdf5 ? ".hdf5 .h5" : ".\($0.rawValue)" }.joined(separator: " ")
  }

  /// The bytes that a file of the format begins with, where there are such.
  var magic: [UInt8]? {
    switch self {
    case .npy: [0x93] + Array("NUMPY".utf8)
    case .hdf5: [0x89] + Array("HDF\r\n".utf8) + [0x1a, 0x0a]
    default: nil
    }
  }

  /// The format of a file, from its name's ending and its first bytes.
  ///
  /// The ending decides; a file whose ending is not known may still be told by its magic.
  ///
  /// The error is `unsupportedFormat`, when neither tells or they contradict each other. `prefix` is 8
  /// bytes or more where the file has them.
  static func detect(_ path: String, prefix: RawSpan) throws(NeedletailError) -> VectorFileFormat {
    let named = VectorFileFormat(pathExtension: path)
    let begun = allCases.first { format in
      guard let magic = format.magic, prefix.byteCount >= magic.count else { return false }
      return magic.indices.allSatisfy { prefix.byte(at: $0) == magic[$0] }
    }
    switch (named, begun) {
    case (let named?, let begun?) where named != begun:
      // No file of a format without magic begins like this: its dimensions would be far over the limit.
      throw NeedletailError(
        .unsupportedFormat,
        "The name says .\(named.rawValue), but the file begins like .\(begun.rawValue); rename it.",
        at: .init(path: path, section: "magic", byteOffset: 0))
    case (let named?, nil) where named.magic != nil && prefix.byteCount > 0:
      throw NeedletailError(
        .unsupportedFormat,
        "The name says .\(named.rawValue), but the file does not begin like one; check where it is from.",
        at: .init(path: path, section: "magic", byteOffset: 0))
    case (let named?, _): return named
    case (nil, let begun?): return begun
    case (nil, nil): throw unknown(path)
    }
  }

  /// The error for a name that tells no format.
  package static func unknown(_ path: String) -> NeedletailError {
    NeedletailError(
      .unsupportedFormat,
      "The ending of the name tells no format; known are \(knownEndings).", at: .init(path: path))
  }
}
