internal import CNeedletailKernels

/// Rotates a vector in place by four rounds of sign flips, fast Hadamard transforms and Kac steps.
///
/// Orthogonal up to rounding, and the same bits on every machine.
///
/// - Precondition: `x` has `dimensions` components, `signs` has `4·⌈dimensions/8⌉` bytes.
/// - Complexity: O(d log d), no allocation.
/// - Source: the FHT-Kac rotation that the RaBitQ authors describe for dimensions that are no power of two.
@unsafe
package func rotate(
  _ x: UnsafeMutablePointer<Float>, dimensions: Int, signs: UnsafePointer<UInt8>
) {
  unsafe ndl_rotate_f32(x, dimensions, signs)
}

/// Rounds `x·inverse` to int8, half away from zero, and stores it with 128 added.
///
/// - Returns: how many components were cut to ±127.
@unsafe @discardableResult
package func encode(
  _ x: UnsafePointer<Float>, dimensions: Int, inverse: Float, codes: UnsafeMutablePointer<UInt8>
) -> Int {
  unsafe ndl_encode_f32(x, dimensions, inverse, codes)
}

/// Parts a row's code of `blocks·64` bytes into upper and lower nibbles, `blocks·32` bytes each.
@unsafe
package func splitCode(
  _ code: UnsafePointer<UInt8>, blocks: Int, upper: UnsafeMutablePointer<UInt8>,
  lower: UnsafeMutablePointer<UInt8>
) {
  unsafe ndl_code_split(code, blocks, upper, lower)
}

/// Puts a row's code together again.
@unsafe
package func joinCode(
  upper: UnsafePointer<UInt8>, lower: UnsafePointer<UInt8>, blocks: Int,
  code: UnsafeMutablePointer<UInt8>
) {
  unsafe ndl_code_join(upper, lower, blocks, code)
}

/// The largest magnitude among finite components.
@unsafe
package func largestMagnitude(_ x: UnsafePointer<Float>, count: Int) -> Float {
  unsafe ndl_largest_f32(x, count)
}

/// The sum of int8 components.
@unsafe
package func codeSum(_ code: UnsafePointer<Int8>, count: Int) -> Int32 {
  unsafe ndl_code_sum(code, count)
}

/// The sum of squares of int8 components.
@unsafe
package func codeSquaredNorm(_ code: UnsafePointer<Int8>, count: Int) -> Int32 {
  unsafe ndl_code_squared_norm(code, count)
}
