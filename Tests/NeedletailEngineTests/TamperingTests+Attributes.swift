import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

// The directory of the small index with attributes: for each column its kind, the length of its name, the name, and
// 8 bytes each for texts, their bytes, and tags.
//
//   0 brand: texts 13, bytes 21, tags 29     37 code, integer: texts 49    73 code, category: texts 85, bytes 93
// 109 price: texts 122                      146 tags: texts 158, bytes 166, tags 174    182 year: texts 194
//
// The values:
//
//    0 brand: texts of rows 0, starts 128, bytes 192      256 code, integer: presence 256, numbers 320
//  512 code, category: texts of rows 512                  768 price: presence 768, numbers 832
// 1024 tags: presence 1024, of rows 1088, numbers 1216, of tags 1280, rows 1344, starts 1408, bytes 1472
// 1536 year: presence 1536, numbers 1600
extension TamperingTests {
  private static func directory(
    _ outcome: Outcome, _ name: String, _ change: @escaping @Sendable (inout [UInt8]) -> Void
  ) -> Case { Case(.attributes, SegmentSection.attributes, outcome, name, change) }

  private static func values(
    _ outcome: Outcome, _ name: String, _ change: @escaping @Sendable (inout [UInt8]) -> Void
  ) -> Case { Case(.attributes, SegmentSection.attributeValues, outcome, name, change) }

  static let attributes: [Case] = [
    directory(.refused, "kind 0") { $0.put(UInt32(0), at: 0) },
    directory(.refused, "kind 5") { $0.put(UInt32(5), at: 0) },
    directory(.refused, "kind 257") { $0.put(UInt32(257), at: 37) },
    directory(.refused, "kind 2³²−1") { $0.put(UInt32.max, at: 182) },
    directory(.refused, "a category of numbers") { $0.put(UInt32(1), at: 0) },
    directory(.refused, "numbers as tags") { $0.put(UInt32(4), at: 37) },
    directory(.refused, "a column twice") { $0.put(UInt32(1), at: 73) },
    directory(.refused, "kinds that descend") {
      $0.put(UInt32(3), at: 37)
      $0.put(UInt32(1), at: 73)
    },
    directory(.refused, "no name") { $0.put(UInt32(0), at: 4) },
    directory(.refused, "a name of 2³²−1 bytes") { $0.put(UInt32.max, at: 4) },
    directory(.refused, "a name one byte longer") { $0.put(UInt32(6), at: 4) },
    directory(.refused, "a name that is not UTF-8") { $0[8] = 0xff },
    directory(.refused, "names that descend") { $0[8] = UInt8(ascii: "z") },
    directory(.harmless, "another name") { $0[193] = UInt8(ascii: "s") },
    directory(.harmless, "whole numbers as real ones") { $0.put(UInt32(2), at: 182) },
    directory(.refused, "2³²−1 texts") { $0.put(UInt64(UInt32.max), at: 13) },
    directory(.refused, "2⁶³ texts") { $0.put(UInt64(1) << 63, at: 13) },
    directory(.refused, "2³²−2 texts") { $0.put(UInt64(UInt32.max) - 1, at: 13) },
    directory(.found, "a text less") { $0.put(UInt64(2), at: 13) },
    directory(.found, "a text more") { $0.put(UInt64(4), at: 13) },
    directory(.found, "no text") { $0.put(UInt64(0), at: 13) },
    directory(.refused, "2⁵⁶ bytes of texts") { $0.put(UInt64(1) << 56, at: 21) },
    directory(.refused, "2⁶⁴−1 bytes of texts") { $0.put(UInt64.max, at: 21) },
    directory(.refused, "64 bytes of texts more") { $0.put(UInt64(74), at: 21) },
    directory(.found, "a byte of texts more") { $0.put(UInt64(11), at: 21) },
    directory(.found, "a byte of texts less") { $0.put(UInt64(9), at: 21) },
    directory(.refused, "tags of a category") { $0.put(UInt64(1), at: 29) },
    directory(.refused, "texts of numbers") { $0.put(UInt64(1), at: 49) },
    directory(.refused, "bytes of texts of numbers") { $0.put(UInt64(1), at: 57) },
    directory(.refused, "2³² tags") { $0.put(UInt64(1) << 32, at: 174) },
    directory(.refused, "2⁶⁴−1 tags") { $0.put(UInt64.max, at: 174) },
    directory(.refused, "a tag more") { $0.put(UInt64(17), at: 174) },
    directory(.found, "a tag less") { $0.put(UInt64(15), at: 174) },
    directory(.refused, "no tag") { $0.put(UInt64(0), at: 174) },
    directory(.refused, "all zero") { $0 = [UInt8](repeating: 0, count: $0.count) },
    directory(.refused, "all ones") { $0 = [UInt8](repeating: 0xff, count: $0.count) },
    values(.harmless, "bytes between the parts") { $0[100] = 7 },
    values(.harmless, "a value more") { $0.put(UInt64(0xff_ffff), at: 768) },
    values(.harmless, "a number") { $0.put(Int64.min, at: 1600 + 8 * 5) },
    values(.found, "text 4 of 3") { $0.put(UInt32(4), at: 40) },
    values(.found, "text 2³²−1") { $0.put(UInt32.max, at: 0) },
    values(.found, "texts out of range") { for row in 0..<24 { $0.put(UInt32(9), at: 4 * row) } },
    values(.found, "texts out of order") {
      $0.replaceSubrange(192..<196, with: Array("zoom".utf8))
    },
    values(.found, "a text twice") { $0.replaceSubrange(196..<200, with: Array("acme".utf8)) },
    values(.found, "half a letter") { $0[200] = UInt8(ascii: "u") },
    values(.found, "no letter") { $0[195] = 0xff },
    values(.found, "a text that begins late") { $0.put(UInt64(1), at: 128) },
    values(.found, "a text that ends before it begins") { $0.put(UInt64(2), at: 144) },
    values(.found, "a text beyond the end") { $0.put(UInt64(11), at: 152) },
    values(.found, "a text at 2⁶³") { $0.put(UInt64(1) << 63, at: 136) },
    values(.found, "texts at 2⁶⁴−1") {
      for text in 0..<4 { $0.put(UInt64.max, at: 128 + 8 * text) }
    },
    values(.found, "presence beyond the rows") { $0[768 + 3] = 1 },
    values(.found, "presence beyond the rows of tags") { $0[1024 + 7] = 0x80 },
    values(.found, "two kinds of value") { $0.put(UInt64(0xff_ffff), at: 256) },
    values(.found, "numbers that are not there") { $0.put(UInt64(0), at: 1536) },
    values(.found, "NaN") { bytes in
      for row in 0..<24 { bytes.put(Double.nan.bitPattern, at: 832 + 8 * row) }
    },
    values(.found, "zeros below zero") { bytes in
      for row in 0..<24 { bytes.put((-0.0).bitPattern, at: 832 + 8 * row) }
    },
    values(.found, "tags that begin late") { $0.put(UInt32(1), at: 1088) },
    values(.found, "tags that end before they begin") { $0.put(UInt32(16), at: 1088 + 4 * 9) },
    values(.found, "tags of rows beyond the end") { $0.put(UInt32(17), at: 1088 + 4 * 24) },
    values(.found, "tags of rows at 2³²−1") {
      for row in 0..<25 { $0.put(UInt32.max, at: 1088 + 4 * row) }
    },
    values(.found, "tag 0") { $0.put(UInt32(0), at: 1216) },
    values(.found, "tag 3 of 2") { $0.put(UInt32(3), at: 1216) },
    values(.found, "tag 2³²−1") { $0.put(UInt32.max, at: 1276) },
    values(.found, "all tags the first") {
      for place in 0..<16 { $0.put(UInt32(1), at: 1216 + 4 * place) }
    },
    values(.found, "rows of tags that begin late") { $0.put(UInt32(1), at: 1280) },
    values(.found, "rows of tags beyond the end") { $0.put(UInt32(99), at: 1288) },
    values(.found, "rows of tags at 2³²−1") {
      for tag in 0..<3 { $0.put(UInt32.max, at: 1280 + 4 * tag) }
    },
    values(.found, "row 24 has a tag") { $0.put(UInt32(24), at: 1344) },
    values(.found, "row 2³²−1 has a tag") { $0.put(UInt32.max, at: 1404) },
    values(.found, "one row has all tags") {
      for place in 0..<16 { $0.put(UInt32(3), at: 1344 + 4 * place) }
    },
    values(.found, "tags without their attribute") { $0.put(UInt64(0), at: 1024) },
    values(.found, "all ones") { $0 = [UInt8](repeating: 0xff, count: $0.count) },
    values(.found, "all zero") { $0 = [UInt8](repeating: 0, count: $0.count) },
  ]

  @Test("The places above are those of the file")
  func attributePlaces() throws {
    let index = try SmallIndex(.attributes)
    let segment = try OpenGeneration.open(
      SmallIndex.path, in: index.fileSystem(), placements: Placements(), verification: .full
    ).segment
    let layouts = try #require(segment.columns).columns.map(\.layout)
    #expect(layouts.map(\.name) == ["brand", "code", "code", "price", "tags", "year"])
    #expect(layouts.map(\.kind) == [.category, .integer, .category, .real, .tags, .integer])
    #expect(layouts.map(\.values) == [0, 320, 512, 832, 1088, 1600])
    #expect(layouts.map(\.end) == [256, 512, 768, 1024, 1536, 1792])
    let tags = layouts[4]
    #expect([tags.rowTags, tags.tagStarts, tags.tagRows] == [1216, 1280, 1344])
    #expect([tags.textStarts, tags.texts, tags.textCount, tags.tagCount] == [1408, 1472, 2, 16])
    #expect([layouts[0].textStarts, layouts[0].texts, layouts[0].textByteCount] == [128, 192, 10])
    for (row, id) in index.world.ids.enumerated() {
      let ordinal = try #require(segment.ordinal(of: id))
      #expect(segment.attributes(of: ordinal) == SmallIndex.item(row))
    }
  }
}
