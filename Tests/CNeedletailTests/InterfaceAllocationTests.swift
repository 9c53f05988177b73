import CMallocCount
import CNeedletail
import CNeedletailInterface
import Testing
import _NeedletailTestSupport

/// What the header promises: a search takes no memory, where k is at most 64.
@Suite("Allocations of the C interface")
struct InterfaceAllocationTests {
  @Test(arguments: [1, 10, 64], [Int32(NEEDLETAIL_L2), Int32(NEEDLETAIL_COSINE)])
  func aSearchTakesNoMemory(k: Int, metric: Int32) throws {
    let directory = try TemporaryDirectory()
    let dimensions = 24
    let rows = RandomVectors.clusters(count: 1_000, dimensions: dimensions, spread: 0.5, seed: 12)
    var options = needletail_build_options()
    options.struct_size = UInt32(MemoryLayout<needletail_build_options>.size)
    options.dimensions = UInt64(dimensions)
    options.metric = metric
    var index: OpaquePointer?
    let built = unsafe rows.withUnsafeBytes { rows in
      var part = unsafe needletail_rows()
      unsafe part.components = rows.baseAddress
      unsafe part.count = 1_000
      return unsafe needletail_build(directory("index"), &options, &part, 1, nil, &index)
    }
    #expect(built == needletail_status(NEEDLETAIL_OK))
    defer { unsafe needletail_close(index) }

    var search = needletail_search_options()
    search.struct_size = UInt32(MemoryLayout<needletail_search_options>.size)
    search.ef = 50
    var ids = [UInt64](repeating: 0, count: k)
    var distances = [Float](repeating: 0, count: k)
    var counted: UInt64 = 0
    unsafe rows.withUnsafeBufferPointer { rows in
      for round in 0..<2 {
        for row in 0..<50 {
          let before = ndl_test_allocation_count()
          let status = unsafe needletail_search(
            index, rows.baseAddress.map { unsafe $0 + row * dimensions }, UInt64(dimensions),
            UInt64(k), &search, &ids, &distances, nil, nil)
          if round > 0 { counted += ndl_test_allocation_count() - before }
          #expect(status == needletail_status(NEEDLETAIL_OK) && ids[0] == UInt64(row))
        }
      }
    }
    #expect(counted == 0)
  }
}
