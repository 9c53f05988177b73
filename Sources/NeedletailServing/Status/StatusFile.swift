import Foundation
public import NeedletailCore
import NeedletailStorage

/// A service's status as a file has it: JSON, replaced as a whole.
///
/// | Field | Meaning |
/// |---|---|
/// | `format` | 1; a file of another number is refused |
/// | `writtenAt` | seconds since 1970 |
/// | `status` | the fields of `ServiceStatus` |
public struct StatusFile: Sendable, Codable {
  /// The number of this form.
  public static let format = 1
  /// How old a file gets while its service runs, in seconds; beyond it, that has ended or stands still.
  public static let staleAge = 5.0
  /// The most bytes that a file may have.
  private static let mostBytes: UInt64 = 16 << 20

  /// The number of the form.
  public var format: Int
  /// When it was written, in seconds since 1970.
  public var writtenAt: Double
  /// What the service did then.
  public var status: ServiceStatus

  /// What is to be written now.
  public init(_ status: ServiceStatus) {
    self.init(status, writtenAt: Date().timeIntervalSince1970)
  }

  init(_ status: ServiceStatus, writtenAt: Double) {
    format = Self.format
    self.writtenAt = writtenAt
    self.status = status
  }

  /// Where the tools look for the status of a service over an index: beside its directory, which holds nothing but the index.
  public static func path(beside index: String) -> String {
    var index = index[...]
    while index.count > 1, index.hasSuffix("/") { index.removeLast() }
    return index + ".status.json"
  }

  /// Reads a file.
  ///
  /// - Throws: `notFound` or `io` when there is nothing to read; `corrupted` for what is no status.
  public init(contentsOf path: String) throws(NeedletailError) {
    let fileSystem = LocalFileSystem()
    guard let count = try fileSystem.byteCount(of: path) else {
      throw NeedletailError(.notFound, "There is no file here.", at: .init(path: path))
    }
    guard count <= Self.mostBytes else {
      throw NeedletailError(
        .corrupted, "A status of \(count) bytes, where at most \(Self.mostBytes) are expected.",
        at: .init(path: path))
    }
    let bytes = try fileSystem.read(path)
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    do {
      let form = try decoder.decode(Form.self, from: Data(bytes)).format
      guard form == Self.format else {
        throw NeedletailError(
          .corrupted, "It is a status of form \(form); this program reads form \(Self.format).",
          at: .init(path: path))
      }
      self = try decoder.decode(StatusFile.self, from: Data(bytes))
    } catch let error as NeedletailError {
      throw error
    } catch {
      throw NeedletailError(
        .corrupted, "It is not the status of a service: \(Self.words(error)).",
        at: .init(path: path))
    }
  }

  /// What can be read of every form.
  private struct Form: Decodable { var format: Int }

  /// The age at an instant, in seconds since 1970; never negative, and infinite for a time that is none.
  ///
  /// - Parameter now: `nil`: the present.
  /// - Returns: seconds.
  public func age(at now: Double? = nil) -> Double {
    let age = (now ?? Date().timeIntervalSince1970) - writtenAt
    return age.isFinite ? max(0, age) : .infinity
  }

  /// The bytes of the file: keys in ascending order.
  func bytes() throws(NeedletailError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    do {
      return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    } catch {
      throw NeedletailError(.io, "The status cannot be written as JSON: \(error)")
    }
  }

  /// Puts it in the place of a file.
  func write(to path: String, in fileSystem: any FileSystem) throws(NeedletailError) {
    // It is written anew every second: a disk need not be waited for.
    try fileSystem.replace(path, with: try bytes(), isDurable: false)
  }

  /// What a decoder found, and where.
  private static func words(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "it is no JSON" }
    let (path, problem): ([any CodingKey], String) =
      switch error {
      case .keyNotFound(let key, let context):
        (context.codingPath, "“\(key.stringValue)” is missing")
      case .typeMismatch(_, let context): (context.codingPath, "a value is of another kind")
      case .valueNotFound(_, let context): (context.codingPath, "a value is null")
      case .dataCorrupted(let context): (context.codingPath, context.debugDescription)
      @unknown default: ([], "it cannot be read")
      }
    let place = path.map(\.stringValue).joined(separator: ".")
    // Some of a decoder's words are whole sentences.
    let words = problem.hasSuffix(".") ? String(problem.dropLast()) : problem
    return place.isEmpty ? words : "\(place): \(words)"
  }
}
