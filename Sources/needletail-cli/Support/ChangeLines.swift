#if Tools
  import Foundation
  import NeedletailCore

  /// One change of a file of changes: an object of JSON on a line of its own.
  struct Change: Decodable {
    enum Operation: String, Decodable { case upsert, remove, withdraw, reinstate }

    var op: Operation
    var id: VectorID
    var vector: [Float]?
    var attributes: [String: Value]?

    /// One attribute: a whole number, another number, a string for a category, a list of strings for tags.
    struct Value: Decodable {
      let value: AttributeValue

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
          value = .integer(number)
        } else if let number = try? container.decode(Double.self) {
          value = .real(number)
        } else if let text = try? container.decode(String.self) {
          value = .category(text)
        } else if let tags = try? container.decode([String].self) {
          value = .tags(Set(tags))
        } else {
          throw DecodingError.dataCorruptedError(
            in: container,
            debugDescription: "an attribute is a number, a string or a list of strings")
        }
      }
    }
  }

  /// Reads a file of changes line by line; `-` is standard input.
  struct ChangeLines: ~Copyable {
    /// A vector of 16 384 components takes less.
    private static let longestLine = 8 << 20
    private static let chunk = 1 << 20

    let path: String
    /// Bytes of the file; 0 where nobody knows.
    let byteCount: Int
    private let handle: FileHandle
    private var buffer = Data()
    private var start = 0
    private var isAtEnd = false
    private let decoder = JSONDecoder()
    /// The line that was read last, from 1.
    private(set) var line = 0
    /// Bytes of the lines that were read.
    private(set) var bytesRead = 0

    init(_ path: String) throws(CommandFailure) {
      self.path = path
      if path == "-" {
        handle = .standardInput
        byteCount = 0
        return
      }
      try Inputs.refuseDirectory(path, wanted: "a file of changes, one JSON object a line")
      guard let handle = FileHandle(forReadingAtPath: path) else {
        guard Inputs.isDirectory(path) != nil else {
          throw CommandFailure(.noInput, "There is no file \(path).")
        }
        throw CommandFailure(.noInput, "\(path) cannot be read.")
      }
      self.handle = handle
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      byteCount = (attributes?[.size] as? Int) ?? 0
    }

    /// The next line that is not empty; `nil` at the end.
    mutating func next() throws(NeedletailError) -> Data? {
      while let line = try nextLine() {
        if line.contains(where: { $0 != 0x20 && $0 != 0x0d && $0 != 0x09 }) { return line }
      }
      return nil
    }

    /// What a line says.
    func change(_ data: Data) throws(NeedletailError) -> Change {
      do {
        return try decoder.decode(Change.self, from: data)
      } catch {
        throw refusal("it is no change: \(Self.reason(error))")
      }
    }

    /// An error that names the line.
    func refusal(_ reason: String) -> NeedletailError {
      NeedletailError(
        .corrupted,
        "Line \(line) was not applied, nor was anything behind it: \(reason).",
        at: .init(path: path, section: "line \(line)"))
    }

    private mutating func nextLine() throws(NeedletailError) -> Data? {
      while true {
        if let end = buffer[(buffer.startIndex + start)...].firstIndex(of: 0x0a) {
          let found = buffer[(buffer.startIndex + start)..<end]
          start = end - buffer.startIndex + 1
          return taken(found)
        }
        if isAtEnd {
          let found = buffer[(buffer.startIndex + start)...]
          start = buffer.count
          return found.isEmpty ? nil : taken(found)
        }
        buffer = Data(buffer[(buffer.startIndex + start)...])
        start = 0
        guard buffer.count <= Self.longestLine else {
          line += 1
          throw refusal("it is longer than \(Self.longestLine) bytes")
        }
        let more: Data?
        do { more = try handle.read(upToCount: Self.chunk) } catch {
          throw NeedletailError(
            .io, "The file of changes cannot be read on.", at: .init(path: path), cause: error)
        }
        if let more, !more.isEmpty { buffer.append(more) } else { isAtEnd = true }
      }
    }

    private mutating func taken(_ found: Data) -> Data {
      line += 1
      bytesRead += found.count + 1
      return found
    }

    private static func reason(_ error: any Error) -> String {
      guard let error = error as? DecodingError else { return "\(error)" }
      switch error {
      case .keyNotFound(let key, _): return "'\(key.stringValue)' is missing"
      case .typeMismatch(_, let context), .valueNotFound(_, let context),
        .dataCorrupted(let context):
        let place = context.codingPath.map(\.stringValue).joined(separator: ".")
        return place.isEmpty ? context.debugDescription : "'\(place)': \(context.debugDescription)"
      @unknown default: return "\(error)"
      }
    }
  }
#endif
