#if Tools
  // The system's `stdout` is a variable, which nobody here changes.
  #if canImport(Glibc)
    @unsafe @preconcurrency import Glibc
  #else
    @unsafe @preconcurrency import Darwin
  #endif

  /// The stream that answers go to.
  enum StandardOutput {
    /// Writes what is still held back; false when this or anything before could not be written.
    static func isComplete() -> Bool {
      // A write before the end may have failed, and only the stream remembers.
      unsafe fflush(stdout) == 0 && ferror(stdout) == 0
    }
  }
#endif
