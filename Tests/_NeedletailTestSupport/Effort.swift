#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much a test tries: the quick run of every change, the long one of `make test-long`, or the brief one under a
/// sanitizer, where everything takes tens of times as long.
package enum Effort {
  /// Whether `NEEDLETAIL_LONG_TESTS` is set.
  package static let isLong: Bool = unsafe getenv("NEEDLETAIL_LONG_TESTS") != nil
  /// Whether `NEEDLETAIL_BRIEF_TESTS` is set.
  package static let isBrief: Bool = unsafe getenv("NEEDLETAIL_BRIEF_TESTS") != nil

  /// Whether AddressSanitizer is in this process: it answers some calls itself that would reach the system.
  package static let isAddressSanitized: Bool = unsafe dlsym(nil, "__asan_init") != nil

  /// A number for the quick run, and one for the long run; a brief one takes a twentieth of many.
  package static func count(_ quick: Int, long: Int) -> Int {
    if isLong { return long }
    return isBrief && quick >= 1_000 ? quick / 20 : quick
  }
}
