import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@Suite("The bytes of attributes")
struct AttributeBytesTests {
  private func read(_ bytes: [UInt8]) throws(NeedletailError) -> Attributes {
    try Attributes(bytes: bytes, path: "log")
  }

  @Test("What was written is read, and equal attributes have equal bytes")
  func roundTrip() throws {
    for item in RandomAttributes.items(2_000, seed: 1) {
      let bytes = item.bytes
      #expect(try read(bytes) == item)
      var anew = Attributes()
      for name in item.names.reversed() { anew[name] = item[name] }
      #expect(anew.bytes == bytes)
    }
    #expect(Attributes().bytes.isEmpty)
    #expect(try read([]).isEmpty)
    #expect((["a": .real(-0.0)] as Attributes).bytes == (["a": .real(0)] as Attributes).bytes)
    let item: Attributes = ["a": 258, "b": ["y", "x"]]
    #expect(
      item.bytes == [
        2, 1, 97, 1, 2, 1, 0, 0, 0, 0, 0, 0, 1, 98, 4, 2, 0, 1, 0, 120, 1, 0, 121,
      ])
  }

  @Test("The largest item there is")
  func largest() throws {
    let text = String(repeating: "x", count: Limits.attributeTextBytes)
    var item = Attributes()
    for i in 0..<15 { item["text \(i)"] = .category(text) }
    item[String(repeating: "n", count: 255)] = .tags(Set((0..<256).map { "\($0)" }))
    for i in 0..<(Limits.attributesPerItem - 16) { item["\(i)"] = .integer(.min) }
    try item.validate()
    #expect(try read(item.bytes) == item)
  }

  /// F4, F5, F13: the log's checksum may fit, and the bytes still lie.
  @Test("Every bit and every length: refused, or the very bytes of other attributes")
  func damage() throws {
    let item: Attributes = [
      "brand": "acmé", "price": 19.5, "tags": ["new", "in_stock", "ß"], "year": 2024,
    ]
    let bytes = item.bytes
    func judge(_ damaged: [UInt8]) {
      do throws(NeedletailError) {
        let found = try read(damaged)
        #expect(found.bytes == damaged)
      } catch {
        #expect(error.code == .corrupted && error.location?.path == "log")
      }
    }
    for bit in 0..<(bytes.count * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      judge(damaged)
    }
    for length in 1..<bytes.count {
      #expect(throws: NeedletailError.self) { try read(Array(bytes.prefix(length))) }
    }
    #expect(throws: NeedletailError.self) { try read(bytes + [0]) }
    var random = SplitMix64(seed: 7)
    for _ in 0..<Effort.count(50_000, long: 2_000_000) {
      var damaged = bytes
      for _ in 0...random.next(below: 4) {
        damaged[Int(random.next(below: UInt64(bytes.count)))] = UInt8(
          truncatingIfNeeded: random.next())
      }
      judge(damaged)
    }
  }

  @Test("Hostile bytes are named")
  func hostile() {
    let cases: [(String, [UInt8])] = [
      ("no attribute, in a byte", [0]),
      ("65 attributes", [65]),
      ("255 attributes", [255]),
      ("no name", [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
      ("a name beyond the end", [1, 255, 97]),
      ("a name that is not UTF-8", [1, 1, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
      ("kind 0", [1, 1, 97, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      ("kind 5", [1, 1, 97, 5, 0, 0, 0, 0, 0, 0, 0, 0]),
      ("a name twice", [2, 1, 97, 3, 0, 0, 1, 97, 3, 0, 0]),
      ("names that descend", [2, 1, 98, 3, 0, 0, 1, 97, 3, 0, 0]),
      ("NaN", [1, 1, 97, 2, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f]),
      ("a zero below zero", [1, 1, 97, 2, 0, 0, 0, 0, 0, 0, 0, 0x80]),
      ("a text beyond the end", [1, 1, 97, 3, 255, 255, 97]),
      ("a text that is not UTF-8", [1, 1, 97, 3, 2, 0, 0xc3, 0x28]),
      ("half a surrogate pair", [1, 1, 97, 3, 3, 0, 0xed, 0xa0, 0x80]),
      ("a text over the limit", [1, 1, 97, 3, 1, 16] + [UInt8](repeating: 97, count: 4097)),
      ("65 535 tags", [1, 1, 97, 4, 255, 255, 1, 0, 97]),
      ("a tag twice", [1, 1, 97, 4, 2, 0, 1, 0, 97, 1, 0, 97]),
      ("tags that descend", [1, 1, 97, 4, 2, 0, 1, 0, 98, 1, 0, 97]),
      // e with an accent, and e followed by the accent: one string, of other bytes.
      ("a tag twice in two forms", [1, 1, 97, 4, 2, 0, 3, 0, 0x65, 0xcc, 0x81, 2, 0, 0xc3, 0xa9]),
      ("a byte more", [1, 1, 97, 3, 0, 0, 0]),
    ]
    for (name, bytes) in cases {
      do throws(NeedletailError) {
        _ = try read(bytes)
        Issue.record("\(name) was read")
      } catch {
        #expect(error.code == .corrupted && !error.message.isEmpty, "\(name)")
      }
    }
  }

  @Test("A batch of the log carries them")
  func batch() throws {
    let items = RandomAttributes.items(3, seed: 4)
    let batch = LogBatch.upsert(
      ids: [1, 2, 3], dimensions: 1, components: [1, 2, 3], attributes: items.map(\.bytes))
    #expect(try batch.attributes.map { try read($0) } == items)
  }
}
