/// What went wrong, where, and what to do about it.
///
/// Thrown for bad input and a failing environment. A bug in the caller's program is a precondition
/// failure named in the doc comment; a valid but partial answer is a value (`Completion`), not an error.
public struct NeedletailError: Error, Sendable {
  /// The kind of failure.
  ///
  /// More may be added: switch with a `default`.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// A stable name, fit for logs and for machines.
    public let description: String
    private init(_ name: String) { description = name }

    /// An option is out of its range, or two options contradict each other.
    public static let invalidConfiguration = Code("invalidConfiguration")
    /// A vector does not have as many components as the index.
    public static let dimensionMismatch = Code("dimensionMismatch")
    /// A component is NaN or infinite, or the vector's squared norm overflows `Float`.
    public static let nonFiniteComponent = Code("nonFiniteComponent")
    /// A vector without direction was given under the cosine metric.
    public static let zeroVector = Code("zeroVector")
    /// A file, directory, id or component does not exist.
    public static let notFound = Code("notFound")
    /// An id or a target directory exists already.
    public static let alreadyExists = Code("alreadyExists")
    /// Another process holds the index for writing.
    public static let locked = Code("locked")
    /// The bytes are not of a format or version that this program reads.
    public static let unsupportedFormat = Code("unsupportedFormat")
    /// The bytes contradict themselves, their length or their checksum.
    public static let corrupted = Code("corrupted")
    /// More was asked for than a fixed limit allows.
    public static let capacityExceeded = Code("capacityExceeded")
    /// More memory would be needed than a budget allows.
    public static let overBudget = Code("overBudget")
    /// A batch does not follow on the last one of its source: something between them is missing.
    public static let sourceGap = Code("sourceGap")
    /// The caller cancelled the work; nothing of it remains.
    public static let cancelled = Code("cancelled")
    /// The operating system refused a file operation.
    public static let io = Code("io")
  }

  /// A place in a file.
  public struct Location: Sendable, Hashable {
    /// The file or directory.
    public var path: String
    /// The section or header field, where one is known.
    public var section: String?
    /// The offset from the start of the file, in bytes, where one is known.
    public var byteOffset: UInt64?

    /// Makes a location from its parts.
    public init(path: String, section: String? = nil, byteOffset: UInt64? = nil) {
      self.path = path
      self.section = section
      self.byteOffset = byteOffset
    }
  }

  /// The kind of failure.
  public var code: Code
  /// One sentence with the numbers, and what to do.
  public var message: String
  /// The place, when the failure has one.
  public var location: Location?
  /// The error below this one, when there is one.
  public var cause: (any Error)?

  /// Makes an error where a fault is found.
  public init(
    _ code: Code, _ message: String, at location: Location? = nil, cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.location = location
    self.cause = cause
  }
}

extension NeedletailError: CustomStringConvertible {
  /// The message, the place and the cause, in one line.
  public var description: String {
    var text = message
    if let location {
      text += " (\(location.path)"
      if let section = location.section { text += ", \(section)" }
      if let offset = location.byteOffset { text += ", byte \(offset)" }
      text += ")"
    }
    if let cause { text += ": \(cause)" }
    return text
  }
}
