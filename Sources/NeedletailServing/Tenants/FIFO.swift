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

  /// The place of the first element that is not before another one, in a queue that ascends: 0 is the next to be taken.
  ///
  /// - Complexity: O(log n).
  func place(where isBefore: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if let element = self[middle], isBefore(element) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The element at a place; `nil` beyond the last one.
  subscript(place: Int) -> Element? {
    place < count ? places[(head + place) % places.count] : nil
  }

  /// Takes out the element at a place.
  ///
  /// - Complexity: O(elements before it, or behind it, whatever is fewer).
  mutating func remove(at place: Int) -> Element? {
    guard let element = self[place] else { return nil }
    if place < count / 2 {
      for next in stride(from: place, to: 0, by: -1) {
        places[(head + next) % places.count] = places[(head + next - 1) % places.count]
      }
      places[head] = nil
      head = (head + 1) % places.count
    } else {
      for next in (place + 1)..<max(place + 1, count) {
        places[(head + next - 1) % places.count] = places[(head + next) % places.count]
      }
      places[(head + count - 1) % places.count] = nil
    }
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
