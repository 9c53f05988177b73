#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#endif
import NeedletailKernels

/// The machine that a measurement was made on.
public struct Machine: Sendable, Hashable, Codable {
  /// The processor, as it calls itself.
  public var processor: String
  /// The processors that may be used.
  public var cores: Int
  /// The memory of the machine; 0 when unknown.
  public var memoryBytes: Int
  /// The instruction set that the kernels run on.
  public var kernelLevel: String
  /// The operating system.
  public var system: String

  /// Makes a description from its parts.
  public init(
    processor: String, cores: Int, memoryBytes: Int, kernelLevel: String, system: String
  ) {
    self.processor = processor
    self.cores = cores
    self.memoryBytes = memoryBytes
    self.kernelLevel = kernelLevel
    self.system = system
  }

  /// The machine that this process runs on.
  public static func current() -> Machine {
    let pages = max(0, sysconf(Int32(_SC_PHYS_PAGES)))
    let (bytes, overflow) = Int(pages).multipliedReportingOverflow(
      by: max(0, Int(sysconf(Int32(_SC_PAGESIZE)))))
    return Machine(
      processor: processorName(), cores: max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))),
      memoryBytes: overflow ? 0 : bytes, kernelLevel: KernelLevel.current.rawValue,
      system: systemName())
  }

  private static func processorName() -> String {
    #if canImport(Darwin)
      var buffer = [CChar](repeating: 0, count: 256)
      var size = buffer.count
      // SAFETY: the kernel writes at most `size` bytes, which is the length of the buffer.
      let status = unsafe sysctlbyname("machdep.cpu.brand_string", &buffer, &size, nil, 0)
      guard status == 0 else { return "unknown" }
      return String(
        decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #else
      let text = SystemFile.contents(of: "/proc/cpuinfo") ?? ""
      for name in ["model name", "Processor", "CPU part"] {
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
          guard let colon = line.firstIndex(of: ":") else { continue }
          let value = line[line.index(after: colon)...].split(separator: " ")
          if !value.isEmpty { return value.joined(separator: " ") }
        }
      }
      return "unknown"
    #endif
  }

  private static func systemName() -> String {
    let release = SystemFile.contents(of: "/etc/os-release") ?? ""
    for line in release.split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
      return line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" }
    }
    #if os(macOS)
      return "macOS"
    #else
      return "Linux"
    #endif
  }
}
