import NeedletailCore
import NeedletailEvaluation
import Testing

@Suite struct LoadScheduleTests {
  private func offsets(_ text: String, seed: UInt64 = 1, capacity: Double? = nil) throws -> [Int64]
  {
    try LoadSchedule(parsing: text, capacity: capacity).arrivals(seed: seed).map(\.offset)
  }

  @Test func constantGapsAreAllAlike() throws {
    let times = try offsets("constant:2000qps,20s")
    #expect(times.count == 40_000)
    #expect(times.first == 0)
    for (number, time) in times.enumerated() { #expect(abs(time - Int64(number) * 500_000) <= 1) }
  }

  @Test(arguments: ["constant:3qps,1s", "constant:7000qps,3s", "constant:0.5qps,4s"])
  func constantSchedulesHaveTheirCount(_ text: String) throws {
    let schedule = try LoadSchedule(parsing: text)
    #expect(
      Double(schedule.arrivals(seed: 9).reduce(0) { sum, _ in sum + 1 }) == schedule.expectedCount)
  }

  @Test(arguments: 1...5)
  func poissonArrivalsVaryAsMuchAsTheirMean(_ seed: Int) throws {
    let times = try offsets("poisson:2000qps,50s", seed: UInt64(seed))
    // 100 000 expected, with a deviation of 316.
    #expect(abs(times.count - 100_000) < 1600)
    var counts = [Double](repeating: 0, count: 5000)
    for time in times { counts[Int(time / 10_000_000)] += 1 }
    let mean = counts.reduce(0, +) / 5000
    let variance = counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4999
    // The index of dispersion has a deviation of √(2/4999), 0.02.
    #expect(abs(variance / mean - 1) < 0.1)
    // Gaps are exponential: those longer than the mean are 1/e of them.
    let long = zip(times, times.dropFirst()).count { $1 - $0 > 500_000 }
    #expect(abs(Double(long) / Double(times.count) - 0.3679) < 0.01)
  }

  @Test func seedsDecide() throws {
    #expect(try offsets("poisson:500qps,4s") == offsets("poisson:500qps,4s"))
    #expect(try offsets("poisson:500qps,4s") != offsets("poisson:500qps,4s", seed: 2))
    #expect(
      try offsets("ramp:100..500qps,4s,poisson", seed: 3)
        == offsets("ramp:100..500qps,4s,poisson", seed: 3))
  }

  @Test(arguments: [
    "ramp:500..4000qps,60s", "ramp:500..4000qps,60s,poisson", "ramp:4000..0qps,10s",
  ])
  func rampsFollowTheirLine(_ text: String) throws {
    let schedule = try LoadSchedule(parsing: text)
    let times = schedule.arrivals(seed: 4).map(\.offset)
    #expect(abs(Double(times.count) / schedule.expectedCount - 1) < 0.02)
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
    let length = Int(schedule.nanoseconds / seconds)
    for second in 0..<length {
      let (from, to) = (Int64(second) * seconds, Int64(second + 1) * seconds)
      let count = times.count { $0 >= from && $0 < to }
      let expected = (schedule.rate(at: from) + schedule.rate(at: to - 1)) / 2
      let slack = text.contains("poisson") ? 6 * expected.squareRoot() : 2
      #expect(abs(Double(count) - expected) <= slack)
    }
  }

  @Test func burstsComeAtTheEndOfEachPeriod() throws {
    let schedule = try LoadSchedule(parsing: "burst:100..1000qps,every=10s,for=1s,25s")
    let times = schedule.arrivals(seed: 1).map(\.offset)
    func count(_ range: Range<Int>) -> Int {
      times.count { range.contains(Int($0 / seconds)) }
    }
    #expect(count(0..<9) == 900)
    #expect(abs(count(9..<10) - 1000) <= 1)
    #expect(abs(count(10..<19) - 900) <= 1)
    #expect(abs(count(19..<20) - 1000) <= 1)
    #expect(abs(count(20..<25) - 500) <= 1)
    #expect(schedule.expectedCount == 2300 + 2000)
    #expect(schedule.rate(at: 9 * seconds) == 1000 && schedule.rate(at: 9 * seconds - 1) == 100)
  }

  @Test func partsFollowEachOther() throws {
    for text in [
      "constant:10qps,1s; pause:2s; constant:20qps,1s",
      "constant:10qps,1s then pause:2s then constant:20qps,1s",
    ] {
      let times = try offsets(text)
      #expect(times.count == 30)
      #expect(times.count { $0 < seconds } == 10)
      #expect(times.count { $0 >= 3 * seconds } == 20)
      #expect(times[10] == 3 * seconds)
    }
  }

  @Test func ratesMayBePartsOfTheCapacity() throws {
    #expect(try offsets("constant:0.5x,2s", capacity: 100).count == 100)
    let ramp = try LoadSchedule(parsing: "ramp:0.5x..3x,10s", capacity: 100)
    #expect(ramp.rate(at: 0) == 50 && ramp.expectedCount == 1750)
    #expect(try LoadSchedule(parsing: "ramp:0.5..3x,10s", capacity: 100).expectedCount == 1750)
  }

  @Test func longSchedulesTakeNoRoom() throws {
    // A day of bursts of a millisecond; only the first of 10⁸ periods are looked at.
    let schedule = try LoadSchedule(parsing: "burst:1..100qps,every=2ms,for=1ms,24h")
    var arrivals = schedule.arrivals(seed: 1)
    var last: Int64 = -1
    for _ in 0..<1000 {
      guard let next = arrivals.next() else { break }
      #expect(next.offset >= last)
      last = next.offset
    }
    #expect(last < 30 * seconds)
  }

  @Test(arguments: [
    ("", "empty"), (";", "empty"), ("constant", "constant:2000qps,20s"),
    ("steady:20qps,1s", "constant, poisson"), ("constant:2000,20s", "2000qps"),
    ("constant:2000qps", "comma"), ("constant:2000qps,20", "20s"), ("constant:-5qps,20s", "rate"),
    ("constant:0qps,20s", "pause:5s"), ("constant:nanqps,20s", "rate"),
    ("constant:1e9qps,20s", "rate"), ("constant:99999999qps,20s", "10,000,000"),
    ("constant:2qps,0s", "1ms to 24h"), ("constant:2qps,25h", "1ms to 24h"),
    ("constant:2qps,99999999999999999999s", "20s"), ("constant:0.9x,20s", "--capacity"),
    ("ramp:500qps,60s", "500..4000qps"), ("ramp:500..qps,60s", "rate"),
    ("burst:1..2qps,60s", "every="), ("burst:1..2qps,every=1s,for=2s,60s", "shorter"),
    ("burst:1..2qps,every=0s,for=0s,60s", "1ms to 24h"), ("pause:5s", "sends nothing"),
    ("pause:5s,6s", "pause:5s"), ("constant:9999999qps,24h", "1,000,000,000"),
    ("constant:1qps,20h;constant:1qps,20h", "24 h"), ("log:", "names no file"),
    ("log:x.csv,speed=0", "0.001 to 1000"), ("constant:5qps,1s;;constant:5qps,1s", "empty"),
    ("constant:5qps,1s,poisson", "comma"),
  ])
  func whatIsWrongIsRefusedWithAdvice(_ text: String, _ advice: String) throws {
    let error = #expect(throws: NeedletailError.self) {
      try LoadSchedule(parsing: text) { (path) throws(NeedletailError) in
        try ArrivalLog(parsing: Array("seconds\n1\n".utf8), path: path)
      }
    }
    #expect(error?.code == .invalidConfiguration)
    #expect(error?.message.contains(advice) == true, "\(error?.message ?? "")")
  }

  @Test func noTextTraps() {
    var random = SplitMix64(seed: 7)
    let pieces = [
      "constant", ":", "poisson", "ramp", "burst", "qps", "x", "..", ",", ";", " then ", "every=",
      "for=", "1", "0", "99999999999999999999999", ".", "s", "ms", "h", "-", "é", "log", "speed=",
    ]
    for _ in 0..<3000 {
      let count = Int(random.next(below: 12))
      let text = (0..<count).map { _ in pieces[Int(random.next(below: UInt64(pieces.count)))] }
        .joined()
      guard let schedule = try? LoadSchedule(parsing: text, capacity: 100) else { continue }
      var last: Int64 = 0
      for arrival in schedule.arrivals(seed: 1).prefix(50) {
        #expect(arrival.offset >= last && arrival.offset < schedule.nanoseconds)
        last = arrival.offset
      }
    }
    #expect(throws: NeedletailError.self) {
      try LoadSchedule(parsing: String(repeating: "constant:1qps,1s;", count: 2000) + "pause:1s")
    }
    #expect(throws: NeedletailError.self) {
      try LoadSchedule(parsing: String(repeating: "x", count: 70_000))
    }
  }
}

@Suite struct ArrivalLogTests {
  private func log(_ text: String) throws -> ArrivalLog {
    try ArrivalLog(parsing: Array(text.utf8), path: "arrivals.csv")
  }

  @Test func linesBecomeArrivals() throws {
    let log = try log(
      "seconds,query,priority,tenant,k\n0.5,7,sheddable,shop,20\r\n0.25,3,,,\n\n1,,criticalPlus,b,\n"
    )
    #expect(log.count == 3 && log.nanoseconds == seconds)
    #expect(log[0].offset == 250_000_000 && log[0].query == 3 && log[0].priority == nil)
    #expect(log[1].priority == .sheddable && log[1].k == 20 && log[1].tenant == 0)
    #expect(log[2].query == nil && log[2].tenant == 1)
    #expect(log.tenants == ["shop", "b"])
    #expect(log.highestQuery == 7 && log.highestK == 20)
  }

  @Test func aRecordIsASchedule() throws {
    let record = try log("seconds\n0\n1\n3\n")
    let schedule = try LoadSchedule(parsing: "log:a,b.csv,speed=2 then constant:1qps,2s") { _ in
      record
    }
    #expect(
      schedule.arrivals(seed: 1).map(\.offset).prefix(3) == [0, seconds / 2, 3 * seconds / 2])
    #expect(schedule.expectedCount == 5)
    #expect(schedule.arrivals(seed: 1).map(\.part) == [0, 0, 0, 1, 1])
  }

  @Test(arguments: [
    ("", "no arrivals"), ("seconds\n", "no arrivals"), ("time,query\n1,2\n", "names the columns"),
    ("query\n1\n", "names the columns"), ("seconds,seconds\n1,1\n", "names the columns"),
    ("seconds,query\n1\n", "Line 2"), ("seconds\n-1\n", "Line 2"), ("seconds\nnan\n", "Line 2"),
    ("seconds\n1\n99999999\n", "Line 3"), ("seconds,query\n1,-2\n", "from 0"),
    ("seconds,k\n1,0\n", "1 to"), ("seconds,priority\n1,high\n", "criticalPlus"),
    ("seconds,query\n1,99999999999\n", "Line 2"),
  ])
  func wrongLinesAreNamed(_ text: String, _ words: String) throws {
    let error = #expect(throws: NeedletailError.self) { try log(text) }
    #expect(error?.code == .corrupted)
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }

  @Test func missingFilesAreNamed() {
    let error = #expect(throws: NeedletailError.self) {
      try LoadSchedule(parsing: "log:/nowhere/arrivals.csv")
    }
    #expect(error?.code == .notFound)
  }
}
