import NeedletailCore
import NeedletailKernels
import Testing

@testable import NeedletailEngine

/// A scratch that could not grow must not believe that it did.
@Suite("Scratch memory")
struct ScratchTests {
  @Test("A walk's scratch that found no memory grows when asked again")
  func walkScratch() throws {
    let scratch = try WalkScratch(rows: 10, width: 4, degree: 4)
    #expect(throws: NeedletailError.self) {
      try scratch.reserve(rows: 1 << 52, width: 4, degree: 4)
    }
    #expect(throws: NeedletailError.self) {
      try scratch.reserve(rows: 10, width: 1 << 46, degree: 4)
    }
    try scratch.reserve(rows: 100_000, width: 5_000, degree: 200)
    scratch.beginEpoch()
    unsafe scratch.visit(99_999)
    for i in 0..<5_000 { unsafe scratch.pool[i] = CandidateKey(i) }
    for i in 0..<200 { unsafe scratch.keys[i] = CandidateKey(i) }
    #expect(unsafe scratch.pool[4_999] == 4_999)
    #expect(unsafe scratch.keys[199] == 199)
    #expect(unsafe scratch.visited[99_999 / HopKernel.rowsPerVisitedWord] != 0)
  }

  @Test("A build's scratch that found no memory grows when asked again")
  func buildScratch() throws {
    let scratch = try BuildScratch(rows: 10, codeByteCount: 64, width: 4, degree: 4)
    #expect(throws: NeedletailError.self) { try scratch.reserve(1 << 46) }
    try scratch.reserve(3_000)
    for i in 0..<3_000 {
      unsafe scratch.candidates[i] = CandidateKey(i)
      unsafe scratch.ordinals[i] = UInt32(i)
    }
    #expect(unsafe scratch.candidates[2_999] == 2_999)
    #expect(unsafe scratch.ordinals[0] == 0)
  }

  @Test("A thread's search that found no memory leaves later searches sound")
  func searchScratch() throws {
    let scratch = try SearchScratch.ofThisThread()
    #expect(throws: NeedletailError.self) {
      try scratch.reserve(rows: 10, width: 1 << 45, degree: 4, dimensions: 8)
    }
    try scratch.reserve(rows: 1_000, width: 2_000, degree: 64, dimensions: 96)
    for i in 0..<2_000 { unsafe scratch.buffers.ordinals[i] = UInt32(i) }
    for j in 0..<96 { unsafe scratch.buffers.row[j] = Float(j) }
    #expect(unsafe scratch.buffers.ordinals[1_999] == 1_999)
    #expect(unsafe scratch.buffers.row[95] == 95)
  }
}
