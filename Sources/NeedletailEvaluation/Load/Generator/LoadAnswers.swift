import NeedletailCore

/// Answers that were kept for a judge: of each rung evenly over the time in which it was used.
///
/// Of a rung that gave more answers than are kept, every second, fourth, … one stays.
public struct LoadAnswers: Sendable {
  /// One answer.
  struct Entry: Sendable {
    var query: Int
    var tier: Int?
    var priority: LoadPriority
    var tenant: Int
    var count: Int
  }

  /// The answers of one rung.
  struct Kept: Sendable {
    var entries: [Entry] = []
    /// `[entries, width]`.
    var ids: [VectorID] = []
    var stride = 1
    var seen = 0
  }

  /// Neighbours of each.
  let width: Int
  private let limit: Int
  /// The queries that somebody judges; nil: all.
  private let queries: Set<Int>?
  /// By rung; the last one is of answers that name none.
  private(set) var kept: [Kept]

  init(rungs: Int, width: Int, limit: Int, queries: Set<Int>? = nil) {
    self.width = width
    self.limit = limit
    self.queries = queries
    kept = Array(repeating: Kept(), count: rungs + 1)
  }

  /// Takes an answer out of the collector, or lets it go by.
  mutating func keep(_ record: LoadCollector.Record, slot: Int, from collector: LoadCollector) {
    guard limit > 0, record.request.k == width,
      queries?.contains(record.request.query) ?? true
    else { return }
    let place = record.response.rung.map { min(max(0, $0), kept.count - 1) } ?? kept.count - 1
    defer { kept[place].seen += 1 }
    guard kept[place].seen.isMultiple(of: kept[place].stride) else { return }
    if kept[place].entries.count >= limit { thin(place) }
    guard kept[place].seen.isMultiple(of: kept[place].stride) else { return }
    let request = record.request
    kept[place].entries.append(
      Entry(
        query: request.query, tier: record.response.tier, priority: request.priority,
        tenant: request.tenant, count: record.count))
    collector.appendAnswers(of: slot, to: &kept[place].ids)
  }

  private mutating func thin(_ place: Int) {
    var thinned = Kept(stride: kept[place].stride * 2, seen: kept[place].seen)
    for number in stride(from: 0, to: kept[place].entries.count, by: 2) {
      thinned.entries.append(kept[place].entries[number])
      thinned.ids += kept[place].ids[number * width..<(number + 1) * width]
    }
    kept[place] = thinned
  }

  /// The neighbours of an answer as a judge takes them: their distances are the judge's to find.
  func neighbors(_ number: Int, of kept: Kept) -> [Neighbor] {
    kept.ids[number * width..<number * width + kept.entries[number].count].map {
      Neighbor(id: $0, distance: 0)
    }
  }
}
