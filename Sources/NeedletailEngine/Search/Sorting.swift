import NeedletailCore
import NeedletailKernels

/// Sorts keys in place, ascending, without allocating.
///
/// - Complexity: O(n²) moves up to 48 keys, O(n log n) beyond.
@unsafe
func sortKeys(_ keys: UnsafeMutablePointer<CandidateKey>, count: Int) {
  unsafe sortInPlace(keys, count: count) { $0 < $1 }
}

/// Sorts answers in place by distance, ties by id, without allocating.
@unsafe
func sortNeighbors(_ neighbors: UnsafeMutablePointer<Neighbor>, count: Int) {
  unsafe sortInPlace(neighbors, count: count, by: Neighbor.precedes)
}

/// Takes an answer among the `capacity` nearest of a list whose first is the farthest, without allocating.
///
/// - Precondition: the list has room for `capacity` ≥ 1 answers, and was filled by this alone.
/// - Complexity: O(log capacity); one comparison for what is too far.
@unsafe
func keepNearest(
  _ list: UnsafeMutablePointer<Neighbor>, count: inout Int, capacity: Int, _ neighbor: Neighbor
) {
  guard count < capacity else {
    if unsafe Neighbor.precedes(neighbor, list[0]) {
      unsafe list[0] = neighbor
      unsafe sink(list, from: 0, count: count, by: Neighbor.precedes)
    }
    return
  }
  var place = count
  while place > 0, unsafe Neighbor.precedes(list[(place &- 1) / 2], neighbor) {
    unsafe list[place] = list[(place &- 1) / 2]
    place = (place &- 1) / 2
  }
  unsafe list[place] = neighbor
  count &+= 1
}

/// Insertion sort for short lists, heap sort for long ones: the library's sort takes memory.
@unsafe @inline(__always)
private func sortInPlace<Element>(
  _ list: UnsafeMutablePointer<Element>, count: Int, by precedes: (Element, Element) -> Bool
) {
  if count <= 48 {
    var i = 1
    while i < count {
      let element = unsafe list[i]
      var j = i
      while j > 0, unsafe precedes(element, list[j &- 1]) {
        unsafe list[j] = list[j &- 1]
        j &-= 1
      }
      unsafe list[j] = element
      i &+= 1
    }
    return
  }
  var start = count / 2
  while start > 0 {
    start &-= 1
    unsafe sink(list, from: start, count: count, by: precedes)
  }
  var end = count
  while end > 1 {
    end &-= 1
    let largest = unsafe list[0]
    unsafe list[0] = list[end]
    unsafe list[end] = largest
    unsafe sink(list, from: 0, count: end, by: precedes)
  }
}

@unsafe @inline(__always)
private func sink<Element>(
  _ heap: UnsafeMutablePointer<Element>, from start: Int, count: Int,
  by precedes: (Element, Element) -> Bool
) {
  var parent = start
  while true {
    var child = 2 &* parent &+ 1
    if child >= count { return }
    if child &+ 1 < count, unsafe precedes(heap[child], heap[child &+ 1]) { child &+= 1 }
    if unsafe !precedes(heap[parent], heap[child]) { return }
    let element = unsafe heap[parent]
    unsafe heap[parent] = heap[child]
    unsafe heap[child] = element
    parent = child
  }
}
