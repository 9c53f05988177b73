import NeedletailCore
import NeedletailKernels
import Testing
import _NeedletailTestSupport

/// Rows with the bits of their neighbours, in memory of their own, and a query.
@safe
private final class TurboWorld {
  // SAFETY: plain memory of fixed sizes; every index below is smaller than what was allocated.
  let layout: TurboLayout
  let count: Int
  let rows: UnsafeMutableRawPointer
  let code: UnsafeMutablePointer<Int8>
  let table: UnsafeMutablePointer<UInt8>
  let visited: UnsafeMutablePointer<UInt64>
  let lists: UnsafeMutablePointer<CandidateKey>
  let x: [Float]
  var sign: (scale: Float, base: Float) = (0, 0)
  static let width = 40

  init(count: Int, blocks: Int, degree: Int, isForged: Bool, seed: UInt64) {
    var random = SplitMix64(seed: seed)
    layout = TurboLayout(blocks: blocks, degree: degree)
    self.count = count
    let dimensions = blocks * 64 - 3
    unsafe rows = .allocate(byteCount: count * layout.stride, alignment: 64)
    unsafe rows.initializeMemory(as: UInt8.self, repeating: 0, count: count * layout.stride)
    unsafe code = .allocate(capacity: blocks * 64)
    unsafe table = .allocate(capacity: layout.tableByteCount)
    unsafe visited = .allocate(capacity: count / HopKernel.rowsPerVisitedWord + 1)
    unsafe lists = .allocate(capacity: 5 * (Self.width + degree + 64))
    unsafe lists.initialize(repeating: 0, count: 5 * (Self.width + degree + 64))
    x = (0..<dimensions).map { _ in random.nextGaussian() * 30 }
    for j in 0..<(blocks * 64) {
      unsafe code[j] = j < dimensions ? Int8(max(-127, min(127, x[j].rounded()))) : 0
    }
    for row in 0..<count {
      for j in 0..<dimensions {
        let value = isForged ? Float(random.next(below: 256)) : 128 + random.nextGaussian() * 30
        storeCode(row, j, UInt8(max(1, min(255, value))))
      }
      for j in dimensions..<(blocks * 64) { storeCode(row, j, 128) }
      var norm = 0
      for j in 0..<dimensions { norm += (Int(component(row, j))) * Int(component(row, j)) }
      unsafe base(row).storeBytes(of: 1, toByteOffset: layout.termsOffset, as: Float.self)
      unsafe base(row).storeBytes(
        of: Float(norm), toByteOffset: layout.termsOffset + 4, as: Float.self)
    }
    for row in 0..<count {
      for place in 0..<degree {
        let link = UInt32(random.next(below: UInt64(isForged ? count + count / 20 : count)))
        unsafe base(row).storeBytes(
          of: link, toByteOffset: layout.linksOffset + place * 4, as: UInt32.self)
        guard !isForged else {
          unsafe base(row).storeBytes(
            of: UInt32(truncatingIfNeeded: random.next()),
            toByteOffset: layout.factorsOffset + place * 4, as: UInt32.self)
          continue
        }
        unsafe layout.link(
          base(row).assumingMemoryBound(to: UInt8.self),
          base(Int(link)).assumingMemoryBound(to: UInt8.self), factors: (1, 1), at: place,
          of: base(row))
      }
      if isForged {
        for at in layout.bitsOffset..<layout.factorsOffset {
          unsafe base(row).storeBytes(
            of: UInt8(truncatingIfNeeded: random.next()), toByteOffset: at, as: UInt8.self)
        }
      }
    }
  }

  deinit {
    unsafe rows.deallocate()
    unsafe code.deallocate()
    unsafe table.deallocate()
    unsafe visited.deallocate()
    unsafe lists.deallocate()
  }

  func base(_ row: Int) -> UnsafeMutableRawPointer { unsafe rows + row * layout.stride }

  private func storeCode(_ row: Int, _ j: Int, _ value: UInt8) {
    unsafe base(row).storeBytes(of: value, toByteOffset: j, as: UInt8.self)
  }

  func component(_ row: Int, _ j: Int) -> Int32 {
    unsafe Int32(base(row).load(fromByteOffset: j, as: UInt8.self)) - 128
  }

  func link(_ row: Int, _ place: Int) -> UInt32 {
    unsafe base(row).load(fromByteOffset: layout.linksOffset + place * 4, as: UInt32.self)
  }

  var norm: Float {
    (0..<(layout.blocks * 64)).reduce(0) { unsafe $0 + Float(code[$1]) * Float(code[$1]) }
  }

  func query(_ kernel: HopKernel) -> HopQuery {
    unsafe table.initialize(repeating: 77, count: layout.tableByteCount)
    sign = unsafe kernel.fillTurboTable(
      x, dimensions: x.count, blocks: layout.blocks, table: table)
    let sum = unsafe codeSum(code, count: layout.blocks * 64)
    return unsafe HopQuery(
      turbo: code, zero: 128 * sum, scale: 2, norm: norm, table: table, tableScale: sign.scale,
      tableBase: sign.base)
  }

  var tableBytes: [UInt8] { (0..<layout.tableByteCount).map { unsafe table[$0] } }
  var space: HopSpace { unsafe HopSpace(turbo: rows, layout, count: count) }

  /// Walks from the nearest of the first rows; returns what the pool and the best hold at the end.
  func walk(_ kernel: HopKernel, width: Int, hops: Int = .max) -> (pool: [UInt64], best: [UInt64]) {
    let query = query(kernel)
    let room = Self.width + layout.degree + 64
    for word in 0...(count / HopKernel.rowsPerVisitedWord) { unsafe visited[word] = 0 }
    let start = unsafe kernel.nearest(space, query, ofFirst: min(count, 64), except: 1)
    unsafe visited[Int(start.ordinal) / 48] = 1 << 48 | 1 << UInt64(start.ordinal % 48)
    unsafe lists[0] = start
    var walk = unsafe HopWalk(
      kernel, space, query,
      links: (rows + layout.linksOffset).assumingMemoryBound(to: UInt32.self),
      degree: layout.degree, count: count, pool: lists, size: 1, capacity: width, window: width,
      least: 5, visited: visited, epoch: 1,
      ordinals: UnsafeMutableRawPointer(lists + room).assumingMemoryBound(to: UInt32.self),
      keys: lists + 2 * room)
    unsafe walk.keepBest(lists + 3 * room, capacity: 12)
    var done = 0
    while done < hops, walk.gather() {
      walk.settle()
      done += 1
    }
    #expect(walk.scored == walk.hops * (layout.degree + 1))
    let pool = (0..<walk.size).map { unsafe lists[$0] }
    let (count, isAscending) = unsafe walk.takeBest(kernel)
    let best = (0..<count).map { unsafe lists[$0] }
    #expect(!isAscending || best == best.sorted())
    return (pool, best)
  }

  /// Walks past the rows outside a set; returns what the pool holds, and the rows of the set that are remembered,
  /// by the bits and by their own codes.
  func pass(
    _ kernel: HopKernel, _ set: [UInt64], width: Int, kept: Int
  ) -> (pool: [UInt64], found: [UInt64], rescored: [UInt64]) {
    let query = query(kernel)
    let room = Self.width + layout.degree + 64
    for word in 0...(count / HopKernel.rowsPerVisitedWord) { unsafe visited[word] = 0 }
    let start = unsafe kernel.nearest(space, query, ofFirst: min(count, 64), except: nil)
    unsafe visited[Int(start.ordinal) / 48] = 1 << 48 | 1 << UInt64(start.ordinal % 48)
    unsafe lists[0] = start
    var walk = unsafe HopWalk(
      kernel, space, query,
      links: (rows + layout.linksOffset).assumingMemoryBound(to: UInt32.self),
      degree: layout.degree, count: count, pool: lists, size: 1, capacity: 4, window: 4,
      least: 3, visited: visited, epoch: 1,
      ordinals: UnsafeMutableRawPointer(lists + room).assumingMemoryBound(to: UInt32.self),
      keys: lists + 2 * room)
    unsafe walk.keepBest(lists + 3 * room, capacity: 12)
    walk.stop(beyond: 0.1, floor: 0, base: 0, blur: 0, noise: 0)
    return unsafe set.withUnsafeBufferPointer { set in
      unsafe walk.remember(
        set.baseAddress.unsafelyUnwrapped, kernel, capacity: width, found: lists + 4 * room,
        room: kept)
      walk.run()
      walk.expand(window: width / 2)
      walk.run()
      let pool = (0..<walk.size).map { unsafe lists[$0] }
      let found = (0..<walk.foundCount).map { unsafe lists[4 * room + $0] }
      let (taken, _) = unsafe walk.takeRemembered(kernel)
      return (pool, found, (0..<taken).map { unsafe lists[$0] })
    }
  }

  /// The estimate of one neighbour, operation by operation as it is defined.
  func expectedEstimate(_ row: Int, _ place: Int) -> Float {
    let at = unsafe base(row)
    var sum = 0
    for group in 0..<(layout.blocks * 16) {
      let byte = unsafe at.load(
        fromByteOffset: layout.bitsOffset + place / 32 * layout.bitByteCount + group * 16 + place
          % 16,
        as: UInt8.self)
      let nibble = place % 32 < 16 ? byte & 15 : byte >> 4
      unsafe sum += Int(table[group * 16 + Int(nibble)])
    }
    let both = unsafe at.load(fromByteOffset: layout.factorsOffset + place * 4, as: UInt32.self)
    let factor = Float(bitPattern: both << 16)
    let constant = Float(bitPattern: both & 0xffff_0000)
    let product = sign.scale * Float(sum)
    let share = factor * (sign.base + product)
    return expectedOwn(row) + (constant + share)
  }

  /// The distance of a row by its own code.
  func expectedOwn(_ row: Int) -> Float {
    let dot = (0..<(layout.blocks * 64)).reduce(Int32(0)) {
      unsafe $0 + component(row, $1) * Int32(code[$1])
    }
    let (factor, own) = unsafe (
      base(row).load(fromByteOffset: layout.termsOffset, as: Float.self),
      base(row).load(fromByteOffset: layout.termsOffset + 4, as: Float.self)
    )
    return (norm + own) - 2 * factor * Float(dot)
  }

  /// The squared distance between the query as it is and what a row's code stands for.
  func distance(_ row: Int) -> Double {
    x.indices.reduce(0) {
      $0 + (Double(x[$1]) - Double(component(row, $1)))
        * (Double(x[$1]) - Double(component(row, $1)))
    }
  }
}

@Suite("Kernels of rows with their neighbours' bits")
struct TurboKernelTests {
  @Test(
    "A scan scores the rows of a set by their own codes, in parts", arguments: KernelLevel.available
  )
  func scan(level: KernelLevel) {
    let kernel = HopKernel(level: level)
    for (blocks, degree, count) in [(1, 32, 700), (3, 32, 400), (20, 64, 90)] {
      let world = TurboWorld(count: count, blocks: blocks, degree: degree, isForged: false, seed: 9)
      let query = world.query(kernel)
      for stride in [1, 3, 64] {
        let rows = Array(Swift.stride(from: 0, to: count, by: stride))
        var set = [UInt64](repeating: 0, count: (count + 63) / 64)
        for row in rows { set[row / 64] |= 1 << UInt64(row % 64) }
        let expected = rows.map { row in
          CandidateKey.first(above: world.expectedOwn(row), isInteger: false) &- 1 << 32
            | CandidateKey(row) << 1
        }
        let threshold = expected.sorted()[expected.count / 2]
        for (room, end) in [(1, CandidateKey.max), (100, threshold), (10_000, .max)] {
          var pool = [CandidateKey](repeating: 0, count: count)
          let found = unsafe set.withUnsafeBufferPointer { words in
            unsafe pool.withUnsafeMutableBufferPointer { pool in
              unsafe scanInParts(
                kernel, world.space, query, words, pool, room: room, threshold: end)
            }
          }
          #expect(found == expected.filter { $0 < end }, "\(blocks) blocks, room \(room)")
        }
      }
    }
  }

  @Test("A hop estimates what the definition says, bit for bit", arguments: KernelLevel.available)
  func estimates(level: KernelLevel) throws {
    for (blocks, degree) in [(1, 32), (2, 64), (3, 32), (6, 32), (7, 96), (20, 32)] {
      let world = TurboWorld(count: 90, blocks: blocks, degree: degree, isForged: false, seed: 4)
      let (pool, best) = world.walk(HopKernel(level: level), width: 40, hops: 1)
      let start = try #require(best.first)
      #expect(start.floatEstimate == world.expectedOwn(Int(start.ordinal)))
      var expected: [UInt32: Float] = [:]
      for place in (0..<degree).reversed() {
        let link = world.link(Int(start.ordinal), place)
        if link != start.ordinal {
          expected[link] = world.expectedEstimate(Int(start.ordinal), place)
        }
      }
      #expect(pool.contains { $0 & 1 == 1 && $0.ordinal == start.ordinal })
      let fresh = pool.filter { $0 & 1 == 0 }
      #expect(fresh.count == min(39, expected.count))
      for key in fresh { #expect(key.floatEstimate == expected[key.ordinal]) }
    }
  }

  @Test(
    "Every level walks as the scalar one, on sound rows and on forged ones",
    arguments: [false, true])
  func levels(isForged: Bool) {
    for (blocks, degree) in [(1, 32), (2, 32), (3, 64), (6, 32), (16, 32), (17, 32), (33, 32)] {
      for seed in 0..<4 {
        let world = TurboWorld(
          count: 300, blocks: blocks, degree: degree, isForged: isForged, seed: UInt64(seed))
        for width in [1, 7, 40] {
          let expected = world.walk(HopKernel(level: .scalar), width: width)
          let table = world.tableBytes
          #expect(expected.pool == expected.pool.sorted())
          #expect(Set(expected.pool.map(\.ordinal)).count == expected.pool.count)
          #expect(expected.pool.allSatisfy { $0.ordinal < 300 })
          for level in KernelLevel.available {
            let found = world.walk(HopKernel(level: level), width: width)
            #expect(world.tableBytes == table, "\(level)")
            #expect(
              found == expected, "\(level), \(blocks) blocks, \(degree) links, width \(width)")
          }
        }
      }
    }
  }

  @Test(
    "A walk past rows outside a set remembers the nearest inside, the same at every level",
    arguments: [false, true])
  func passing(isForged: Bool) {
    for (blocks, degree) in [(1, 32), (3, 64), (6, 32), (17, 32)] {
      for seed in 0..<4 {
        let world = TurboWorld(
          count: 300, blocks: blocks, degree: degree, isForged: isForged, seed: UInt64(seed))
        var random = SplitMix64(seed: UInt64(seed))
        let set = (0..<5).map { _ in random.next() & (seed % 2 == 0 ? .max : random.next()) }
        func contains(_ key: UInt64) -> Bool {
          set[Int(key.ordinal) / 64] >> UInt64(key.ordinal % 64) & 1 != 0
        }
        for (width, kept) in [(8, 1), (20, 50), (40, 50)] {
          let expected = world.pass(HopKernel(level: .scalar), set, width: width, kept: kept)
          #expect(expected.pool == expected.pool.sorted())
          #expect(expected.found == expected.found.sorted())
          #expect(Set(expected.found.map(\.ordinal)).count == expected.found.count)
          #expect(expected.found.allSatisfy { contains($0) && $0.ordinal < 300 })
          // What is near enough for the pool is remembered, but for the farthest beyond the room.
          let near = expected.pool.filter { contains($0) }.prefix(kept).map(\.ordinal)
          #expect(Set(near).isSubset(of: expected.found.map(\.ordinal)))
          #expect(expected.rescored.map(\.ordinal) == expected.found.map(\.ordinal))
          if !isForged {
            for key in expected.rescored {
              #expect(key.floatEstimate == world.expectedOwn(Int(key.ordinal)))
            }
          }
          for level in KernelLevel.available {
            let found = world.pass(HopKernel(level: level), set, width: width, kept: kept)
            #expect(
              found == expected, "\(level), \(blocks) blocks, \(degree) links, width \(width)")
          }
        }
      }
    }
  }

  @Test(
    "Candidates that take the places of expanded rows are scored by their own codes",
    arguments: KernelLevel.available)
  func rescored(level: KernelLevel) {
    for (blocks, degree) in [(1, 32), (3, 64), (17, 32)] {
      let world = TurboWorld(count: 200, blocks: blocks, degree: degree, isForged: false, seed: 6)
      for hops in 0...6 {
        // Those the bits call nearest come first.
        let (pool, best) = world.walk(HopKernel(level: level), width: 40, hops: hops)
        #expect(best.count == (hops == 0 ? 1 : max(5, hops)))
        let open = pool.filter { $0 & 1 == 0 }.map(\.ordinal)
        #expect(best.dropFirst(hops).map(\.ordinal) == Array(open.prefix(max(0, 5 - hops))))
        for key in best {
          #expect(key & 1 == 0 && key.floatEstimate == world.expectedOwn(Int(key.ordinal)))
        }
      }
    }
  }

  @Test(
    "A neighbour too far away for bfloat16 has neither factor nor sum", arguments: [false, true])
  func unrepresentable(isShared: Bool) {
    let layout = TurboLayout(blocks: 1, degree: 32)
    let own = [UInt8](repeating: 128, count: 64)
    let neighbor = [UInt8](repeating: 28, count: 64)
    // Squared, the distance is (100·8·factor)².
    for (factor, isThere) in [(1e15, true), (2.2e16, true), (2.4e16, false), (1e19, false)]
      as [(Float, Bool)]
    {
      var row = [UInt8](repeating: 0, count: layout.stride)
      unsafe row.withUnsafeMutableBytes {
        unsafe layout.link(
          own, neighbor, factors: (factor, isShared ? factor : factor.nextUp), at: 3,
          of: $0.baseAddress.unsafelyUnwrapped)
      }
      let packed = row[(layout.factorsOffset + 12)..<(layout.factorsOffset + 16)]
      #expect(packed.prefix(2).contains { $0 != 0 } == isThere, "\(factor)")
      #expect(packed.suffix(2).contains { $0 != 0 } == isThere, "\(factor)")
    }
  }

  @Test("Estimates err to both sides alike, and by a few per cent of the distance")
  func accuracy() {
    let world = TurboWorld(count: 200, blocks: 4, degree: 32, isForged: false, seed: 9)
    _ = world.query(HopKernel())
    var (sum, square, count) = (0.0, 0.0, 0.0)
    for row in 0..<200 {
      for place in 0..<32 {
        let distance = world.distance(Int(world.link(row, place)))
        let error = (Double(world.expectedEstimate(row, place)) - distance) / distance
        sum += error
        square += error * error
        count += 1
      }
    }
    #expect(abs(sum / count) < 0.005)
    // 1.3·√(|r|²·|q|²)/√d of a distance, for a row and a query as far apart as its neighbours.
    #expect((square / count).squareRoot() < 0.12)
  }

  @Test("Queries without components to tell apart, and beyond what floats hold, give a table")
  func tables() {
    let kernel = HopKernel()
    for value: Float in [0, 1e-38, 1e38, .infinity, .nan, -.greatestFiniteMagnitude] {
      let x = [Float](repeating: value, count: 100)
      var table = [UInt8](repeating: 9, count: 512)
      for level in KernelLevel.available {
        let (scale, _) = unsafe HopKernel(level: level).fillTurboTable(
          x, dimensions: 100, blocks: 2, table: &table)
        #expect(scale == 0 && table == [UInt8](repeating: 0, count: 512))
      }
    }
    // The most components there are: no sum of entries is beyond sixteen bits.
    let x = (0..<16_384).map { Float($0 % 2 == 0 ? 1 : -1) }
    var table = [UInt8](repeating: 0, count: 65_536)
    let (scale, base) = unsafe kernel.fillTurboTable(
      x, dimensions: 16_384, blocks: 256, table: &table)
    var (largest, smallest) = (0, 0)
    for group in 0..<4_096 {
      largest += Int(table[(group * 16)..<(group * 16 + 16)].max() ?? 0)
      smallest += Int(table[(group * 16)..<(group * 16 + 16)].min() ?? 0)
    }
    #expect(largest < 65_536)
    #expect(abs(base + scale * Float(largest) - 16_384) < 10)
    #expect(abs(base + scale * Float(smallest) + 16_384) < 10)
  }
}
