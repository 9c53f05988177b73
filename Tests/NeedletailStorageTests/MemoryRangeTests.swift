import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@Suite("Pages of memory")
struct MemoryRangeTests {
  /// All steps of a range.
  private func steps(_ range: MemoryRange) -> [Range<Int>] {
    var steps: [Range<Int>] = []
    var step = range.step(from: 0)
    while !step.isEmpty {
      steps.append(step)
      step = range.step(from: step.upperBound)
    }
    return steps
  }

  @Test("Steps follow one another to the end", arguments: [0, 1, 4_095, 4 << 20, 5 << 20 + 3])
  func steps(byteCount: Int) throws {
    let block = try MemoryBlock(byteCount: byteCount + 77)
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: block.bytes[77...])
    let range = unsafe MemoryRange(bytes, owner: block)
    let steps = steps(range)
    #expect(steps.first?.lowerBound ?? 0 == 0 && steps.last?.upperBound ?? 0 == byteCount)
    for (one, next) in zip(steps, steps.dropFirst()) {
      #expect(one.upperBound == next.lowerBound)
      let end = UInt(bitPattern: bytes.baseAddress) + UInt(one.upperBound)
      #expect(end.isMultiple(of: UInt(MemoryRange.stepByteCount)))
    }
  }

  @Test("What was never touched is not there, and is there afterwards")
  func touch() throws {
    let block = try MemoryBlock(byteCount: 9 << 20)
    let range = unsafe MemoryRange(block.bytes, owner: block)
    #expect(range.residentByteCount(0..<range.byteCount) == 0)
    range.touch(0..<range.byteCount)
    #expect(range.residentByteCount(0..<range.byteCount) == 9 << 20)
    // Parts of pages count as such.
    #expect(range.residentByteCount(5..<9_000) == 8_995)
    #expect(range.residentByteCount(-7..<3) == 3)
    #expect(range.residentByteCount(1..<1) == 0)
  }

  // AddressSanitizer takes calls to lock memory for done, and does nothing.
  @Test(
    "Locked pages are there, and a limit is no failure", .enabled(if: !Effort.isAddressSanitized))
  func lock() throws {
    for byteCount in [1_000, 70_000, 5 << 20] {
      let block = try MemoryBlock(byteCount: byteCount)
      let range = unsafe MemoryRange(block.bytes, owner: block)
      var locked = 0
      for step in steps(range) where range.lock(step) {
        locked += step.count
        #expect(range.residentByteCount(step) == step.count)
      }
      #expect(locked <= byteCount)
    }
    // Where the system refuses, here because nothing is mapped, that is all that happens.
    let owner = try MemoryBlock(byteCount: 0)
    let nothing = unsafe MemoryRange(
      UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: 4_096), count: 8_192),
      owner: owner)
    #expect(!nothing.lock(0..<8_192) && nothing.residentByteCount(0..<8_192) == 0)
  }

  @Test("Pages of a file")
  func file() throws {
    let directory = try TemporaryDirectory()
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 * 31) }
    let file = try LocalFileSystem().create(directory("f"))
    try file.write(bytes)
    try file.synchronize()
    try file.close()
    let region = try LocalFileSystem().map(directory("f"))
    region.advise(.random)
    region.advise(.dontNeed)
    let range = unsafe MemoryRange(region.bytes, owner: region)
    let isEvicted = Eviction.evict(directory("f"))
    let before = range.residentByteCount(0..<range.byteCount)
    for step in steps(range) { range.touch(step) }
    #expect(range.residentByteCount(0..<range.byteCount) == bytes.count)
    if isEvicted { #expect(before < bytes.count / 2) }
  }
}
