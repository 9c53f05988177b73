/// The sizes beyond which a request is refused before anything is allocated.
public enum Limits {
  /// The most components a vector may have.
  public static let dimensions = 16_384
  /// The most rows one segment may hold: ordinals and one flag share 32 bits in the candidate pool.
  public static let rowsPerSegment = 1 << 31 - 1
  /// The most links a node may have on an upper level (`m`); level 0 holds twice as many.
  public static let m = 128
  /// The widest candidate list of a build or a search.
  public static let searchWidth = 1 << 20
  /// The most answers one batch of queries may have.
  public static let answersPerBatch = 1 << 28
  /// The most threads one piece of work is spread over; more are taken as this many.
  public static let threads = 1024
  /// The most neighbours one query may ask for.
  public static let neighborsPerQuery = 1 << 20
  /// The most ids and values of attributes that one filter may list, all of them together.
  public static let idsPerFilter = 1 << 24
  /// The most bits that the bitmaps of one filter may have, all of them together.
  public static let bitsPerFilter = 1 << 31
  /// The most sets, bitmaps and operators that one filter may be made of.
  public static let partsPerFilter = 1024
  /// The most operators that may stand inside one another in a filter.
  public static let filterDepth = 64
  /// The most attributes that one item may have.
  public static let attributesPerItem = 64
  /// The most bytes of UTF-8 that the name of an attribute may have.
  public static let attributeNameBytes = 255
  /// The most bytes of UTF-8 that a category or a tag may have.
  public static let attributeTextBytes = 4096
  /// The most tags that one attribute of an item may have.
  public static let tagsPerAttribute = 256
  /// The most bytes that the attributes of one item may have: names, texts, 8 for a number.
  public static let attributeBytesPerItem = 1 << 16
  /// The most columns that one segment may have; an attribute with values of several kinds takes as many.
  public static let columnsPerSegment = 1024
}
