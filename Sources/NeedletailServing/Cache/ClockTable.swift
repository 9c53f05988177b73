/// Values by number, within so many bytes: where there is no room, what was not used for a while goes.
///
/// Source of the idea: second chance, Corbató, *A paging experiment with the Multics system* (1968).
///
/// - Complexity: O(1) amortised.
struct ClockTable<Value: Sendable>: Sendable {
  private struct Slot: Sendable {
    let number: UInt64
    var value: Value
    var byteCount: Int
    var isUsed: Bool
  }

  /// What finding a value takes, and what stands around it.
  private static var overhead: Int { 96 }

  private var slots: [Slot] = []
  private var places: [UInt64: Int] = [:]
  private var hand = 0
  private let capacity: Int
  /// Bytes of all values, as they were told, with what stands around them.
  private(set) var byteCount = 0

  /// An empty table of at most `capacity` bytes.
  init(capacity: Int) { self.capacity = max(0, capacity) }

  /// Values.
  var count: Int { slots.count }

  /// The value of a number, if there is one; it counts as used.
  mutating func use(_ number: UInt64) -> Value? {
    guard let place = places[number] else { return nil }
    slots[place].isUsed = true
    return slots[place].value
  }

  /// Sets the value of a number, and how many bytes it takes; others may go for it, and where it is larger than all there is room
  /// for, it does.
  mutating func set(_ number: UInt64, _ value: Value, byteCount: Int) {
    let size = max(0, byteCount) + Self.overhead
    if let place = places[number] {
      self.byteCount += size - slots[place].byteCount
      slots[place].value = value
      slots[place].byteCount = size
      slots[place].isUsed = true
    } else {
      places[number] = slots.count
      slots.append(Slot(number: number, value: value, byteCount: size, isUsed: false))
      self.byteCount += size
    }
    while self.byteCount > capacity, !slots.isEmpty { removeOne(sparing: number) }
  }

  private mutating func removeOne(sparing number: UInt64) {
    // A round takes every mark, so that the second one finds somebody.
    while slots.count > 1 {
      if hand >= slots.count { hand = 0 }
      if slots[hand].number != number {
        if !slots[hand].isUsed { break }
        slots[hand].isUsed = false
      }
      hand += 1
    }
    if hand >= slots.count { hand = 0 }
    byteCount -= slots[hand].byteCount
    places[slots[hand].number] = nil
    let last = slots.removeLast()
    guard hand < slots.count else { return }
    slots[hand] = last
    places[last.number] = hand
    // The newest is often the last: it is looked at a round later.
    hand += 1
  }
}
