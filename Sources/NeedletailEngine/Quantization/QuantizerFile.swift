import NeedletailCore
import NeedletailStorage

/// A quantizer's file: everything needed to code a query as the rows were coded.
///
/// The signs of the rotation are stored, not only the seed they came from.
extension Quantizer {
  private static let constants = SectionKind("CNST")
  private static let centreSection = SectionKind("CNTR")
  private static let signSection = SectionKind("SIGN")

  func write(to writer: SectionedFileWriter) throws(NeedletailError) {
    var constants = ByteWriter()
    constants.append(UInt32(dimensions))
    constants.append(metric.number)
    constants.append(form.rawValue)
    constants.append(scale)
    constants.append(relativeError)
    constants.append(UInt64(0))
    try writer.write(Self.constants, count: 1, bytes: constants.bytes)
    if !form.isLossless {
      try writer.beginSection(Self.centreSection, count: dimensions)
      unsafe try writer.append(centre.bytes)
      writer.endSection()
      try writer.beginSection(Self.signSection, count: signs.byteCount)
      unsafe try writer.append(signs.bytes)
      writer.endSection()
    }
  }

  /// Reads a quantizer and checks it against the index it belongs to.
  ///
  /// - Throws: `corrupted`.
  static func read(
    _ file: SectionedFile, dimensions: Int, metric: Metric
  ) throws(NeedletailError) -> Quantizer {
    var reader = file.reader(try file.section(constants, count: 1, stride: 32))
    let storedDimensions: UInt32 = try reader.read()
    let storedMetric: UInt32 = try reader.read()
    guard storedDimensions == UInt32(dimensions), storedMetric == metric.number else {
      throw reader.corrupted(
        "The quantizer is for \(storedDimensions) dimensions and metric number \(storedMetric), the"
          + " index has \(dimensions) and \(metric.number).")
    }
    guard let form = Form(rawValue: try reader.read()) else {
      throw reader.corrupted("The quantizer names a form that does not exist.")
    }
    let scale = try reader.readFloat()
    let relativeError = try reader.readDouble()
    let fits =
      switch form {
      case .losslessUnsigned, .losslessSigned: scale == 1
      case .globalScale: scale.isFinite && scale > 0x1p-120
      case .rowScale: scale == 0
      }
    guard relativeError.isFinite, relativeError >= 0, fits else {
      throw reader.corrupted("The scale \(scale) or the error \(relativeError) makes no sense.")
    }
    let centre = try MemoryBlock(count: dimensions, stride: 4)
    let signs = try MemoryBlock(byteCount: signByteCount(dimensions))
    if !form.isLossless {
      let centreBytes = try file.section(centreSection, count: dimensions, stride: 4)
      unsafe centre.mutableBytes.copyMemory(from: file.bytes(centreBytes))
      let signBytes = try file.section(signSection, count: signs.byteCount, stride: 1)
      unsafe signs.mutableBytes.copyMemory(from: file.bytes(signBytes))
    }
    for j in 0..<dimensions {
      let component = unsafe centre.bytes.load(fromByteOffset: j * 4, as: Float.self)
      guard component.isFinite else {
        throw reader.corrupted("Component \(j) of the centre is \(component).")
      }
    }
    return Quantizer(
      dimensions: dimensions, metric: metric, form: form, scale: scale,
      relativeError: relativeError, centre: centre, signs: signs)
  }
}

extension Quantizer {
  /// Bytes of the centre and the signs.
  package var byteCount: Int { form.isLossless ? 0 : centre.byteCount + signs.byteCount }
}
