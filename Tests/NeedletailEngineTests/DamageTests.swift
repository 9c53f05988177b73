import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Every truncation and every flipped bit of a small index: no trap, and no wrong answer after `.full`.
@Suite("Damage")
struct DamageTests {
  // An unoptimised build takes every so-many-th bit, starting where the kind says.
  #if DEBUG
    static let stride = 61
  #else
    static let stride = 1
  #endif

  @Test("A small index has at most 16 KiB, in turbo mode 24", arguments: SmallIndex.Kind.allCases)
  func size(kind: SmallIndex.Kind) throws {
    let index = try SmallIndex(kind)
    #expect(index.files.count == (kind == .bare || kind == .attributes ? 3 : 4))
    #expect(index.files.values.reduce(0) { $0 + $1.count } <= (kind == .turbo ? 24 : 16) << 10)
  }

  @Test("Every flipped bit", arguments: SmallIndex.Kind.allCases)
  func flips(kind: SmallIndex.Kind) throws {
    let index = try SmallIndex(kind)
    let fileSystem = try index.fileSystem()
    // Every bit of the first kind; the others differ in a few sections only.
    let step = kind == .cosine || Effort.isLong ? Self.stride : Self.stride * 5
    for (path, bytes) in index.files.sorted(by: { $0.key < $1.key }) {
      var damaged = bytes
      for bit in Swift.stride(from: kind.rawValue.count % step, to: bytes.count * 8, by: step) {
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        defer { damaged[bit / 8] ^= 1 << UInt8(bit % 8) }
        try fileSystem.setContents(path, damaged)
        #expect(
          index.judge(fileSystem, isMapped: bit % 3 == 0, "\(path), bit \(bit)"),
          "\(path), bit \(bit): every byte has a checksum")
      }
      try fileSystem.setContents(path, bytes)
    }
    #expect(!index.judge(fileSystem, isMapped: true, "undamaged"))
  }

  @Test("Every truncation, and a missing file", arguments: SmallIndex.Kind.allCases)
  func truncations(kind: SmallIndex.Kind) throws {
    let index = try SmallIndex(kind)
    let fileSystem = try index.fileSystem()
    for (path, bytes) in index.files.sorted(by: { $0.key < $1.key }) {
      let step = kind == .cosine || Effort.isLong ? 1 : 7
      for length in Swift.stride(from: 0, to: bytes.count, by: step) {
        try fileSystem.setContents(path, Array(bytes.prefix(length)))
        #expect(
          index.judge(fileSystem, isMapped: length % 3 == 0, "\(path), length \(length)"),
          "\(path), length \(length)")
      }
      try fileSystem.setContents(path, bytes + [0])
      #expect(index.judge(fileSystem, isMapped: true, "\(path), a byte more"))
      try fileSystem.remove(path)
      #expect(index.judge(fileSystem, isMapped: true, "\(path), missing"))
      try fileSystem.setContents(path, bytes)
    }
  }

  @Test("Flipped bits where the walk goes far", arguments: SmallIndex.Kind.allCases)
  func walks(kind: SmallIndex.Kind) throws {
    let index = try SmallIndex(kind, count: 400)
    let fileSystem = try index.fileSystem()
    var random = SplitMix64(seed: 17)
    let paths = index.files.keys.filter { $0.hasSuffix(".segment") || $0.hasSuffix(".quantizer") }
    for path in paths.sorted() {
      let bytes = try #require(index.files[path])
      #if DEBUG
        let rounds = 30
      #else
        let rounds = Effort.count(1_000, long: 50_000)
      #endif
      for round in 0..<rounds {
        var damaged = bytes
        // Behind the header, whose checksum is looked at in any mode.
        for _ in 0..<(1 + round % 40) {
          let at = 4_096 + Int(random.next(below: UInt64(max(1, bytes.count - 4_200))))
          if at < bytes.count - 48 { damaged[at] = UInt8(truncatingIfNeeded: random.next()) }
        }
        try fileSystem.setContents(path, damaged)
        let isSame = damaged == bytes
        #expect(index.judge(fileSystem, isMapped: round % 2 == 0, "\(path), \(round)") != isSame)
      }
      try fileSystem.setContents(path, bytes)
    }
  }
}
