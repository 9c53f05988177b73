#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much a test tries: the quick run of every change, or the long one of `make test-long`.
package enum Effort {
  /// Whether `NEEDLETAIL_LONG_TESTS` is set.
  package static let isLong: Bool = unsafe getenv("NEEDLETAIL_LONG_TESTS") != nil

  /// A number for the quick run, and one for the long run.
  package static func count(_ quick: Int, long: Int) -> Int { isLong ? long : quick }
}
