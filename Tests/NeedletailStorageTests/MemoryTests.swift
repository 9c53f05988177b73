import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@Suite struct MemoryTests {
  @Test(arguments: [0, 1, 63, 64, 4096, 1 << 20, 4 << 20, 4 << 20 + 1, 9 << 20])
  func blocksAreZeroAlignedAndWritable(byteCount: Int) throws {
    let block = try MemoryBlock(byteCount: byteCount)
    #expect(block.byteCount == byteCount)
    let spanByteCount = block.span.byteCount
    #expect(spanByteCount == byteCount)
    let address = unsafe UInt(bitPattern: block.bytes.baseAddress)
    #expect(address.isMultiple(of: byteCount >= MemoryBlock.mappedByteCount ? 2 << 20 : 64))
    #expect(address != 0)
    #expect(unsafe block.bytes.allSatisfy { $0 == 0 } || byteCount > 1 << 20)
    if byteCount > 0 {
      unsafe block.mutableBytes[byteCount - 1] = 7
      #expect(unsafe block.bytes[byteCount - 1] == 7)
    }
  }

  @Test func impossibleSizesAreErrors() throws {
    for size in [-1, Int.min, Int.max, 1 << 47 + 1] {
      #expect(throws: NeedletailError.self) { try MemoryBlock(byteCount: size) }
    }
    for (count, stride) in [(Int.max, 2), (-1, 8), (1 << 40, 1 << 40), (-2, -2)] {
      #expect(throws: NeedletailError.self) { try MemoryBlock(count: count, stride: stride) }
    }
    // An address space of this size is refused by the system itself.
    #expect(throws: NeedletailError.self) { try MemoryBlock(byteCount: 1 << 47) }
  }

  @Test func residentCopiesHoldTheSameBytes() throws {
    let directory = try TemporaryDirectory()
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 * 31) }
    let file = try LocalFileSystem().create(directory("f"))
    try file.write(bytes)
    try file.close()
    let mapped = try LocalFileSystem().map(directory("f"))
    let resident = try mapped.resident()
    #expect(mapped.isMapped && !resident.isMapped)
    #expect(mapped.array() == bytes && resident.array() == bytes)
    for advice: MappedRegion.Advice in [.random, .sequential, .willNeed, .hugePages, .dontNeed] {
      for range in [0..<10_000, 5_000..<20_000, 3..<4, 9_999..<10_000, 10_000..<10_000] {
        mapped.advise(advice, range)
        resident.advise(advice, range)
      }
    }
    #expect(mapped.array() == bytes && resident.array() == bytes)
  }
}
