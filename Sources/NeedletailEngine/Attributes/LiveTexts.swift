import NeedletailCore
import Synchronization

/// The texts of a live segment's categories and tags, each of them once and numbered from 1.
///
/// One writer adds texts while readers look for them without a lock: a text and its entry are written before the
/// head of its list says so, with release, and never change.
///
/// ```text
/// heads     [2¹⁶]            number of the newest entry of the list, or 0; atomic
/// entries   [texts]          offset, length, number of the next entry of the list
/// bytes     [bytes]          UTF-8
/// ```
@safe
final class LiveTexts: @unchecked Sendable {
  // SAFETY: addresses never change; what is read was written before something that was acquired, see above.

  private struct Entry: BitwiseCopyable {
    var offset: UInt64
    var byteCount: UInt32
    var next: UInt32
  }

  private static let listCount = 1 << 16
  private static let listByteCount = listCount * 4
  private static let bytesPerRow = 256

  private let heads: ReservedMemory
  private let entries: ReservedMemory
  private let bytes: ReservedMemory
  private let limit: Int
  /// Bytes written; the writer's.
  private var used = 0
  private let written = Atomic<Int>(0)

  /// Reserves addresses for the texts of so many rows: two for each, of 256 bytes a row.
  init(rowLimit: Int) throws(NeedletailError) {
    limit = min(2 * max(rowLimit, 1 << 15), Int(UInt32.max) - 1)
    heads = try ReservedMemory(count: Self.listCount, stride: 4)
    entries = try ReservedMemory(count: limit, stride: MemoryLayout<Entry>.stride)
    bytes = try ReservedMemory(count: max(rowLimit, 1 << 15), stride: Self.bytesPerRow)
  }

  /// Texts written.
  var count: Int { written.load(ordering: .acquiring) }

  var byteCount: Int { heads.byteCount + entries.byteCount + bytes.byteCount }

  /// The number of a text; `nil`: it was never written.
  ///
  /// - Complexity: O(1) up to some 65 536 texts, then O(texts / 65 536).
  func number(of text: String) -> UInt32? {
    let text = Array(text.utf8)
    return find(text, Self.list(text))
  }

  /// The text of a number.
  ///
  /// - Precondition: the number was read from a row that was published, or given by `number(of:)`.
  func text(_ number: UInt32) -> String {
    let entry = entry(number)
    return unsafe String(decoding: bytes(of: entry), as: UTF8.self)
  }

  /// Refuses more texts than there are places for.
  ///
  /// - Parameters:
  ///   - texts: how many, none of which was written.
  ///   - bytes: of all of them.
  /// - Throws: `capacityExceeded`.
  func check(texts: Int, bytes: Int) throws(NeedletailError) {
    let count = written.load(ordering: .relaxed)
    guard texts <= limit - count, bytes <= self.bytes.reservedByteCount - used else {
      throw NeedletailError(
        .capacityExceeded,
        "The live segment has \(count) categories and tags of \(used) bytes already, and no room for \(texts) of"
          + " \(bytes) bytes more; seal it first.")
    }
  }

  /// Bytes of memory that would become usable besides, for so many more texts; 0 for none.
  func bytesNeeded(texts: Int, bytes: Int) -> Int {
    guard texts > 0 else { return 0 }
    let count = written.load(ordering: .relaxed) + texts
    return heads.byteCount(grownTo: Self.listByteCount)
      + entries.byteCount(grownTo: count * MemoryLayout<Entry>.stride)
      + self.bytes.byteCount(grownTo: used + bytes) - byteCount
  }

  /// Makes room for so many more texts, which were checked.
  ///
  /// - Throws: `io` without memory.
  func grow(texts: Int, bytes: Int) throws(NeedletailError) {
    let count = written.load(ordering: .relaxed) + texts
    try heads.grow(to: Self.listByteCount)
    try entries.grow(to: count * MemoryLayout<Entry>.stride)
    try self.bytes.grow(to: used + bytes)
  }

  /// Writes a text, unless it was written before; only the writer may call it.
  ///
  /// - Returns: the number of the text.
  /// - Throws: `capacityExceeded` where room ends, `io` without memory.
  func add(_ text: String) throws(NeedletailError) -> UInt32 {
    let text = Array(text.utf8)
    let list = Self.list(text)
    if heads.byteCount > 0, let number = find(text, list) { return number }
    let count = written.load(ordering: .relaxed)
    try check(texts: 1, bytes: text.count)
    try grow(texts: 1, bytes: text.count)
    let number = UInt32(count) + 1
    // SAFETY: both ranges were made usable, and no reader knows them yet.
    unsafe text.withUnsafeBytes { source in
      unsafe UnsafeMutableRawBufferPointer(start: bytes.start + used, count: text.count)
        .copyMemory(from: source)
    }
    let head = unsafe head(list)
    let entry = Entry(
      offset: UInt64(used), byteCount: UInt32(text.count),
      next: unsafe head.pointee.load(ordering: .relaxed))
    unsafe entries.start.storeBytes(
      of: entry, toByteOffset: count * MemoryLayout<Entry>.stride, as: Entry.self)
    used += text.count
    written.store(count + 1, ordering: .releasing)
    unsafe head.pointee.store(number, ordering: .releasing)
    return number
  }

  private func find(_ text: [UInt8], _ list: Int) -> UInt32? {
    // Readers come here only with texts written, or before the first one.
    guard count > 0 else { return nil }
    var number = unsafe head(list).pointee.load(ordering: .acquiring)
    while number > 0 {
      let entry = entry(number)
      if Int(entry.byteCount) == text.count, unsafe bytes(of: entry).elementsEqual(text) {
        return number
      }
      number = entry.next
    }
    return nil
  }

  private func entry(_ number: UInt32) -> Entry {
    unsafe entries.start.load(
      fromByteOffset: (Int(number) - 1) * MemoryLayout<Entry>.stride, as: Entry.self)
  }

  @unsafe
  private func bytes(of entry: Entry) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(
      start: bytes.start + Int(entry.offset), count: Int(entry.byteCount))
  }

  @unsafe
  private func head(_ list: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    // SAFETY: an atomic word has the size and alignment of its value, and zero bits are 0.
    unsafe heads.start.assumingMemoryBound(to: Atomic<UInt32>.self) + list
  }

  /// Which list a text is in; another one in each process, so that nobody can fill one list on purpose.
  private static func list(_ text: [UInt8]) -> Int {
    var hasher = Hasher()
    unsafe text.withUnsafeBytes { bytes in unsafe hasher.combine(bytes: bytes) }
    return hasher.finalize() & (listCount - 1)
  }
}
