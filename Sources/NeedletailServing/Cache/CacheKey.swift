public import NeedletailBudgets
import NeedletailCore

/// What was asked: the same question in every generation of an index.
///
/// Two keys are one question when every byte of them is the same; the hash only says where to look.
public struct CacheKey: Sendable, Hashable {
  /// The query's components, as bytes.
  public let query: [UInt8]
  /// The filter, in a form that is the same for the same filter; empty without one.
  public let filter: [UInt8]
  /// How many neighbours were asked for.
  public let k: Int
  /// How the answer was to be made.
  public let rung: Rung
  /// Where to look: the same for all rungs, so that a better answer is found in the same place.
  package let hash: UInt64

  /// Makes a key; `seed` makes its hash hard to guess and is the same for all keys of one cache.
  package init(query: [UInt8], filter: [UInt8], k: Int, rung: Rung, seed: UInt64) {
    var hash = ByteHash(seed: seed)
    hash.add(UInt64(truncatingIfNeeded: k))
    hash.add(query.span)
    hash.add(filter.span)
    self.init(query: query, filter: filter, k: k, rung: rung, hash: hash.value)
  }

  init(query: [UInt8], filter: [UInt8], k: Int, rung: Rung, hash: UInt64) {
    self.query = query
    self.filter = filter
    self.k = k
    self.rung = rung
    self.hash = hash
  }

  /// Whether two keys are the same in every byte.
  public static func == (a: CacheKey, b: CacheKey) -> Bool {
    a.hash == b.hash && a.k == b.k && a.rung == b.rung && a.query == b.query
      && a.filter == b.filter
  }

  /// Adds the hash, which was made with the key.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(hash)
    hasher.combine(rung)
  }

  /// The same question, answered at another rung.
  package func at(_ rung: Rung) -> CacheKey {
    CacheKey(query: query, filter: filter, k: k, rung: rung, hash: hash)
  }

  /// Bytes of the key, where nobody else holds the same ones.
  var byteCount: Int { 112 + query.count + filter.count }

  /// Whether a search may answer it in a way that can be kept and saved.
  var isKeepable: Bool {
    (1...Limits.neighborsPerQuery).contains(k) && Rung.searching.contains(rung)
      && query.count <= Int32.max && filter.count <= Int32.max
  }
}

extension Rung {
  /// The rungs at which something is searched for, the best first.
  static let searching: [Rung] = [.full, .smallerWindow, .withoutRerank, .lighterCodes]
}

/// A hash of bytes, eight at a time: quick, seeded, and the same on every machine.
///
/// No protection against forgery.
///
/// Source of the idea: folded multiplication, as in Yi, *wyhash* (2019).
struct ByteHash: ~Copyable {
  private(set) var value: UInt64

  init(seed: UInt64) { value = seed ^ 0x9e37_79b9_7f4a_7c15 }

  mutating func add(_ word: UInt64) {
    let product = (value ^ word).multipliedFullWidth(by: 0xbf58_476d_1ce4_e5b9)
    value = (product.high ^ product.low) &+ 0x94d0_49bb_1331_11eb
  }

  mutating func add(_ bytes: Span<UInt8>) {
    add(UInt64(bytes.count))
    // SAFETY: any bits of a byte are bytes.
    let raw = unsafe bytes.bytes
    var offset = 0
    while offset + 8 <= raw.byteCount {
      // SAFETY: eight bytes from `offset` on are there, and any bits are an integer.
      let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
      add(UInt64(littleEndian: word))
      offset += 8
    }
    var rest: UInt64 = 0
    while offset < bytes.count {
      rest = rest << 8 | UInt64(bytes[offset])
      offset += 1
    }
    add(rest)
  }
}
