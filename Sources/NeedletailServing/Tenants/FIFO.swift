/// A queue in a ring that grows: first in, first out, both in constant time.
struct FIFO<Element: Sendable>: Sendable {
  private var places: [Element?] = []
  private var head = 0
  private(set) var count = 0

  var first: Element? { count == 0 ? nil : places[head] }

  mutating func append(_ element: Element) {
    if count == places.count { grow() }
    places[(head + count) % places.count] = element
    count += 1
  }

  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    let element = places[head]
    places[head] = nil
    head = (head + 1) % places.count
    count -= 1
    return element
  }

  private mutating func grow() {
    var larger: [Element?] = []
    larger.reserveCapacity(max(4, 2 * count))
    for offset in 0..<count { larger.append(places[(head + offset) % places.count]) }
    while larger.count < max(4, 2 * count) { larger.append(nil) }
    places = larger
    head = 0
  }
}
