import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Sessions that go from item to item, several at a time, as one sequence of questions.
///
/// Items are begun with by Zipf's law. Each item leads to eight others, the first more often than the second and so on; the rest of
/// the time a session leaps to an item as if it began.
struct SessionLog {
  private(set) var questions: [(session: UInt64, item: Int)] = []

  init(
    count: Int, items: Int, skew: Double = 0.9, following: Double, sessions: Int = 25,
    length: UInt64 = 10, seed: UInt64
  ) {
    var random = SplitMix64(seed: seed)
    var sums: [Double] = []
    var sum = 0.0
    for rank in 1...items {
      sum += pow(Double(rank), -skew)
      sums.append(sum)
    }
    func leap() -> Int {
      let wanted = random.nextUnit() * sum
      var (low, high) = (0, items - 1)
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] < wanted { low = middle + 1 } else { high = middle }
      }
      return low
    }
    var open = (0..<sessions).map { (number: UInt64($0), item: leap()) }
    var next = UInt64(sessions)
    while questions.count < count {
      let place = Int(random.next(below: UInt64(sessions)))
      questions.append((open[place].number, open[place].item))
      if random.next(below: length) == 0 {
        open[place] = (next, leap())
        next += 1
      } else if random.nextUnit() < following {
        var rank: UInt64 = 0
        while rank < 7, random.next(below: 2) == 0 { rank += 1 }
        var road = SplitMix64(seed: UInt64(open[place].item) << 3 | rank)
        open[place].item = Int(road.next(below: UInt64(items)))
      } else {
        open[place].item = leap()
      }
    }
  }
}
