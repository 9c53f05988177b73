#if Tools
  import Foundation
  import NeedletailCore

  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif

  /// One change of a file of changes: an object of JSON on a line of its own.
  struct Change: Decodable {
    enum Operation: String, Decodable { case upsert, remove, withdraw, reinstate }

    var op: Operation
    var id: VectorID
    var vector: [Float]?
    var attributes: [String: Value]?

    private enum Key: String, CodingKey { case op, id, vector, attributes }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      op = try container.decode(Operation.self, forKey: .op)
      // What a number does not fit into is no fault of the JSON, as the decoder would have it.
      func numbers<Value>(
        _ key: Key, _ wanted: String, _ decode: () throws -> Value
      ) throws -> Value {
        do { return try decode() } catch let error where !(error is DecodingError) {
          throw DecodingError.dataCorruptedError(
            forKey: key, in: container, debugDescription: wanted)
        }
      }
      id = try numbers(.id, "an id is a whole number from 0 to 2^64 - 1") {
        try container.decode(VectorID.self, forKey: .id)
      }
      vector = try numbers(.vector, "a component is a number that fits into 32 bits") {
        try container.decodeIfPresent([Float].self, forKey: .vector)
      }
      attributes = try container.decodeIfPresent([String: Value].self, forKey: .attributes)
    }

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
    /// Bytes behind `start` that are known to hold no end of a line.
    private var searched = 0
    /// What the system reads into.
    private var block = [UInt8](repeating: 0, count: Self.chunk)
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

    /// The next line that is not empty, as soon as it is there; `nil` at the end.
    ///
    /// - Throws: `io`; `corrupted` for a line that is too long; `cancelled` while it waits for bytes.
    mutating func next(_ monitor: WorkMonitor) throws(NeedletailError) -> Data? {
      while let line = try nextLine(monitor) {
        if line.contains(where: { $0 != 0x20 && $0 != 0x0d && $0 != 0x09 }) { return line }
      }
      return nil
    }

    /// Whether no line is there, and none comes within a tenth of a second: time to finish what was read.
    func isIdle() -> Bool {
      let first = buffer.startIndex + start
      guard !isAtEnd, buffer[(first + searched)...].firstIndex(of: 0x0a) == nil else {
        return false
      }
      var request = pollfd(fd: handle.fileDescriptor, events: Int16(POLLIN), revents: 0)
      // SAFETY: the call is given one structure, which lives for the call.
      return unsafe poll(&request, 1, 100) == 0
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

    /// What is thrown when the user wants no more.
    var ending: NeedletailError {
      NeedletailError(
        .cancelled, "Ended behind line \(line); what was read up to there is done.",
        at: .init(path: path))
    }

    private mutating func nextLine(_ monitor: WorkMonitor) throws(NeedletailError) -> Data? {
      while true {
        let first = buffer.startIndex + start
        if let end = buffer[(first + searched)...].firstIndex(of: 0x0a) {
          let found = buffer[first..<end]
          start = end - buffer.startIndex + 1
          searched = 0
          return taken(found)
        }
        if isAtEnd {
          start = buffer.count
          searched = 0
          let found = buffer[first...]
          return found.isEmpty ? nil : taken(found)
        }
        searched = buffer.count - start
        if start > 0 {
          buffer = Data(buffer[first...])
          start = 0
        }
        guard buffer.count <= Self.longestLine else {
          line += 1
          throw refusal("it is longer than \(Self.longestLine) bytes")
        }
        try readOn(monitor)
      }
    }

    /// Takes what there is: the lines of a stream that stays open are not held back until a block is full.
    private mutating func readOn(_ monitor: WorkMonitor) throws(NeedletailError) {
      while true {
        try waitForBytes(monitor)
        // SAFETY: the call fills at most the block that it is given.
        let count = unsafe block.withUnsafeMutableBytes {
          unsafe read(handle.fileDescriptor, $0.baseAddress, $0.count)
        }
        if count > 0 { return buffer.append(contentsOf: block[..<count]) }
        if count == 0 {
          isAtEnd = true
          return
        }
        let number = errno
        guard number == EINTR || number == EAGAIN else {
          throw NeedletailError(
            .io, "The file of changes cannot be read on (errno \(number)).", at: .init(path: path))
        }
      }
    }

    /// Waits for bytes or the end; looks now and then whether the user wants to wait any longer.
    private func waitForBytes(_ monitor: WorkMonitor) throws(NeedletailError) {
      var request = pollfd(fd: handle.fileDescriptor, events: Int16(POLLIN), revents: 0)
      while true {
        // SAFETY: the call is given one structure, which lives for the call.
        let count = unsafe poll(&request, 1, 100)
        let number = errno
        if monitor.isCancelled { throw ending }
        // What fails otherwise, reading tells.
        if count > 0 || (count < 0 && number != EINTR) { return }
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
        var text = context.debugDescription
        if text.hasSuffix(".") { text.removeLast() }
        return place.isEmpty ? text : "'\(place)': \(text)"
      @unknown default: return "\(error)"
      }
    }
  }
#endif
