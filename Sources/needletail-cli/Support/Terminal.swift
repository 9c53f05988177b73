#if Tools
  import Foundation

  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif

  /// What is known about the terminal, and letters for it.
  enum Terminal {
    /// Whether a person watches standard error.
    static let watchesError = isatty(2) == 1 && isCapable

    /// Whether a person watches standard output.
    static let watchesOutput = isatty(1) == 1

    /// Whether standard output may be coloured: a capable terminal, and nobody set `NO_COLOR`.
    static let usesColor =
      isatty(1) == 1 && isCapable
      && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty

    private static let isCapable: Bool = {
      let name = ProcessInfo.processInfo.environment["TERM"] ?? ""
      return !name.isEmpty && name != "dumb"
    }()

    /// The columns of standard error's terminal; 80 where they are not known.
    static var width: Int {
      var size = winsize()
      // SAFETY: the kernel fills the structure that it is given.
      let status = unsafe ioctl(2, UInt(TIOCGWINSZ), &size)
      return status == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    static func bold(_ text: String) -> String { styled(text, "1") }
    static func dim(_ text: String) -> String { styled(text, "2") }
    static func accent(_ text: String) -> String { styled(text, "36") }

    private static func styled(_ text: String, _ style: String) -> String {
      usesColor ? "\u{1b}[\(style)m\(text)\u{1b}[0m" : text
    }

    /// Writes to standard error at once.
    static func writeError(_ text: String) {
      FileHandle.standardError.write(Data(text.utf8))
    }
  }
#endif
