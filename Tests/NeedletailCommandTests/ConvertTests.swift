import Foundation
import Testing
import _NeedletailTestSupport

@Suite struct ConvertTests {
  @Test func vectorsSurviveEveryFormat() throws {
    let place = try TemporaryDirectory()
    try VectorFiles.gaussian(place("a.fbin"), count: 50, dimensions: 7)
    for (from, to) in [("a.fbin", "b.fvecs"), ("b.fvecs", "c.npy"), ("c.npy", "d.fbin")] {
      let outcome = try Command.run("convert", place(from), place(to))
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("50 rows of 7"))
    }
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: place("a.fbin")))
        == Data(contentsOf: URL(fileURLWithPath: place("d.fbin"))))
  }

  @Test func elementsChangeOnlyWithoutLoss() throws {
    let place = try TemporaryDirectory()
    try VectorFiles.write((0..<64).map { Float($0) * 2 }, dimensions: 8, to: place("whole.fbin"))
    for element in ["f32", "f16", "u8", "i8"] {
      let document = try Command.run(
        "convert", place("whole.fbin"), place("whole-\(element).npy"), "--element", element,
        "--json"
      )
      #expect(document.status == 0, "\(document.errors)")
      #expect(try document.json()["rows"] as? Int == 8)
    }
    #expect(try Command.run("convert", place("whole-f16.npy"), place("back.fbin")).status == 0)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: place("whole.fbin")))
        == Data(contentsOf: URL(fileURLWithPath: place("back.fbin"))))
    try VectorFiles.write([0.1, 0.2], dimensions: 2, to: place("fraction.fbin"))
    let before = try listing(place)
    for (target, options) in [
      ("lossy.u8bin", []), ("lossy.npy", ["--element", "f16"]), ("lossy.npy", ["--element", "i8"]),
    ] as [(String, [String])] {
      let outcome = try Command.Running(
        ["convert", place("fraction.fbin"), place(target)] + options, in: nil, environment: [:]
      ).finish()
      #expect(outcome.status == 64 || outcome.status == 65)
    }
    #expect(try listing(place) == before)
  }

  @Test func rowNumbersSurvive() throws {
    let place = try TemporaryDirectory()
    try VectorFiles.gaussian(place("a.fbin"), count: 30)
    #expect(
      try Command.run(
        "groundtruth", "--base", place("a.fbin"), "--queries", place("a.fbin"), "--metric", "l2",
        "--k", "4", "--output", place("t.ivecs")
      ).status == 0)
    for (from, to) in [("t.ivecs", "t.ibin"), ("t.ibin", "t.npy"), ("t.ibin", "u.ivecs")] {
      let outcome = try Command.run("convert", place(from), place(to))
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: place("t.ivecs")))
        == Data(contentsOf: URL(fileURLWithPath: place("u.ivecs"))))
  }

  @Test func whatCannotBeConvertedIsRefused() throws {
    let place = try TemporaryDirectory()
    try VectorFiles.gaussian(place("a.fbin"), count: 3)
    try Data("hello".utf8).write(to: URL(fileURLWithPath: place("x.hdf5")))
    let before = try listing(place)
    try Command.expectFailure(73, "a.fbin", "convert", place("a.fbin"), place("a.fbin"))
    try Command.expectFailure(65, ".fbin", "convert", place("a.fbin"), place("a.txt"))
    try Command.expectFailure(66, "none.fbin", "convert", place("none.fbin"), place("b.fbin"))
    #if !HDF5
      try Command.expectFailure(
        65, "swift build -c release --traits Tools,HDF5", "convert", place("x.hdf5"), place("x"))
    #endif
    #expect(try listing(place) == before)
  }
}
