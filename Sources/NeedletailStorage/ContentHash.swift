/// The identity of a sealed file: half of a SHA-256, 16 bytes, shown as 32 hexadecimal digits.
package struct ContentHash: Sendable, Hashable, CustomStringConvertible {
  /// The number of bytes.
  package static let byteCount = 16

  /// The bytes, first to last, in big-endian halves.
  private let high: UInt64
  private let low: UInt64

  /// Takes the first 16 bytes; missing ones are zero.
  package init(_ bytes: some Sequence<UInt8>) {
    var (high, low): (UInt64, UInt64) = (0, 0)
    for (index, byte) in bytes.prefix(Self.byteCount).enumerated() {
      if index < 8 {
        high |= UInt64(byte) << UInt64(56 - 8 * index)
      } else {
        low |= UInt64(byte) << UInt64(120 - 8 * index)
      }
    }
    (self.high, self.low) = (high, low)
  }

  /// Parses exactly 32 lower-case hexadecimal digits.
  package init?(hexadecimal text: some StringProtocol) {
    guard text.utf8.count == 32 else { return nil }
    var halves: [UInt64] = [0, 0]
    for (index, digit) in text.utf8.enumerated() {
      let value: UInt8
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
      default: return nil
      }
      halves[index / 16] = halves[index / 16] << 4 | UInt64(value)
    }
    (high, low) = (halves[0], halves[1])
  }

  /// The 16 bytes as they stand in files.
  package var bytes: [UInt8] {
    (0..<16).map { index in
      let half = index < 8 ? high : low
      return UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * (index % 8)))
    }
  }

  package var description: String { hexadecimal(bytes) }
}
