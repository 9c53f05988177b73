/// A running CRC-32C (Castagnoli): reflected polynomial 0x82f63b78, initial and final value
/// inverted.
///
/// About 2 GB/s in release builds, without special instructions.
///
/// - Source: the sixteen-table form follows Kounavis and Berry, *A systematic approach to building
///   high performance software-based CRC generators* (2005).
package struct CRC32C: Sendable {
  private var state: UInt32 = 0xffff_ffff

  package init() {}

  /// The checksum of everything so far.
  package var value: UInt32 { ~state }

  /// The checksum of one piece of bytes.
  package static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    var checksum = CRC32C()
    unsafe checksum.update(bytes)
    return checksum.value
  }

  /// The checksum of an array.
  package static func checksum(of bytes: [UInt8]) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe checksum(of: $0) }
  }

  /// Takes in more bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    let tables = unsafe Tables.shared.start
    var crc = state
    var offset = 0
    let count = bytes.count
    // SAFETY: each step reads 16 bytes at an offset of at most `count` − 16, and table indices
    // below 16·256.
    while offset &+ 16 <= count {
      let low = unsafe UInt64(
        littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let high = unsafe UInt64(
        littleEndian: start.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self))
      let first = low ^ UInt64(crc)
      let a = unsafe tables[15 << 8 | Int(first & 0xff)] ^ tables[14 << 8 | Int(first >> 8 & 0xff)]
      let b =
        unsafe tables[13 << 8 | Int(first >> 16 & 0xff)]
        ^ tables[12 << 8 | Int(first >> 24 & 0xff)]
      let c =
        unsafe tables[11 << 8 | Int(first >> 32 & 0xff)]
        ^ tables[10 << 8 | Int(first >> 40 & 0xff)]
      let d = unsafe tables[9 << 8 | Int(first >> 48 & 0xff)] ^ tables[8 << 8 | Int(first >> 56)]
      let e = unsafe tables[7 << 8 | Int(high & 0xff)] ^ tables[6 << 8 | Int(high >> 8 & 0xff)]
      let f =
        unsafe tables[5 << 8 | Int(high >> 16 & 0xff)]
        ^ tables[4 << 8 | Int(high >> 24 & 0xff)]
      let g =
        unsafe tables[3 << 8 | Int(high >> 32 & 0xff)]
        ^ tables[2 << 8 | Int(high >> 40 & 0xff)]
      let h = unsafe tables[1 << 8 | Int(high >> 48 & 0xff)] ^ tables[Int(high >> 56)]
      crc = (a ^ b) ^ (c ^ d) ^ (e ^ f) ^ (g ^ h)
      offset &+= 16
    }
    while offset < count {
      let byte = unsafe start.load(fromByteOffset: offset, as: UInt8.self)
      crc = unsafe tables[Int((crc ^ UInt32(byte)) & 0xff)] ^ (crc >> 8)
      offset &+= 1
    }
    state = crc
  }

  /// Sixteen tables of 256 entries: table `t` advances a byte by `t` further zero bytes.
  @safe
  private final class Tables: @unchecked Sendable {
    // SAFETY: written once here, only read afterwards; lives as long as the process.
    static let shared = Tables()
    let start: UnsafeMutablePointer<UInt32>

    private init() {
      unsafe start = .allocate(capacity: 16 * 256)
      for byte in 0..<256 {
        var crc = UInt32(byte)
        for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82f6_3b78 : 0) }
        unsafe (start + byte).initialize(to: crc)
      }
      for index in 256..<(16 * 256) {
        let previous = unsafe start[index - 256]
        unsafe (start + index).initialize(to: previous >> 8 ^ start[Int(previous & 0xff)])
      }
    }

    deinit { unsafe start.deallocate() }
  }
}
