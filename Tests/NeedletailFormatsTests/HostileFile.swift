import NeedletailCore
import NeedletailFormats
import Testing

/// A file that a reader must refuse, and how.
struct HostileFile: Sendable, CustomTestStringConvertible {
  enum Reader: String, Sendable { case vectors, integers, groundTruth }

  var name: String
  var fileName: String
  var bytes: [UInt8]
  var code: NeedletailError.Code
  /// A part of the error's text, that tells the reason from others.
  var fragment: String
  var reader: Reader

  var testDescription: String { name }

  init(
    _ name: String, _ fileName: String, _ bytes: FileBytes, _ code: NeedletailError.Code,
    _ fragment: String, reader: Reader = .vectors
  ) {
    self.name = name
    self.fileName = fileName
    self.bytes = bytes.bytes
    self.code = code
    self.fragment = fragment
    self.reader = reader
  }

  static let all = rowHeaderFiles + matrixFiles + npyFiles + groundTruthFiles + nameFiles
}

/// A format in which hostile files are made, with the size of its components.
struct HostileFormat: Sendable {
  var ending: String
  var byteCount: Int
  var limit: Int
  var reader: HostileFile.Reader

  static let rowHeaders = [
    HostileFormat(ending: "fvecs", byteCount: 4, limit: Limits.dimensions, reader: .vectors),
    HostileFormat(ending: "bvecs", byteCount: 1, limit: Limits.dimensions, reader: .vectors),
    HostileFormat(
      ending: "ivecs", byteCount: 4, limit: Limits.neighborsPerQuery, reader: .integers),
  ]
  static let matrices = [
    HostileFormat(ending: "fbin", byteCount: 4, limit: Limits.dimensions, reader: .vectors),
    HostileFormat(ending: "u8bin", byteCount: 1, limit: Limits.dimensions, reader: .vectors),
    HostileFormat(ending: "i8bin", byteCount: 1, limit: Limits.dimensions, reader: .vectors),
    HostileFormat(ending: "ibin", byteCount: 4, limit: Limits.neighborsPerQuery, reader: .integers),
  ]

  func callAsFunction(
    _ what: String, _ bytes: FileBytes, _ code: NeedletailError.Code, _ fragment: String
  ) -> HostileFile {
    HostileFile("\(ending): \(what)", "x.\(ending)", bytes, code, fragment, reader: reader)
  }
}

let npyMagic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]
let hdf5Magic: [UInt8] = [0x89] + Array("HDF\r\n".utf8) + [0x1a, 0x0a]
