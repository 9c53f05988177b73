/// What a cache did since it was made.
public struct CacheCounts: Sendable, Hashable, Codable {
  /// Fresh answers that were given.
  public var hits = 0
  /// Answers that were given with the label that they are stale.
  public var staleHits = 0
  /// Of both, the answers that had been made at a better rung than was asked for.
  public var betterHits = 0
  /// Questions that became searches, and looks that found nothing.
  public var misses = 0
  /// Questions that waited for somebody else's search.
  public var joined = 0
  /// Searches that were begun before anybody asked.
  public var prefetches = 0
  /// Of their answers, those that somebody asked for afterwards.
  public var prefetchHits = 0
  /// Answers that were not kept, because something had changed since their search began.
  public var overtaken = 0
  /// Answers that a change ended.
  public var invalidated = 0
  /// Answers that more popular ones drove out.
  public var evictions = 0

  static func += (a: inout CacheCounts, b: CacheCounts) {
    a.hits += b.hits
    a.staleHits += b.staleHits
    a.betterHits += b.betterHits
    a.misses += b.misses
    a.joined += b.joined
    a.prefetches += b.prefetches
    a.prefetchHits += b.prefetchHits
    a.overtaken += b.overtaken
    a.invalidated += b.invalidated
    a.evictions += b.evictions
  }
}
