#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the processor calls itself.
enum ProcessorName {
  /// The name, or `unknown`.
  static var current: String {
    #if canImport(Darwin)
      var buffer = [CChar](repeating: 0, count: 256)
      var size = buffer.count
      // SAFETY: the kernel writes at most `size` bytes, which is the length of the buffer.
      let status = unsafe sysctlbyname("machdep.cpu.brand_string", &buffer, &size, nil, 0)
      guard status == 0 else { return "unknown" }
      return String(
        decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #else
      for line in beginning(of: "/proc/cpuinfo").split(separator: "\n") {
        guard line.hasPrefix("model name"), let colon = line.firstIndex(of: ":") else { continue }
        let name = line[line.index(after: colon)...].split(separator: " ").joined(separator: " ")
        if !name.isEmpty { return name }
      }
      return "unknown"
    #endif
  }

  #if !canImport(Darwin)
    /// The first bytes of a file of the system, which has no length to map.
    private static func beginning(of path: String) -> String {
      let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return "" }
      defer { _ = close(descriptor) }
      var bytes = [UInt8](repeating: 0, count: 4_096)
      // SAFETY: the kernel writes at most as many bytes as the array has.
      let count = unsafe read(descriptor, &bytes, bytes.count)
      return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
  #endif
}
