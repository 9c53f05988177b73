import NeedletailCore
import NeedletailKernels
import NeedletailStorage

extension SealedSegment {
  /// The rows of the turbo layout, to be read.
  @inline(__always)
  var turboRows: TurboRows? {
    guard let turbo else { return nil }
    // SAFETY: the section was checked to hold so many rows; the component keeps it as long as this lives.
    return unsafe TurboRows(start: turbo.rows.start, layout: turbo.layout, count: count)
  }

  /// Looks for rows of the turbo layout that do not say of themselves and of their neighbours what the codes
  /// say.
  func inspectTurbo(_ limit: Int, _ faults: inout [String]) {
    guard let rows = turboRows, let quantizer else { return }
    let layout = rows.layout
    unsafe withUnsafeTemporaryAllocation(byteCount: layout.stride, alignment: 64) { buffer in
      guard let target = buffer.baseAddress else { return }
      for ordinal in 0..<UInt32(count) {
        guard faults.count < limit else { return }
        if let fault = unsafe Self.fault(inTermsOf: ordinal, rows, quantizer) {
          faults.append(fault)
        }
        unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
        unsafe rows.writeNeighbors(of: ordinal, to: target)
        let stored = unsafe rows.row(ordinal)
        // Bits and factors follow one another.
        for at in layout.bitsOffset..<layout.linksOffset
        where unsafe stored.load(fromByteOffset: at, as: UInt8.self)
          != target.load(fromByteOffset: at, as: UInt8.self)
        {
          faults.append("Row \(ordinal) says of its neighbours what their codes do not.")
          break
        }
      }
    }
  }

  @unsafe
  private static func fault(
    inTermsOf ordinal: UInt32, _ rows: TurboRows, _ quantizer: Quantizer
  ) -> String? {
    let (factor, norm) = unsafe rows.terms(ordinal)
    let row = unsafe rows.row(ordinal)
    let code = (0..<rows.layout.codeByteCount).map {
      unsafe row.load(fromByteOffset: $0, as: UInt8.self)
    }
    let whole = Float(squaredNorm(code))
    if quantizer.searchFinish == .factor {
      let expected = min(factor * factor * whole, .greatestFiniteMagnitude)
      guard factor.isFinite, norm == expected else {
        return "The factor \(factor) or norm \(norm) of row \(ordinal) is not that of its code."
      }
    } else if factor != 1 || norm != whole {
      return "The norm of row \(ordinal) is said to be \(norm); its code has \(whole)."
    }
    for at in (rows.layout.termsOffset + 8)..<rows.layout.stride
    where unsafe row.load(fromByteOffset: at, as: UInt8.self) != 0 {
      return "Row \(ordinal) goes on behind its terms."
    }
    return nil
  }
}
