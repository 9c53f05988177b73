import NeedletailCore
import Testing

@Suite struct NeighborTests {
  static let values: [Float] = [
    -.infinity, -2, -0.0, 0, .leastNonzeroMagnitude, 1, .greatestFiniteMagnitude, .infinity, .nan,
  ]

  @Test func theOrderIsStrictAndTotal() {
    let all = Self.values.flatMap { value in
      [0, 1, UInt64.max].map { Neighbor(id: $0, distance: value) }
    }
    for a in all {
      #expect(!Neighbor.precedes(a, a))
      for b in all {
        let same =
          a.id == b.id && (a.distance == b.distance || a.distance.isNaN && b.distance.isNaN)
        #expect(Neighbor.precedes(a, b) != Neighbor.precedes(b, a) || same, "\(a) \(b)")
        for c in all where Neighbor.precedes(a, b) && Neighbor.precedes(b, c) {
          #expect(Neighbor.precedes(a, c), "\(a) \(b) \(c)")
        }
      }
    }
  }

  @Test func nearerFirstThenLowerIDThenNaN() {
    let unsorted: [Neighbor] = [
      .init(id: 1, distance: .nan), .init(id: 9, distance: 1), .init(id: 7, distance: .infinity),
      .init(id: 2, distance: 1), .init(id: 0, distance: .nan), .init(id: 5, distance: -1),
      .init(id: 4, distance: -0.0), .init(id: 3, distance: 0),
    ]
    #expect(unsorted.sorted(by: Neighbor.precedes).map(\.id) == [5, 3, 4, 2, 9, 7, 0, 1])
  }
}
