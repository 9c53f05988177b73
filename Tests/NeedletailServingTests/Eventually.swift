import Testing

/// Asks again and again until it is so; fails a test that would otherwise stand still for ever.
///
/// The limit is far beyond what any machine takes: it says that something hangs, and nothing about speed.
func eventually(
  within limit: Duration = .seconds(120), _ isSo: () throws -> Bool,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let end = ContinuousClock.now + limit
  while try !isSo() {
    try #require(
      ContinuousClock.now < end, "It has not come in \(limit).", sourceLocation: sourceLocation)
  }
}

/// The same in a task, whose thread others have meanwhile.
func eventually(
  within limit: Duration = .seconds(120), _ isSo: () throws -> Bool,
  sourceLocation: SourceLocation = #_sourceLocation
) async throws {
  let end = ContinuousClock.now + limit
  while try !isSo() {
    try #require(
      ContinuousClock.now < end, "It has not come in \(limit).", sourceLocation: sourceLocation)
    await Task.yield()
  }
}
