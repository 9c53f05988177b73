/// Calls `body` with every value; when it throws, the error says for which one.
///
/// For small worlds: every length, every bit, every thread count.
package func withEvery<Values: Sequence>(
  _ name: String, in values: Values, _ body: (Values.Element) throws -> Void
) throws {
  for value in values {
    do { try body(value) } catch { throw FailedCase(name: "\(name) = \(value)", cause: error) }
  }
}

/// Calls `body` with every pair of two values.
package func withEvery<First: Sequence, Second: Collection>(
  _ name: String, in first: First, _ other: String, in second: Second,
  _ body: (First.Element, Second.Element) throws -> Void
) throws {
  try withEvery(name, in: first) { a in try withEvery(other, in: second) { b in try body(a, b) } }
}

/// An error, and the case in which it came.
package struct FailedCase: Error, CustomStringConvertible {
  package let name: String
  package let cause: any Error
  package var description: String { "\(name): \(cause)" }
}
