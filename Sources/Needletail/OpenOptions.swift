import NeedletailCore
import NeedletailEngine

/// Where the parts of an index lie while it is open, and how much is checked first.
public struct OpenOptions: Sendable, Hashable {
  /// Where one component lies.
  public enum Placement: String, Sendable, Hashable, Codable, CaseIterable {
    /// In anonymous memory, in huge pages where the system has them: fastest, and counted as the process's.
    case resident
    /// In the file's pages: opening costs nothing, the system may drop and read them again.
    case mapped
  }

  /// What is checked at open.
  public enum Verification: String, Sendable, Hashable, Codable, CaseIterable {
    /// Headers, sizes and places, in time that does not depend on the size. Afterwards no bytes, however
    /// damaged, make a search trap, read out of bounds or walk without end.
    case structure
    /// Every byte and every link as well. Afterwards no answer is silently wrong.
    case full
  }

  /// Where codes lie.
  ///
  /// Default `.resident`.
  public var codes = Placement.resident
  /// Where links lie.
  ///
  /// In turbo mode those of level 0 stand beside the codes, and lie where `codes` says.
  ///
  /// Default `.resident`.
  public var graph = Placement.resident
  /// Where precise rows lie.
  ///
  /// Default `.mapped`: only the re-rank reads them, a few per query.
  public var preciseRows = Placement.mapped
  /// Where ids lie.
  ///
  /// Default `.resident`.
  public var ids = Placement.resident
  /// What is checked.
  ///
  /// Default `.structure`.
  public var verification = Verification.structure

  /// How the index takes writes, once it does.
  ///
  /// Default: see `WritingOptions`.
  public var writing = WritingOptions()

  /// The defaults.
  public init() {}

  /// What the engine is told of writing.
  ///
  /// - Throws: `invalidConfiguration`, naming the option, its value and the range.
  func updates() throws(NeedletailError) -> UpdateOptions {
    try writing.validate()
    var updates = UpdateOptions()
    updates.placements = placements
    updates.threads = writing.threads
    updates.boundLog(vectors: writing.logVectorLimit, bytes: writing.logByteLimit)
    updates.liveMemoryLimit = writing.memoryLimit
    updates.keptGenerations = writing.keptGenerations
    updates.inPlaceLimit = writing.inPlaceLimit
    return updates
  }

  var placements: Placements {
    var placements = Placements()
    placements.codes = codes == .resident ? .resident : .mapped
    placements.graph = graph == .resident ? .resident : .mapped
    placements.rows = preciseRows == .resident ? .resident : .mapped
    placements.ids = ids == .resident ? .resident : .mapped
    return placements
  }
}
