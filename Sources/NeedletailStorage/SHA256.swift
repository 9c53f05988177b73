/// A running SHA-256 (FIPS 180-4).
package struct SHA256: Sendable {
  /// The working value H⁽ⁱ⁾, as two halves `a…d` and `e…h`.
  private var front: SIMD4<UInt32> = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a]
  private var back: SIMD4<UInt32> = [0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19]
  /// Bytes of a block that is not yet full.
  private var pending: [UInt8] = []
  private var byteCount: UInt64 = 0

  package init() { pending.reserveCapacity(64) }

  /// Takes in more bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    byteCount &+= UInt64(bytes.count)
    var rest = unsafe bytes[...]
    if !pending.isEmpty {
      let taken = unsafe min(64 - pending.count, rest.count)
      unsafe pending.append(contentsOf: rest.prefix(taken))
      unsafe rest = rest.dropFirst(taken)
      guard pending.count == 64 else { return }
      flushPending()
    }
    let whole = unsafe rest.count / 64
    if whole > 0 {
      unsafe compress(UnsafeRawBufferPointer(rebasing: rest.prefix(whole * 64)))
    }
    unsafe pending.append(contentsOf: rest.dropFirst(whole * 64))
  }

  /// Takes in an array.
  package mutating func update(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { unsafe update($0) }
  }

  /// The 32 bytes of the digest of everything so far; the running value stays usable.
  package func digest() -> [UInt8] {
    var last = self
    let bitCount = byteCount &* 8
    last.pending.append(0x80)
    if last.pending.count > 56 {
      last.pending.append(contentsOf: repeatElement(0, count: 64 - last.pending.count))
      last.flushPending()
    }
    last.pending.append(contentsOf: repeatElement(0, count: 56 - last.pending.count))
    for shift in stride(from: 56, through: 0, by: -8) {
      last.pending.append(UInt8(truncatingIfNeeded: bitCount >> UInt64(shift)))
    }
    last.flushPending()
    var digest: [UInt8] = []
    for half in [last.front, last.back] {
      for lane in 0..<4 {
        for shift in stride(from: 24, through: 0, by: -8) {
          digest.append(UInt8(truncatingIfNeeded: half[lane] >> UInt32(shift)))
        }
      }
    }
    return digest
  }

  /// The digest as 64 lower-case hexadecimal digits.
  package func hexDigest() -> String { hexadecimal(digest()) }

  private mutating func flushPending() {
    let block = pending
    unsafe block.withUnsafeBytes { unsafe compress($0) }
    pending.removeAll(keepingCapacity: true)
  }

  /// Works through whole blocks of 64 bytes.
  private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
    unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
      unsafe Self.constants.withUnsafeBufferPointer { constants in
        for block in 0..<(blocks.count / 64) {
          // SAFETY: indices stay below 64 in both tables, and below the blocks' length.
          for t in 0..<16 {
            unsafe schedule[t] = UInt32(
              bigEndian: blocks.loadUnaligned(
                fromByteOffset: block &* 64 &+ t &* 4, as: UInt32.self))
          }
          for t in 16..<64 {
            let x = unsafe schedule[t &- 15]
            let y = unsafe schedule[t &- 2]
            let s0 = rotate(x, 7) ^ rotate(x, 18) ^ x >> 3
            let s1 = rotate(y, 17) ^ rotate(y, 19) ^ y >> 10
            unsafe schedule[t] = schedule[t &- 16] &+ s0 &+ schedule[t &- 7] &+ s1
          }
          unsafe mix(schedule, constants)
        }
      }
    }
  }

  private mutating func mix(
    _ schedule: UnsafeMutableBufferPointer<UInt32>, _ constants: UnsafeBufferPointer<UInt32>
  ) {
    var (a, b, c, d) = (front.x, front.y, front.z, front.w)
    var (e, f, g, h) = (back.x, back.y, back.z, back.w)
    for t in 0..<64 {
      let s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      let first = unsafe h &+ s1 &+ ((e & f) ^ (~e & g)) &+ constants[t] &+ schedule[t]
      let s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      let second = s0 &+ ((a & b) ^ (a & c) ^ (b & c))
      (h, g, f, e) = (g, f, e, d &+ first)
      (d, c, b, a) = (c, b, a, first &+ second)
    }
    front &+= SIMD4(a, b, c, d)
    back &+= SIMD4(e, f, g, h)
  }

  @inline(__always)
  private func rotate(_ x: UInt32, _ count: UInt32) -> UInt32 {
    x &>> count | x &<< (32 &- count)
  }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (§4.2.2).
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]
}

/// Bytes as lower-case hexadecimal digits, two each.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}
