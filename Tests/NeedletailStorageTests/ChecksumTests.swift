import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@Suite struct ChecksumTests {
  /// RFC 3720, B.4, and the usual check value.
  @Test func knownCRC32C() {
    let known: [([UInt8], UInt32)] = [
      (Array("123456789".utf8), 0xe306_9283),
      ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
      ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
      ([UInt8](0..<32), 0x46dd_794e),
      ([UInt8]((0..<32).reversed()), 0x113f_db5c),
      ([], 0),
    ]
    for (bytes, expected) in known { #expect(CRC32C.checksum(of: bytes) == expected) }
  }

  @Test func crc32cEqualsTheBitwiseDefinitionForEveryLengthAndStart() {
    var generator = SplitMix64(seed: 1)
    let bytes = (0..<200).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    for count in 0..<160 {
      for start in 0..<17 {
        let piece = Array(bytes[start..<(start + count)])
        var crc: UInt32 = 0xffff_ffff
        for byte in piece {
          crc ^= UInt32(byte)
          for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82f6_3b78 : 0) }
        }
        let found = unsafe bytes.withUnsafeBytes {
          unsafe CRC32C.checksum(of: UnsafeRawBufferPointer(rebasing: $0[start..<(start + count)]))
        }
        #expect(found == ~crc)
      }
    }
  }

  @Test func crc32cDoesNotDependOnTheCuts() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let whole = CRC32C.checksum(of: bytes)
    for cut in 0...bytes.count {
      var running = CRC32C()
      unsafe bytes.withUnsafeBytes { bytes in
        unsafe running.update(UnsafeRawBufferPointer(rebasing: bytes[..<cut]))
        unsafe running.update(UnsafeRawBufferPointer(rebasing: bytes[cut...]))
      }
      #expect(running.value == whole)
    }
  }

  /// FIPS 180-4 examples, and the empty message.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func knownSHA256(text: String, expected: String) {
    var digest = SHA256()
    digest.update(Array(text.utf8))
    #expect(digest.hexDigest() == expected)
    // Asking does not change the running value.
    #expect(digest.hexDigest() == expected)
  }

  @Test func sha256OfAMillionLettersInPiecesOfEverySize() {
    var digest = SHA256()
    var left = 1_000_000
    var size = 0
    while left > 0 {
      size = min(size + 1, left)
      digest.update([UInt8](repeating: UInt8(ascii: "a"), count: size))
      left -= size
    }
    #expect(
      digest.hexDigest() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func contentHashesReadBackFromTextAndBytes() {
    let bytes = (0..<16).map { UInt8($0 * 16 + 15) }
    let hash = ContentHash(bytes)
    #expect(hash.bytes == bytes)
    #expect(hash.description == "0f1f2f3f4f5f6f7f8f9fafbfcfdfefff")
    #expect(ContentHash(hexadecimal: hash.description) == hash)
    #expect(ContentHash(hexadecimal: "0F1f2f3f4f5f6f7f8f9fafbfcfdfefff") == nil)
    #expect(ContentHash(hexadecimal: "0f") == nil)
  }
}
