import NeedletailCore
import NeedletailKernels
import NeedletailStorage

// Parted codes: the upper nibbles of all components in one table, the lower ones in another. The walk then
// moves half the memory; whether it still finds the same is tried on the graph itself.

extension BuiltSegment {
  /// Codes of up to this many components fit a line of memory whole: nothing is won by parting them.
  static let fewestDimensionsToPart = 65
  /// Below this, a walk scores much of the set, and rows are few enough for any cache.
  private static let fewestRows = 1024
  /// The share of the nearest found by whole codes that parted ones must find too.
  private static let leastAgreement = 0.98

  /// Learns from walks over the finished graph how distances grow, and parts the codes where that was asked
  /// for, or where it may be done and loses nothing.
  mutating func tryGraph(_ level: KernelLevel) throws(NeedletailError) {
    guard options.codes != .none else { return }
    // A product is no distance: it says nothing of how much farther one may go.
    if count >= Self.fewestRows, options.metric != .innerProduct {
      growth = try GraphTrial(self, HopKernel(level: level)).growth()
    }
    let isAsked = options.codes == .int4
    guard options.layout == .compact, isAsked || options.mayPartCodes else { return }
    guard !quantizer.form.isLossless else {
      options.codes = .int8
      return
    }
    guard
      isAsked || (quantizer.dimensions >= Self.fewestDimensionsToPart && count >= Self.fewestRows)
    else { return }
    let upper = try MemoryBlock(count: count, stride: quantizer.codeByteCount / 2)
    let lower = try MemoryBlock(count: count, stride: quantizer.codeByteCount / 2)
    split(upper, lower)
    if !isAsked {
      let trial = try GraphTrial(self, HopKernel(level: level))
      guard trial.agreement(upper: upper, lower: lower) >= Self.leastAgreement else { return }
    }
    options.codes = .int4
    codes = upper
    lowerCodes = lower
  }

  private func split(_ upper: MemoryBlock, _ lower: MemoryBlock) {
    let (whole, half) = (quantizer.codeByteCount, quantizer.codeByteCount / 2)
    // SAFETY: the blocks hold `count` rows of as many bytes.
    let source = unsafe codes.bytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: UInt8.self)
    let high = unsafe upper.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: UInt8.self)
    let low = unsafe lower.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: UInt8.self)
    for ordinal in 0..<count {
      unsafe splitCode(
        source + ordinal * whole, blocks: quantizer.blocks, upper: high + ordinal * half,
        lower: low + ordinal * half)
    }
  }
}
