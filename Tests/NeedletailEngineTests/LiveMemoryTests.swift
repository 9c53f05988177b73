import NeedletailCore
import NeedletailKernels
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("The memory of a live segment")
struct LiveMemoryTests {
  private func world(_ count: Int) -> World {
    World(
      .cosine, RandomVectors.clusters(count: count, dimensions: 16, clusters: 9, seed: 2),
      dimensions: 16, m: 6, ef: 30)
  }

  @Test("Grows in place, and is zero until it is written")
  func growth() throws {
    let memory = try ReservedMemory(count: 1000, stride: 4096)
    #expect(memory.byteCount == 0)
    #expect(unsafe UInt(bitPattern: memory.start) % (2 << 20) == 0)
    let start = unsafe memory.start
    for size in [1, 70_000, 1 << 20, 3 << 20, 4_096_000] {
      try memory.grow(to: size)
      #expect(memory.byteCount >= size && memory.byteCount <= memory.reservedByteCount)
      #expect(unsafe memory.start == start)
      #expect(unsafe start.load(fromByteOffset: size - 1, as: UInt8.self) == 0)
      unsafe start.storeBytes(of: 7, toByteOffset: size - 1, as: UInt8.self)
    }
    let before = memory.byteCount
    try memory.grow(to: 5)
    #expect(memory.byteCount == before)
    #expect(unsafe start.load(as: UInt8.self) == 7)
  }

  @Test("Sizes that no address space holds are errors")
  func impossible() throws {
    for (count, stride) in [(Int.max, 2), (1 << 46, 2), (1 << 40, 1 << 20)] {
      #expect(throws: NeedletailError.self) { try ReservedMemory(count: count, stride: stride) }
    }
    // More addresses than a process has, in pieces that are each allowed.
    var options = LiveOptions(self.world(10).options)
    options.build.dimensions = 16_384
    options.rowLimit = Limits.rowsPerSegment
    let large = World(
      .cosine, RandomVectors.gaussian(count: 2, dimensions: 16_384, seed: 1), dimensions: 16_384)
    let quantizer = try LiveWorld.quantizer(large)
    do throws(NeedletailError) {
      _ = try LiveSegment(options, quantizer: quantizer)
      Issue.record("128 TiB of addresses were reserved")
    } catch {
      #expect(error.code == .io || error.code == .capacityExceeded, "\(error)")
    }
  }

  @Test("Rows stay where they are while the tables grow")
  func tables() throws {
    let world = self.world(3000)
    var live = try LiveWorld(world)
    var next = 0
    for size in [1, 254, 1, 1, 255, 512, 1976] {
      try live.insert(next..<(next + size))
      next += size
      try live.checkGraph()
      #expect(try live.selfRecall(every: 7) >= 0.99)
    }
    #expect(next == 3000)
    try live.remove([world.ids[4], world.ids[2999]])
    let view = live.segment.view()
    #expect(live.segment.ordinals(view) == (0..<2999).filter { $0 != 4 })
    var row = [Float](repeating: 0, count: 16)
    for ordinal in stride(from: 0, to: 3000, by: 13) {
      let id = live.segment.id(of: UInt32(ordinal), view)
      let norm = unsafe live.segment.copyRow(UInt32(ordinal), view, into: &row)
      let given = world.row(ordinal)
      #expect(id == world.ids[ordinal])
      for j in 0..<16 { #expect(abs(Double(row[j]) * norm - Double(given[j])) < 1e-5) }
    }
  }

  @Test("Where the limit on rows ends, nothing changes; removing makes no room")
  func rowLimit() throws {
    let world = self.world(400)
    var live = try LiveWorld(world) { $0.rowLimit = 300 }
    try live.insert(0..<290)
    try refused(.capacityExceeded, &live, 290..<301)
    try live.insert(290..<300)
    try live.remove(Array(world.ids[0..<50]))
    try refused(.capacityExceeded, &live, 300..<301)
    #expect(try live.selfRecall() >= 0.99)
  }

  @Test("Where the limit on memory ends, nothing changes")
  func memoryLimit() throws {
    let world = self.world(20_000)
    // 256 rows take what each table takes at least.
    let least = try LiveWorld(self.world(10))
    var few = least
    try few.insert(0..<10)
    let bytes = few.segment.byteCount
    var live = try LiveWorld(world) { $0.memoryLimit = bytes }
    try live.insert(0..<256)
    #expect(live.segment.byteCount <= bytes)
    try refused(.overBudget, &live, 256..<20_000)
    #expect(live.segment.byteCount <= bytes)
    #expect(try live.selfRecall() >= 0.99)
    var none = try LiveWorld(world) { $0.memoryLimit = 1 }
    try refused(.overBudget, &none, 0..<1)
    #expect(none.segment.view().liveCount == 0)
  }

  @Test("Options out of range are refused")
  func options() throws {
    let world = self.world(10)
    let quantizer = try LiveWorld.quantizer(world)
    for change in [
      { $0.rowLimit = 0 }, { $0.threads = 0 }, { $0.build.graph.m = 1 },
      { $0.rowLimit = .max }, { $0.build.dimensions = 17 }, { $0.build.metric = .innerProduct },
    ] as [(inout LiveOptions) -> Void] {
      var options = LiveOptions(world.options)
      change(&options)
      #expect(throws: NeedletailError.self) { try LiveSegment(options, quantizer: quantizer) }
    }
  }

  private func refused(
    _ code: NeedletailError.Code, _ live: inout LiveWorld, _ rows: Range<Int>
  ) throws {
    let before = live.segment.view()
    let matrix = try live.matrix(Array(rows))
    do throws(NeedletailError) {
      _ = try live.segment.insert(matrix, ids: Array(live.world.ids[rows]))
      Issue.record("\(code) was expected")
    } catch {
      #expect(error.code == code, "\(error)")
    }
    let after = live.segment.view()
    #expect(after.count == before.count && after.sequence == before.sequence)
    try live.checkGraph()
  }
}
