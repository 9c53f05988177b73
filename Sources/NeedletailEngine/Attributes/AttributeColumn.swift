import NeedletailCore

/// One column of attributes as predicates look at it: of a sealed segment, or of a live one up to a view's count.
///
/// | Kind          | Values                                                                             |
/// |---------------|------------------------------------------------------------------------------------|
/// | integer, real | `[rows]` of 8 bytes; anything where no value is present                            |
/// | category      | `[rows]` UInt32: the number of the text, from 1; 0, or beyond the texts: no value  |
/// | tags          | the column's own affair                                                            |
protocol AttributeColumn {
  var kind: AttributeKind { get }
  var rows: Int { get }
  /// Valid while the column lives.
  var values: UnsafeRawPointer { get }
  /// Numbers of texts end here.
  var textCount: Int { get }

  /// Keeps the rows that have a value.
  func keepPresent(_ bits: borrowing RowBits)
  /// The number of a text, from 1; `nil`: no row has it.
  func number(of text: String) -> UInt32?
  /// Adds the rows that have a tag.
  func insertRows(tagged number: UInt32, into bits: borrowing RowBits)
}

extension AttributeColumn {
  /// The rows whose values pass a test; none where it asks for another kind of value.
  ///
  /// - Throws: `io` when there is no memory for a bit per row.
  /// - Complexity: one pass over the values, and O(values listed · log texts); of tags O(rows that have it)
  ///   where the column is sealed.
  func bits(_ test: AttributePredicate.Test) throws(NeedletailError) -> RowBits {
    let bits = try RowBits(rows: rows)
    switch (test, kind) {
    case (.exists, _):
      bits.invert()
      keepPresent(bits)
    case (.number(let range, let isInverted), .integer):
      if let range = range.integers { unsafe run(IntegerTest(values, range), bits) }
      if isInverted { bits.invert() }
      keepPresent(bits)
    case (.number(let range, let isInverted), .real):
      if let range = range.reals { unsafe run(RealTest(values, range), bits) }
      if isInverted { bits.invert() }
      keepPresent(bits)
    case (.numbers(let ranges), .integer):
      matchListed(ranges.compactMap { $0.integers?.lowerBound }, bits)
      keepPresent(bits)
    case (.numbers(let ranges), .real):
      matchListed(ranges.compactMap { $0.reals?.lowerBound }, bits)
      keepPresent(bits)
    case (.category(let texts, let isInverted), .category):
      match(Set(texts.compactMap { number(of: $0) }), bits)
      if isInverted {
        bits.invert()
        keepPresent(bits)
      }
    case (.tag(let text), .tags):
      if let number = number(of: text) { insertRows(tagged: number, into: bits) }
    default: break
    }
    return bits
  }

  /// Adds the rows of a category whose texts have one of the numbers.
  func match(_ numbers: Set<UInt32>, _ bits: borrowing RowBits) {
    guard let first = numbers.first else { return }
    guard numbers.count > 1 else { return unsafe run(CodeTest(values, first), bits) }
    var flags = [UInt8](repeating: 0, count: textCount + 1)
    for number in numbers where Int(number) < flags.count { flags[Int(number)] = 1 }
    unsafe run(CodesTest(values, flags), bits)
  }

  /// Adds the rows whose numbers are in a list.
  private func matchListed<Number: Comparable & BitwiseCopyable>(
    _ numbers: [Number], _ bits: borrowing RowBits
  ) {
    let numbers = numbers.sorted()
    let words = unsafe bits.words
    unsafe numbers.withUnsafeBufferPointer { list in
      guard let start = list.baseAddress, !list.isEmpty else { return }
      unsafe ListedTest(values, start, list.count).mark(rows: rows, words)
    }
  }

  private func run(_ test: some RowTest, _ bits: borrowing RowBits) {
    unsafe test.mark(rows: rows, bits.words)
  }
}

/// A test of the values of rows, for passes over a whole column.
protocol RowTest {
  /// 1 where the row passes, otherwise 0.
  func result(_ row: Int) -> UInt8
}

extension RowTest {
  /// Adds the rows that pass to `words`, 64 of them a word.
  ///
  /// Results go into bytes first, which the compiler does several at a time, and are packed then.
  @unsafe @inline(__always)
  func mark(rows: Int, _ words: UnsafeMutablePointer<UInt64>) {
    unsafe withUnsafeTemporaryAllocation(byteCount: 64, alignment: 64) { buffer in
      let bytes = unsafe buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
      for word in 0..<(rows / 64) {
        for i in 0..<64 { unsafe bytes[i] = result(word &* 64 &+ i) }
        unsafe words[word] |= Self.pack(bytes)
      }
      var last: UInt64 = 0
      for i in 0..<(rows % 64) { last |= UInt64(result(rows / 64 &* 64 &+ i)) << UInt64(i) }
      if last != 0 { unsafe words[rows / 64] |= last }
    }
  }

  /// Keeps of the rows in `words` those that pass.
  @unsafe @inline(__always)
  func keep(rows: Int, _ words: UnsafeMutablePointer<UInt64>) {
    unsafe withUnsafeTemporaryAllocation(byteCount: 64, alignment: 64) { buffer in
      let bytes = unsafe buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
      for word in 0..<(rows / 64) {
        for i in 0..<64 { unsafe bytes[i] = result(word &* 64 &+ i) }
        unsafe words[word] &= Self.pack(bytes)
      }
      guard rows % 64 > 0 else { return }
      var last: UInt64 = 0
      for i in 0..<(rows % 64) { last |= UInt64(result(rows / 64 &* 64 &+ i)) << UInt64(i) }
      unsafe words[rows / 64] &= last
    }
  }

  /// Turns 64 bytes of 0 or 1 into bits, the first one the lowest.
  @unsafe @inline(__always)
  private static func pack(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
    var word: UInt64 = 0
    for group in 0..<8 {
      let eight = unsafe UInt64(
        littleEndian: UnsafeRawPointer(bytes).load(fromByteOffset: group &* 8, as: UInt64.self))
      // Each byte is moved to a place of its own among the upper eight bits.
      word |= ((eight &* 0x0102_0408_1020_4080) >> 56) << UInt64(group &* 8)
    }
    return word
  }
}

// The tests are made for one pass over values that the column keeps.

/// Whole numbers in a range, by one comparison.
@safe
struct IntegerTest: RowTest {
  private let values: UnsafePointer<Int64>
  private let first: Int64
  private let width: UInt64

  @unsafe
  init(_ values: UnsafeRawPointer, _ range: ClosedRange<Int64>) {
    unsafe self.values = values.assumingMemoryBound(to: Int64.self)
    first = range.lowerBound
    width = UInt64(bitPattern: range.upperBound &- range.lowerBound)
  }

  @inline(__always)
  func result(_ row: Int) -> UInt8 {
    unsafe UInt64(bitPattern: values[row] &- first) <= width ? 1 : 0
  }
}

/// Real numbers in a range, by one comparison of whole numbers in the same order.
@safe
struct RealTest: RowTest {
  private let values: UnsafePointer<Int64>
  private let first: Int64
  private let width: UInt64

  @unsafe
  init(_ values: UnsafeRawPointer, _ range: ClosedRange<Double>) {
    unsafe self.values = values.assumingMemoryBound(to: Int64.self)
    // No column has the other zero.
    first = Self.order(Int64(bitPattern: (range.lowerBound + 0).bitPattern))
    let last = Self.order(Int64(bitPattern: (range.upperBound + 0).bitPattern))
    width = UInt64(bitPattern: last &- first)
  }

  @inline(__always)
  func result(_ row: Int) -> UInt8 {
    unsafe UInt64(bitPattern: Self.order(values[row]) &- first) <= width ? 1 : 0
  }

  /// Turns the bits of a number into one that stands in the same order: below zero, bits grow as numbers fall.
  @inline(__always)
  private static func order(_ bits: Int64) -> Int64 { bits ^ ((bits >> 63) & .max) }
}

/// Numbers of an ascending list.
@safe
struct ListedTest<Number: Comparable & BitwiseCopyable>: RowTest {
  private let values: UnsafePointer<Number>
  private let numbers: UnsafePointer<Number>
  private let count: Int

  /// - Precondition: there is at least one number; they outlive the test.
  @unsafe
  init(_ values: UnsafeRawPointer, _ numbers: UnsafePointer<Number>, _ count: Int) {
    unsafe self.values = values.assumingMemoryBound(to: Number.self)
    unsafe self.numbers = numbers
    self.count = count
  }

  /// Halves the list without a branch that the processor would have to guess.
  @inline(__always)
  func result(_ row: Int) -> UInt8 {
    let value = unsafe values[row]
    var (first, left) = (0, count)
    while left > 1 {
      let half = left / 2
      first = unsafe numbers[first &+ half] <= value ? first &+ half : first
      left &-= half
    }
    return unsafe numbers[first] == value ? 1 : 0
  }
}

/// One text.
@safe
struct CodeTest: RowTest {
  private let values: UnsafePointer<UInt32>
  private let number: UInt32

  @unsafe
  init(_ values: UnsafeRawPointer, _ number: UInt32) {
    unsafe self.values = values.assumingMemoryBound(to: UInt32.self)
    self.number = number
  }

  @inline(__always)
  func result(_ row: Int) -> UInt8 { unsafe values[row] == number ? 1 : 0 }
}

/// Any of several texts.
@safe
struct CodesTest: RowTest {
  private let values: UnsafePointer<UInt32>
  private let flags: [UInt8]

  /// Takes 1 at the numbers of the texts, and 0 elsewhere.
  @unsafe
  init(_ values: UnsafeRawPointer, _ flags: [UInt8]) {
    unsafe self.values = values.assumingMemoryBound(to: UInt32.self)
    self.flags = flags
  }

  @inline(__always)
  func result(_ row: Int) -> UInt8 {
    let number = unsafe Int(values[row])
    return number < flags.count ? flags[number] : 0
  }
}
