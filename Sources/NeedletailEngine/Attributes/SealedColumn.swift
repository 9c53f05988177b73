import NeedletailCore

/// One column of a sealed segment.
///
/// Every number that is read from the file is compared with where it would lead, each time: damaged bytes give
/// other rows and texts, and nothing else.
@safe
struct SealedColumn: AttributeColumn, @unchecked Sendable {
  // SAFETY: the bytes are the segment's, which keeps them and never changes them.

  let layout: ColumnLayout
  private let start: UnsafeRawPointer

  /// - Precondition: the parts of the layout lie within the bytes from `start` on.
  @unsafe
  init(_ layout: ColumnLayout, _ start: UnsafeRawPointer) {
    self.layout = layout
    unsafe self.start = start
  }

  var kind: AttributeKind { layout.kind }
  var rows: Int { layout.rows }
  var textCount: Int { layout.textCount }
  var values: UnsafeRawPointer { unsafe start + layout.values }

  func keepPresent(_ bits: borrowing RowBits) {
    guard kind != .category else {
      unsafe PresenceTest(values, UInt32(textCount)).keep(rows: rows, bits.words)
      return
    }
    let words = unsafe (start + layout.presence).assumingMemoryBound(to: UInt64.self)
    for word in 0..<RowBits.words(rows) { unsafe bits.words[word] &= words[word] }
  }

  func isPresent(_ row: UInt32) -> Bool {
    if kind == .category { return textNumber(row) != nil }
    let words = unsafe (start + layout.presence).assumingMemoryBound(to: UInt64.self)
    return unsafe words[Int(row) / 64] >> UInt64(row % 64) & 1 != 0
  }

  /// Whether the presence goes on behind the last row.
  var hasPresenceBeyondRows: Bool {
    guard rows % 64 > 0 else { return false }
    let words = unsafe (start + layout.presence).assumingMemoryBound(to: UInt64.self)
    return unsafe words[rows / 64] >> UInt64(rows % 64) != 0
  }

  /// Whether the bytes of a number, or the number of a text, are 0.
  func isZero(_ row: UInt32) -> Bool {
    if kind == .category { return unsafe word(layout.values, Int(row)) == 0 }
    return unsafe values.load(fromByteOffset: Int(row) * 8, as: UInt64.self) == 0
  }

  /// The number of a category's text, from 1.
  @inline(__always)
  func textNumber(_ row: UInt32) -> UInt32? {
    let number = unsafe word(layout.values, Int(row))
    return number > 0 && Int(number) <= textCount ? number : nil
  }

  /// The value of a row; `nil`: it has none.
  func value(_ row: UInt32) -> AttributeValue? {
    guard isPresent(row) else { return nil }
    switch kind {
    case .integer:
      return unsafe .integer(
        values.load(fromByteOffset: Int(row) * 8, as: Int64.self))
    case .real: return unsafe .real(values.load(fromByteOffset: Int(row) * 8, as: Double.self))
    case .category: return textNumber(row).map { .category(text($0)) }
    case .tags:
      return .tags(
        Set(
          tags(row).compactMap { place in
            let number = unsafe word(layout.rowTags, place)
            return number > 0 && Int(number) <= textCount ? text(number) : nil
          }))
    }
  }

  /// The places of a row's tags in the list of all.
  func tags(_ row: UInt32) -> Range<Int> { range(layout.values, Int(row)) }

  /// The numbers of the texts at those places.
  func tagNumber(_ place: Int) -> UInt32 { unsafe word(layout.rowTags, place) }

  func insertRows(tagged number: UInt32, into bits: borrowing RowBits) {
    guard number > 0, Int(number) <= textCount else { return }
    for place in range(layout.tagStarts, Int(number) - 1) {
      let row = unsafe word(layout.tagRows, place)
      if Int(row) < rows { bits.insert(row) }
    }
  }

  /// The rows that have a tag, as the file lists them.
  func taggedRows(_ number: UInt32) -> [UInt32] {
    range(layout.tagStarts, Int(number) - 1).map { unsafe word(layout.tagRows, $0) }
  }

  /// A text by its number, from 1; letters that the bytes do not make are replaced.
  ///
  /// - Precondition: the number is at most that of the texts.
  func text(_ number: UInt32) -> String {
    unsafe String(decoding: textBytes(Int(number) - 1), as: UTF8.self)
  }

  /// Where a text begins and ends, as the file says.
  func textRange(_ place: Int) -> (lowerBound: UInt64, upperBound: UInt64) {
    let at = layout.textStarts + place * 8
    return unsafe (
      start.load(fromByteOffset: at, as: UInt64.self),
      start.load(fromByteOffset: at + 8, as: UInt64.self)
    )
  }

  /// The bytes of a text by its place in their order.
  @unsafe
  func textBytes(_ place: Int) -> UnsafeRawBufferPointer {
    let range = textRange(place)
    let last = Int(min(range.upperBound, UInt64(layout.textByteCount)))
    let first = min(Int(min(range.lowerBound, UInt64(layout.textByteCount))), last)
    return unsafe UnsafeRawBufferPointer(
      start: start + layout.texts + first, count: last - first)
  }

  /// - Complexity: O(log texts).
  func number(of text: String) -> UInt32? {
    let bytes = Array(text.utf8)
    var (low, high) = (0, textCount)
    while low < high {
      let middle = (low + high) / 2
      let present = unsafe textBytes(middle)
      if unsafe present.elementsEqual(bytes) { return UInt32(middle) + 1 }
      if unsafe present.lexicographicallyPrecedes(bytes) { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// Whether the starts of both lists of tags go from the first tag to the last.
  var hasSoundStarts: Bool {
    for (starts, lists) in [(layout.values, rows), (layout.tagStarts, textCount)] {
      var before: UInt32 = 0
      for index in 0...lists {
        let place = unsafe word(starts, index)
        guard place >= before, index > 0 || place == 0 else { return false }
        before = place
      }
      guard before == UInt32(layout.tagCount) else { return false }
    }
    return true
  }

  /// A list's places, from where it starts to where the next one does.
  private func range(_ starts: Int, _ index: Int) -> Range<Int> {
    let last = min(Int(unsafe word(starts, index + 1)), layout.tagCount)
    return min(Int(unsafe word(starts, index)), last)..<last
  }

  @unsafe @inline(__always)
  private func word(_ part: Int, _ index: Int) -> UInt32 {
    unsafe start.load(fromByteOffset: part &+ index &* 4, as: UInt32.self)
  }
}

/// Whether a number is that of a text.
@safe
struct PresenceTest: RowTest {
  private let values: UnsafePointer<UInt32>
  private let textCount: UInt32

  @unsafe
  init(_ values: UnsafeRawPointer, _ textCount: UInt32) {
    unsafe self.values = values.assumingMemoryBound(to: UInt32.self)
    self.textCount = textCount
  }

  @inline(__always)
  func result(_ row: Int) -> UInt8 { unsafe values[row] &- 1 < textCount ? 1 : 0 }
}
