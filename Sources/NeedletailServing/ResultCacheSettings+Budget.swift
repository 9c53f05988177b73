public import NeedletailBudgets

extension ResultCacheSettings {
  /// Settings as a budget has them; `nil` where it has no cache, or no room for one.
  ///
  /// Without a ceiling of its own the cache has a sixteenth of all memory, at most 64 MiB.
  public init?(_ budget: PerformanceBudget) {
    guard budget.cache.isEnabled else { return nil }
    let share = min(Self.usualCapacity, (budget.memory.total ?? .max) / 16)
    let capacity = min(Self.largestCapacity, budget.memory.cache ?? share)
    guard capacity >= CacheSettings.leastBytes else { return nil }
    self.init(capacity: capacity)
    // A power of 2, so that none is added: each has room for an answer.
    while shards > 1, capacity < shards * CacheSettings.leastBytes { shards /= 2 }
    // And none is larger than one can be.
    while capacity / shards > Self.largestShard { shards *= 2 }
    freshAge = Nanoseconds(budget.cache.freshFor)
    staleAge = Nanoseconds(budget.cache.staleFor)
  }

  private static let usualCapacity = 64 << 20
  private static let largestCapacity = 1 << 40
  private static let largestShard = 1 << 36
}
