import Foundation
import NeedletailCore
import NeedletailEvaluation
import Testing
import _NeedletailTestSupport

@Suite struct MixtureTests {
  private func bits(_ components: [Float]) -> [UInt32] { components.map(\.bitPattern) }

  @Test func theBytesOfTheSmallStandardAreThoseThatAreWrittenDown() throws {
    let standard = try #require(Mixture.standards.first { $0.rows == 10_000 })
    let directory = try TemporaryDirectory()
    let mixture = try Mixture(threads: 3)
    #expect(mixture.standard(rows: 10_000, queries: 2000) == standard)
    // What is expected is checked in the call.
    let digest = try mixture.write(
      10_000, of: .base, to: directory("base.fbin"), expected: standard.baseDigest, threads: 3)
    #expect(digest == standard.baseDigest)
    #expect(
      try mixture.write(
        2000, of: .queries, to: directory("query.fbin"), expected: standard.queryDigest, threads: 1)
        == standard.queryDigest)
  }

  @Test func aFileThatIsAnotherOneIsRefusedAndKept() throws {
    let directory = try TemporaryDirectory()
    let mixture = try Mixture(centres: 3)
    let error = #expect(throws: NeedletailError.self) {
      try mixture.write(
        5, of: .base, to: directory("base.fbin"), expected: String(repeating: "0", count: 64),
        threads: 1)
    }
    #expect(error?.code == .corrupted)
    #expect(FileManager.default.fileExists(atPath: directory("base.fbin")))
  }

  @Test func rowsDependOnTheirNumberOnly() throws {
    let one = try Mixture(centres: 50, seed: 7, threads: 1)
    let other = try Mixture(centres: 50, seed: 7, threads: 4)
    let all = one.rows(0..<40, of: .base)
    #expect(bits(all) == bits(other.rows(0..<40, of: .base)))
    #expect(bits(Array(all[(17 * 128)..<(23 * 128)])) == bits(one.rows(17..<23, of: .base)))
    #expect(bits(all) != bits(one.rows(0..<40, of: .queries)))
    #expect(bits(all) != bits(try Mixture(centres: 50, seed: 8).rows(0..<40, of: .base)))
  }

  @Test(arguments: [1, 4095, 4096, 4097, 40_000])
  func blocksAreTheRowsInTheirOrder(_ count: Int) throws {
    let mixture = try Mixture(centres: 5, seed: 3, threads: 1)
    var rows = 0
    try mixture.forEachBlock(count: count, of: .base, threads: 2) {
      (block) throws(NeedletailError) in
      // The first row of each block is looked at: the whole is the digest's matter.
      #expect(bits(block[0]) == bits(mixture.rows(rows..<rows + 1, of: .base)))
      rows += block.count
    }
    #expect(rows == count)
  }

  @Test func cancellingLeavesNothing() throws {
    let directory = try TemporaryDirectory()
    let monitor = WorkMonitor()
    monitor.cancel()
    let error = #expect(throws: NeedletailError.self) {
      try Mixture(centres: 3).write(
        100, of: .base, to: directory("base.fbin"), expected: nil, threads: 1, monitor: monitor)
    }
    #expect(error?.code == .cancelled)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  @Test(arguments: [0, -1, 100_001])
  func impossibleNumbersOfCentresAreRefused(_ centres: Int) {
    let error = #expect(throws: NeedletailError.self) { try Mixture(centres: centres) }
    #expect(error?.code == .invalidConfiguration)
  }

  /// One cluster: sixteen directions of variance 1 and noise of variance 0.01 in each component.
  @Test func rowsSpreadAsTheDescriptionSays() throws {
    let mixture = try Mixture(centres: 1, seed: 11)
    let count = 4000
    let rows = mixture.rows(0..<count, of: .base)
    var total = 0.0
    for j in 0..<128 {
      var (sum, square) = (0.0, 0.0)
      for row in 0..<count {
        let value = Double(rows[row * 128 + j])
        sum += value
        square += value * value
      }
      total += square / Double(count) - (sum / Double(count)) * (sum / Double(count))
    }
    #expect(abs(total - (16 + 1.28)) < 0.5, "\(total)")
  }

  /// Zipf's law: the first of 1 000 clusters has more than an eighth of the rows.
  @Test func clustersHaveTheirShares() throws {
    let mixture = try Mixture(centres: 1000, seed: 42)
    let same = try Mixture(centres: 1, seed: 42)
    // Its weight is 1 of 7.485: 534 of 4 000 rows, which lie where those of a mixture of one lie.
    let centre = mean(same.rows(0..<2000, of: .base))
    let rows = mixture.rows(0..<4000, of: .base)
    let near = (0..<4000).filter { row in
      (0..<128).reduce(0.0) { sum, j in
        let difference = Double(rows[row * 128 + j]) - centre[j]
        return sum + difference * difference
      } < 40
    }
    #expect((450...620).contains(near.count), "\(near.count)")
  }

  private func mean(_ rows: [Float]) -> [Double] {
    let count = rows.count / 128
    return (0..<128).map { j in
      (0..<count).reduce(0.0) { $0 + Double(rows[$1 * 128 + j]) } / Double(count)
    }
  }
}
