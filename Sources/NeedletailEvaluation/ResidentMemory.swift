#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#endif

/// The memory of this process that is in RAM now.
public struct ResidentMemory: Sendable, Hashable, Codable {
  /// Memory without a file behind it: heap, stacks, private copies.
  public var anonymousBytes: Int
  /// Pages of mapped files, shared with the system's cache.
  public var fileBackedBytes: Int

  /// Makes a measurement from its parts.
  public init(anonymousBytes: Int, fileBackedBytes: Int) {
    self.anonymousBytes = anonymousBytes
    self.fileBackedBytes = fileBackedBytes
  }

  /// What this process holds at this moment; nil where the system does not tell.
  ///
  /// - Complexity: the kernel walks the page tables: about a millisecond for a gigabyte.
  public static func current() -> ResidentMemory? {
    #if canImport(Darwin)
      var information = task_vm_info_data_t()
      let words = MemoryLayout<task_vm_info_data_t>.size / MemoryLayout<natural_t>.size
      var count = mach_msg_type_number_t(words)
      // SAFETY: the kernel writes at most `count` words into a structure of that many words.
      let status = unsafe withUnsafeMutablePointer(to: &information) { pointer in
        unsafe pointer.withMemoryRebound(to: integer_t.self, capacity: words) { words in
          unsafe task_info(mach_task_self_, task_flavor_t(TASK_VM_INFO), words, &count)
        }
      }
      guard status == KERN_SUCCESS else { return nil }
      return ResidentMemory(
        anonymousBytes: Int(information.internal), fileBackedBytes: Int(information.external))
    #else
      guard let text = SystemFile.contents(of: "/proc/self/smaps_rollup") else { return nil }
      return parse(smapsRollup: text)
    #endif
  }

  /// The anonymous memory at this moment, told without a walk of the page tables; nil where the system does not tell.
  ///
  /// - Complexity: some microseconds, for any size.
  static func anonymousBytesNow() -> Int? {
    #if canImport(Darwin)
      return current()?.anonymousBytes
    #else
      guard let text = SystemFile.contents(of: "/proc/self/statm") else { return nil }
      let pages = text.split(separator: " ").prefix(3).compactMap { Int($0) }
      guard pages.count == 3, pages[1] >= pages[2] else { return nil }
      return (pages[1] - pages[2]) * max(1, Int(sysconf(Int32(_SC_PAGESIZE))))
    #endif
  }

  /// Reads the kernel's `smaps_rollup`: what is resident but not anonymous has a file behind it.
  package static func parse(smapsRollup text: String) -> ResidentMemory? {
    func kibibytes(_ name: String) -> Int? {
      for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
        return line.dropFirst(name.count + 1).split(separator: " ").first.flatMap { Int($0) }
      }
      return nil
    }
    guard let resident = kibibytes("Rss"), let anonymous = kibibytes("Anonymous"),
      resident >= anonymous
    else { return nil }
    return ResidentMemory(
      anonymousBytes: anonymous * 1024, fileBackedBytes: (resident - anonymous) * 1024)
  }
}
