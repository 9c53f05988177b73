import NeedletailCore
package import NeedletailStorage

/// The sections of a segment file, and what each holds.
package enum SegmentSection {
  /// `SegmentParameters`, once.
  package static let parameters = SectionKind("PARM")
  /// `[count, codeByteCount]` codes; absent without codes.
  package static let codes = SectionKind("CODE")
  /// `[count, blocks · 32]` lower nibbles; present when the codes are parted, and `CODE` holds the upper.
  package static let lowerCodes = SectionKind("CODL")
  /// `[count]` terms of the quantizer's search finish; absent without codes.
  package static let terms = SectionKind("TERM")
  /// `[count]` rows of the turbo layout, which then stand for `CODE`, `TERM` and `LNK0`.
  package static let turboRows = SectionKind("TRBO")
  /// `[count, 2·m]` links of level 0.
  package static let baseLinks = SectionKind("LNK0")
  /// Links of the upper levels, one table after another: `[counts[l], m]`.
  package static let upperLinks = SectionKind("LNKU")
  /// `[count]` ids by ordinal.
  package static let ids = SectionKind("IDEN")
  /// `[count]` ordinals in the order of their ids.
  package static let idOrder = SectionKind("IDOR")
  /// `[count]` original norms (Float64); present under cosine.
  package static let norms = SectionKind("NORM")
  /// `[count, dimensions]` precise rows; absent when none are kept or the codes are lossless.
  package static let rows = SectionKind("ROWS")
  /// The directory of the columns of attributes; absent when no row has any.
  package static let attributes = SectionKind("ATTR")
  /// The columns, one behind the other.
  package static let attributeValues = SectionKind("ATTV")
}

/// The numbers that say how a segment's sections are to be read.
package struct SegmentParameters: Sendable, Hashable {
  package var options: BuildOptions
  package var form: Quantizer.Form
  package var count: Int
  /// Rows on each level, from level 0 up.
  package var levelCounts: [Int]
  package var repairedNodes: Int
  package var unreachableNodes: Int
  /// How much farther the 64th neighbour is than the 10th, as a share of the distance of the 10th.
  ///
  /// The median over a sample of rows; 0 when it was not measured.
  package var growth: Float
  /// The quantizer that made the codes.
  package var quantizer: ContentHash?

  /// Whether precise rows can be had from the codes.
  package var isLossless: Bool { options.codes != .none && form.isLossless }
  /// Whether the file has precise rows of their own.
  package var hasRows: Bool { options.precise != .none && !isLossless }

  private static let mostLevels = 16
  /// Beyond this the walk would never stop by distance.
  static let mostGrowth: Float = 1_000
  static let byteCount = 8 * 4 + 2 * 8 + 4 + 4 + mostLevels * 8 + 2 * 8 + ContentHash.byteCount

  var encoded: ByteWriter {
    var writer = ByteWriter()
    writer.append(UInt32(options.dimensions))
    writer.append(options.metric.number)
    writer.append(form.rawValue)
    writer.append(options.codes.rawValue)
    writer.append(options.precise.rawValue)
    writer.append(UInt32(options.graph.m))
    writer.append(UInt32(options.graph.efConstruction))
    writer.append(flags)
    writer.append(options.graph.seed)
    writer.append(UInt64(count))
    writer.append(UInt32(levelCounts.count))
    writer.append(growth.bitPattern)
    for level in 0..<Self.mostLevels {
      writer.append(UInt64(level < levelCounts.count ? levelCounts[level] : 0))
    }
    writer.append(UInt64(repairedNodes))
    writer.append(UInt64(unreachableNodes))
    writer.append(
      contentsOf: quantizer?.bytes ?? Array(repeating: 0, count: ContentHash.byteCount))
    return writer
  }

  private var flags: UInt32 {
    (options.graph.extendsCandidates ? 1 : 0) | (options.graph.keepsPruned ? 2 : 0)
      | (quantizer == nil ? 0 : 4) | (options.layout == .turbo ? 8 : 0)
      | options.graph.productLinks.rawValue << 8
  }

  package init(
    options: BuildOptions, form: Quantizer.Form, count: Int, levelCounts: [Int],
    repairedNodes: Int, unreachableNodes: Int, growth: Float, quantizer: ContentHash?
  ) {
    self.options = options
    self.form = form
    self.count = count
    self.levelCounts = levelCounts
    self.repairedNodes = repairedNodes
    self.unreachableNodes = unreachableNodes
    self.growth = growth
    self.quantizer = quantizer
  }

  /// Reads and checks the parameters of a file.
  ///
  /// - Throws: `corrupted`, naming the field and its value.
  init(_ file: SectionedFile) throws(NeedletailError) {
    let section = try file.section(SegmentSection.parameters, count: 1, stride: Self.byteCount)
    var reader = file.reader(section)
    let dimensions = Int(try reader.read(UInt32.self))
    guard let metric = Metric(number: try reader.read()) else {
      throw reader.corrupted("The segment names a metric that does not exist.")
    }
    guard let form = Quantizer.Form(rawValue: try reader.read()),
      let codes = CodeKind(rawValue: try reader.read()),
      let precise = PreciseKind(rawValue: try reader.read())
    else {
      throw reader.corrupted("The segment names a form of codes or rows that does not exist.")
    }
    var options = BuildOptions(dimensions: dimensions, metric: metric)
    options.codes = codes
    options.precise = precise
    options.graph.m = Int(try reader.read(UInt32.self))
    options.graph.efConstruction = Int(try reader.read(UInt32.self))
    let flags: UInt32 = try reader.read()
    guard flags & 0xf0 == 0, let links = ProductLinks(rawValue: flags >> 8) else {
      throw reader.corrupted("The flags \(flags) are not known.")
    }
    options.graph.extendsCandidates = flags & 1 != 0
    options.graph.keepsPruned = flags & 2 != 0
    options.graph.productLinks = links
    options.layout = flags & 8 != 0 ? .turbo : .compact
    options.graph.seed = try reader.read()
    do throws(NeedletailError) { try options.validate() } catch {
      throw NeedletailError(
        .corrupted, "The segment's parameters make no index: \(error.message)",
        at: .init(path: file.region.path, section: section.kind.description))
    }
    let count: UInt64 = try reader.read()
    guard count <= UInt64(Limits.rowsPerSegment) else {
      throw reader.corrupted("A segment cannot have \(count) rows.")
    }
    self.options = options
    self.form = form
    self.count = Int(count)
    (levelCounts, growth) = try Self.readLevels(&reader, count: count)
    repairedNodes = Int(truncatingIfNeeded: try reader.read(UInt64.self) & 0xffff_ffff)
    unreachableNodes = Int(truncatingIfNeeded: try reader.read(UInt64.self) & 0xffff_ffff)
    let hash = ContentHash(try reader.readBytes(ContentHash.byteCount))
    quantizer = flags & 4 != 0 ? hash : nil
    guard (quantizer != nil) == (codes != .none) else {
      throw reader.corrupted("A segment has a quantizer exactly when it has codes.")
    }
    guard codes != .int4 || !form.isLossless else {
      throw reader.corrupted("Codes that lose nothing are never parted.")
    }
    guard options.layout == .compact || !form.isLossless else {
      throw reader.corrupted("Rows of turbo mode are always rotated.")
    }
    guard count > 0 || levelCounts == [0] else {
      throw reader.corrupted("A segment without rows has levels.")
    }
  }

  private static func readLevels(
    _ reader: inout ByteReader, count: UInt64
  ) throws(NeedletailError) -> (counts: [Int], growth: Float) {
    let levels: UInt32 = try reader.read()
    guard (1...UInt32(mostLevels)).contains(levels) else {
      throw reader.corrupted("A segment cannot have \(levels) levels.")
    }
    let growth = Float(bitPattern: try reader.read())
    guard growth >= 0, growth <= Self.mostGrowth else {
      throw reader.corrupted(
        "Distances cannot grow by \(growth) from the 10th neighbour to the 64th.")
    }
    var counts: [Int] = []
    var above = count
    for level in 0..<UInt32(mostLevels) {
      let rows: UInt64 = try reader.read()
      guard level < levels else { continue }
      guard rows <= above, level == 0 ? rows == count : rows > 0 else {
        throw reader.corrupted(
          "Level \(level) cannot have \(rows) rows, over a level of \(above).")
      }
      above = rows
      counts.append(Int(rows))
    }
    return (counts, growth)
  }
}
