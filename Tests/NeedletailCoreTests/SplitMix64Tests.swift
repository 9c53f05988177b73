import NeedletailCore
import Testing

@Suite struct SplitMix64Tests {
  @Test func knownAnswers() {
    // The first outputs of the published algorithm.
    var zero = SplitMix64(seed: 0)
    #expect(
      (0..<5).map { _ in zero.next() } == [
        0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f,
        0xf88b_b8a8_724c_81ec, 0x1b39_896a_51a8_749b,
      ])
    var other = SplitMix64(seed: 1_234_567)
    #expect(
      (0..<5).map { _ in other.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }

  @Test func aBoundIsNeverReachedAndEveryValueComes() {
    var random = SplitMix64(seed: 3)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[Int(random.next(below: 7))] += 1 }
    // Five deviations of a fair die.
    #expect(counts.allSatisfy { abs($0 - 10_000) < 465 }, "\(counts)")
    #expect((0..<1_000).allSatisfy { _ in random.next(below: 1) == 0 })
    #expect((0..<1_000).allSatisfy { _ in random.next(below: .max) < .max })
  }

  @Test func unitsLieInTheUnitInterval() {
    var random = SplitMix64(seed: 4)
    let units = (0..<100_000).map { _ in random.nextUnit() }
    #expect(units.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(units.reduce(0, +) / 100_000 - 0.5) < 0.005)
  }

  @Test func theSameSeedGivesTheSameNumbers() {
    var a = SplitMix64(seed: 9)
    var b = SplitMix64(seed: 9)
    var c = SplitMix64(seed: 10)
    let first = (0..<100).map { _ in a.next() }
    #expect(first == (0..<100).map { _ in b.next() })
    #expect(first != (0..<100).map { _ in c.next() })
  }
}
