internal import CNeedletailKernels
package import NeedletailCore

/// Bulk conversions between floats and their short forms; the same bits on every instruction set.
///
/// To halves: nearest, ties to even, overflow to infinity; NaN stays NaN.
package enum Conversion {
  /// A 16-bit form of a float, kept as a bit pattern.
  package enum Half: Sendable, Hashable, CaseIterable {
    /// IEEE 754 half precision.
    case float16
    /// The upper half of a single.
    case bfloat16
  }

  /// The values of halves, exactly.
  ///
  /// - Precondition: as many results as halves.
  package static func widen(
    _ halves: Span<UInt16>, as half: Half, into results: inout MutableSpan<Float>,
    level: KernelLevel = .current
  ) {
    precondition(halves.count == results.count, "one result per component")
    unsafe halves.withUnsafeBufferPointer { halves in
      unsafe results.withUnsafeMutableBufferPointer { results in
        guard let start = halves.baseAddress, let output = results.baseAddress else { return }
        // SAFETY: equal counts; the spans live for the call.
        let table = unsafe level.table
        switch half {
        case .float16: unsafe table.pointee.convert_f16_f32(start, output, halves.count)
        case .bfloat16: unsafe table.pointee.convert_bf16_f32(start, output, halves.count)
        }
      }
    }
  }

  /// The nearest halves.
  ///
  /// - Precondition: as many results as components.
  package static func narrow(
    _ components: Span<Float>, to half: Half, into results: inout MutableSpan<UInt16>,
    level: KernelLevel = .current
  ) {
    precondition(components.count == results.count, "one result per component")
    unsafe components.withUnsafeBufferPointer { components in
      unsafe results.withUnsafeMutableBufferPointer { results in
        guard let start = components.baseAddress, let output = results.baseAddress else { return }
        // SAFETY: equal counts; the spans live for the call.
        let table = unsafe level.table
        switch half {
        case .float16: unsafe table.pointee.convert_f32_f16(start, output, components.count)
        case .bfloat16: unsafe table.pointee.convert_f32_bf16(start, output, components.count)
        }
      }
    }
  }

  /// The values of stored components of any element of a matrix, exactly; without checks.
  ///
  /// - Precondition: `count` readable components, aligned to their size, and room for as many results.
  @unsafe
  package static func widen(
    _ components: UnsafeRawPointer, of element: VectorMatrix.Element, count: Int,
    into results: UnsafeMutablePointer<Float>, level: KernelLevel = .current
  ) {
    let table = unsafe level.table
    switch element {
    case .float32:
      unsafe UnsafeMutableRawPointer(results).copyMemory(from: components, byteCount: count * 4)
    case .float16: unsafe table.pointee.convert_f16_f32(components, results, count)
    case .uint8: unsafe table.pointee.convert_u8_f32(components, results, count)
    case .int8: unsafe table.pointee.convert_i8_f32(components, results, count)
    }
  }

  /// `narrow` without checks.
  ///
  /// - Precondition: `count` readable components and room for as many results.
  @unsafe
  package static func narrow(
    _ components: UnsafePointer<Float>, to half: Half, count: Int,
    into results: UnsafeMutablePointer<UInt16>
  ) {
    let table = unsafe KernelLevel.current.table
    switch half {
    case .float16: unsafe table.pointee.convert_f32_f16(components, results, count)
    case .bfloat16: unsafe table.pointee.convert_f32_bf16(components, results, count)
    }
  }

  /// `widen` for halves without checks.
  ///
  /// - Precondition: `count` readable halves and room for as many results.
  @unsafe
  package static func widen(
    _ halves: UnsafePointer<UInt16>, as half: Half, count: Int,
    into results: UnsafeMutablePointer<Float>
  ) {
    let table = unsafe KernelLevel.current.table
    switch half {
    case .float16: unsafe table.pointee.convert_f16_f32(halves, results, count)
    case .bfloat16: unsafe table.pointee.convert_bf16_f32(halves, results, count)
    }
  }
}
