import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Quantizer file")
struct QuantizerFileTests {
  private func train(_ metric: Metric, _ form: Quantizer.Form) throws -> Quantizer {
    let d = 20
    var components = RandomVectors.gaussian(count: 200, dimensions: d, seed: 1)
    if form.isLossless { components = components.map { ($0 * 20).rounded() } }
    if form == .losslessUnsigned { components = components.map { abs($0) + 64 } }
    let world = World(metric, components, dimensions: d)
    return try Quantizer.train(
      rows: world.source(), metric: metric, lossless: form.isLossless ? form : nil, seed: 7,
      forcesRowScale: form == .rowScale)
  }

  private func bytes(_ quantizer: Quantizer) throws -> [UInt8] {
    let fileSystem = InMemoryFileSystem()
    let writer = try SectionedFileWriter(.quantizer, at: "q", in: fileSystem)
    try quantizer.write(to: writer)
    _ = try writer.finish()
    return try #require(fileSystem.contents("q"))
  }

  private func read(
    _ bytes: [UInt8], _ metric: Metric, dimensions: Int = 20
  ) throws(NeedletailError) -> Quantizer {
    let file = try SectionedFile(
      MappedRegion(bytes, path: "q"), .quantizer, verification: .full)
    return try Quantizer.read(file, dimensions: dimensions, metric: metric)
  }

  @Test func everyFormComesBackAsItWas() throws {
    for metric in Metric.allCases {
      for form in Quantizer.Form.allCases where form != .globalScale || metric != .innerProduct {
        let quantizer = try train(metric, form)
        #expect(quantizer.form == form)
        let back = try read(bytes(quantizer), metric)
        #expect(back.form == form)
        #expect(back.scale == quantizer.scale)
        #expect(back.relativeError == quantizer.relativeError)
        #expect(back.centre.array == quantizer.centre.array)
        #expect(back.signs.array == quantizer.signs.array)
        #expect(try bytes(back) == bytes(quantizer))
      }
    }
  }

  @Test func theCentreOfInnerProductsIsZero() throws {
    let quantizer = try train(.innerProduct, .rowScale)
    #expect(quantizer.centre.array.allSatisfy { $0 == 0 })
    let other = try train(.squaredEuclidean, .globalScale)
    #expect(!other.centre.array.allSatisfy { $0 == 0 })
  }

  @Test func valuesThatMakeNoSenseAreRefused() throws {
    typealias Change = (inout [UInt8]) -> Void
    let constants = SectionKind("CNST")
    let centre = SectionKind("CNTR")
    // CNST: dimensions 0, metric 4, form 8, scale 12, error 16.
    let cases: [(String, Quantizer.Form, SectionKind, Change)] = [
      ("dimensions", .globalScale, constants, { $0.put(UInt32(21), at: 0) }),
      ("dimensions 0", .globalScale, constants, { $0.put(UInt32(0), at: 0) }),
      ("dimensions most", .globalScale, constants, { $0.put(UInt32.max, at: 0) }),
      ("metric", .globalScale, constants, { $0.put(UInt32(1), at: 4) }),
      ("metric unknown", .globalScale, constants, { $0.put(UInt32(3), at: 4) }),
      ("form 0", .globalScale, constants, { $0.put(UInt32(0), at: 8) }),
      ("form 5", .globalScale, constants, { $0.put(UInt32(5), at: 8) }),
      ("scale 0", .globalScale, constants, { $0.put(Float(0).bitPattern, at: 12) }),
      ("scale −0", .globalScale, constants, { $0.put(Float(-0.0).bitPattern, at: 12) }),
      ("scale −1", .globalScale, constants, { $0.put(Float(-1).bitPattern, at: 12) }),
      ("scale tiny", .globalScale, constants, { $0.put(Float(0x1p-121).bitPattern, at: 12) }),
      ("scale inf", .globalScale, constants, { $0.put(Float.infinity.bitPattern, at: 12) }),
      ("scale nan", .globalScale, constants, { $0.put(Float.nan.bitPattern, at: 12) }),
      ("scale of rows", .rowScale, constants, { $0.put(Float(1).bitPattern, at: 12) }),
      ("scale lossless", .losslessSigned, constants, { $0.put(Float(2).bitPattern, at: 12) }),
      ("scale lossless", .losslessUnsigned, constants, { $0.put(Float(0.5).bitPattern, at: 12) }),
      ("error −1", .globalScale, constants, { $0.put(Double(-1).bitPattern, at: 16) }),
      ("error nan", .globalScale, constants, { $0.put(Double.nan.bitPattern, at: 16) }),
      ("error inf", .rowScale, constants, { $0.put(Double.infinity.bitPattern, at: 16) }),
      ("lossless as scale", .losslessSigned, constants, { $0.put(UInt32(3), at: 8) }),
      ("centre nan", .globalScale, centre, { $0.put(Float.nan.bitPattern, at: 0) }),
      ("centre inf", .rowScale, centre, { $0.put(Float.infinity.bitPattern, at: 76) }),
    ]
    for (name, form, section, change) in cases {
      var bytes = try bytes(train(.squaredEuclidean, form))
      try Tampering.change(section, of: &bytes, .quantizer, change)
      let error = #expect(throws: NeedletailError.self, "\(name)") {
        try read(bytes, .squaredEuclidean)
      }
      #expect(error?.code == .corrupted, "\(name)")
      #expect(error?.location?.section != nil, "\(name)")
    }
  }
}
