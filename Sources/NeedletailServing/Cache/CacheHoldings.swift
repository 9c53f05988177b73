import NeedletailCore

/// Which entries hold which ids.
///
/// Every id of an entry is a link in two lists: that of the id's holders, and that of the entry's ids. So whatever goes costs
/// what it holds, however many others hold the same. Up to 2^31 links.
struct CacheHoldings: Sendable {
  private struct Link: Sendable {
    let id: VectorID
    let slot: Int32
    var previous: Int32
    var next: Int32
    /// The next id of the same entry; of a free link, the next free one.
    var sibling: Int32
  }

  private var links: [Link] = []
  private var heads: [VectorID: Int32] = [:]
  private var free: Int32 = -1
  /// Links that were made, taken out or mended, for tests.
  private(set) var steps = 0

  /// Notes what an entry holds; gives what `remove` takes for it.
  ///
  /// - Complexity: O(k) expected.
  mutating func add(_ neighbors: [Neighbor], slot: Int) -> Int32 {
    var sibling: Int32 = -1
    for neighbor in neighbors {
      steps += 1
      let head = heads[neighbor.id] ?? -1
      let link = Link(
        id: neighbor.id, slot: Int32(slot), previous: -1, next: head, sibling: sibling)
      let place = place(for: link)
      if head >= 0 { links[Int(head)].previous = place }
      heads[neighbor.id] = place
      sibling = place
    }
    return sibling
  }

  /// Forgets what an entry holds.
  ///
  /// - Complexity: O(k) expected.
  mutating func remove(_ first: Int32) {
    var place = first
    while place >= 0 {
      steps += 1
      let link = links[Int(place)]
      if link.next >= 0 { links[Int(link.next)].previous = link.previous }
      if link.previous >= 0 {
        links[Int(link.previous)].next = link.next
      } else {
        heads[link.id] = link.next < 0 ? nil : link.next
      }
      links[Int(place)].sibling = free
      free = place
      place = link.sibling
    }
  }

  /// The slot of an entry that holds an id.
  func holder(of id: VectorID) -> Int? { heads[id].map { Int(links[Int($0)].slot) } }

  private mutating func place(for link: Link) -> Int32 {
    guard free >= 0 else {
      links.append(link)
      return Int32(links.count - 1)
    }
    let place = free
    free = links[Int(place)].sibling
    links[Int(place)] = link
    return place
  }
}
