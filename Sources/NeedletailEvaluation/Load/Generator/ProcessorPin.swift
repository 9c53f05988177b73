#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#endif

/// Keeps the calling thread on one processor.
public enum ProcessorPin {
  /// Keeps the calling thread, and those that it starts from now on, on one processor.
  ///
  /// - Parameter processor: Its number, from 0.
  /// - Returns: Whether the system did so; never on macOS, which has no such call.
  @discardableResult
  public static func pin(to processor: Int) -> Bool {
    #if canImport(Glibc)
      guard (0..<words * UInt.bitWidth).contains(processor), let call = unsafe call("set") else {
        return false
      }
      var set = [UInt](repeating: 0, count: words)
      set[processor / UInt.bitWidth] = 1 << UInt(processor % UInt.bitWidth)
      // SAFETY: the call reads as many bytes as it is told that the set has.
      return unsafe set.withUnsafeMutableBytes { bytes in
        unsafe call(pthread_self(), bytes.count, bytes.baseAddress) == 0
      }
    #else
      return false
    #endif
  }

  /// The processors that the calling thread may use, in order; empty where the system does not tell.
  public static var allowed: [Int] {
    #if canImport(Glibc)
      guard let call = unsafe call("get") else { return [] }
      var set = [UInt](repeating: 0, count: words)
      // SAFETY: the call writes as many bytes as it is told that the set has.
      let status = unsafe set.withUnsafeMutableBytes { bytes in
        unsafe call(pthread_self(), bytes.count, bytes.baseAddress)
      }
      guard status == 0 else { return [] }
      return (0..<words * UInt.bitWidth).filter { processor in
        set[processor / UInt.bitWidth] & 1 << UInt(processor % UInt.bitWidth) != 0
      }
    #else
      return []
    #endif
  }

  #if canImport(Glibc)
    /// Words of a set: room for the 1 024 processors that the library's own type has.
    private static let words = 1024 / UInt.bitWidth

    private typealias Call = @convention(c) (pthread_t, Int, UnsafeMutableRawPointer?) -> Int32

    /// `pthread_setaffinity_np` or its counterpart, which the headers show to GNU sources alone.
    private static func call(_ verb: String) -> Call? {
      guard let symbol = unsafe dlsym(nil, "pthread_\(verb)affinity_np") else { return nil }
      // SAFETY: both functions take a thread, a length and an address, and return a number.
      return unsafe unsafeBitCast(symbol, to: Call.self)
    }
  #endif
}
