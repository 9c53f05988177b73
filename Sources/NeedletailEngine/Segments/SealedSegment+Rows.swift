import NeedletailCore
import NeedletailKernels
import NeedletailStorage

extension SealedSegment {
  /// Whether the rows can be given back.
  package var hasPreciseRows: Bool { rows != nil || parameters.isLossless }

  /// Gives back a row as it was added, to within the rounding of how it is kept.
  ///
  /// - Precondition: `ordinal` is below the count and the segment has precise rows; `row` has room.
  @unsafe
  package func export(_ ordinal: UInt32, into row: UnsafeMutablePointer<Float>) {
    unsafe copyKept(ordinal, into: row)
    guard parameters.options.precise != .givenFloat16, let norm = norm(of: ordinal) else { return }
    for j in 0..<parameters.options.dimensions {
      unsafe row[j] = Float(Double(row[j]) * norm)
    }
  }

  /// The norm that a row had when it was added, under cosine.
  @inline(__always)
  func norm(of ordinal: UInt32) -> Double? {
    guard let norms else { return nil }
    return unsafe norms.start.load(
      fromByteOffset: Int(truncatingIfNeeded: ordinal) &* 8, as: Double.self)
  }

  /// The whole code of a row, `codeByteCount` bytes.
  @unsafe
  package func copyCode(
    _ ordinal: UInt32, _ quantizer: Quantizer, into code: UnsafeMutablePointer<UInt8>
  ) {
    let (at, length) = (Int(truncatingIfNeeded: ordinal), quantizer.codeByteCount)
    if let rows = turboRows {
      unsafe UnsafeMutableRawPointer(code).copyMemory(from: rows.row(ordinal), byteCount: length)
      return
    }
    guard let lowerCodes else {
      unsafe UnsafeMutableRawPointer(code).copyMemory(
        from: codes.start + at &* length, byteCount: length)
      return
    }
    unsafe joinCode(
      upper: (codes.start + at &* (length / 2)).assumingMemoryBound(to: UInt8.self),
      lower: (lowerCodes.start + at &* (length / 2)).assumingMemoryBound(to: UInt8.self),
      blocks: quantizer.blocks, code: code)
  }

  /// The factor of a row's code and the squared norm of what it stands for, where rows have a factor of their
  /// own.
  @unsafe
  func rowTerms(_ ordinal: UInt32) -> (factor: Float, norm: Float) {
    if let rows = turboRows { return unsafe rows.terms(ordinal) }
    let at = Int(truncatingIfNeeded: ordinal) &* 8
    return unsafe (
      terms.start.load(fromByteOffset: at, as: Float.self),
      terms.start.load(fromByteOffset: at &+ 4, as: Float.self)
    )
  }

  /// The row that distances are computed on: a unit row under cosine, the row itself otherwise.
  @unsafe
  package func copyRow(_ ordinal: UInt32, into row: UnsafeMutablePointer<Float>) {
    unsafe copyKept(ordinal, into: row)
    guard parameters.options.precise == .givenFloat16, let norm = norm(of: ordinal) else { return }
    for j in 0..<parameters.options.dimensions { unsafe row[j] = Float(Double(row[j]) / norm) }
  }

  /// A row as it is kept.
  @unsafe
  func copyKept(_ ordinal: UInt32, into row: UnsafeMutablePointer<Float>) {
    let dimensions = parameters.options.dimensions
    guard let rows else {
      guard let quantizer else { return }
      // Only codes that lose nothing stand for rows, and those are never parted.
      let code = unsafe codes.start + Int(ordinal) * quantizer.codeByteCount
      unsafe quantizer.decode(
        code.assumingMemoryBound(to: UInt8.self), factor: 1, into: row)
      return
    }
    let kind = parameters.options.precise
    let source = unsafe rows.start + Int(ordinal) * dimensions * kind.byteCount
    switch kind {
    case .none: break
    case .float32:
      unsafe UnsafeMutableRawPointer(row).copyMemory(from: source, byteCount: dimensions * 4)
    case .float16, .givenFloat16:
      unsafe Conversion.widen(
        source.assumingMemoryBound(to: UInt16.self), as: .float16, count: dimensions, into: row)
    case .bfloat16:
      unsafe Conversion.widen(
        source.assumingMemoryBound(to: UInt16.self), as: .bfloat16, count: dimensions, into: row)
    }
  }
}
