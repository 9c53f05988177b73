internal import CNeedletailKernels

/// Sums with the same bits on every machine and instruction set, for what is stored and for what judges.
///
/// Term `j` is computed in `Double` and added to lane `j mod 8`, in ascending order of `j`; the result is
/// `((l₀+l₁)+(l₂+l₃)) + ((l₄+l₅)+(l₆+l₇))`, without contraction.
package enum FixedOrder {
  /// The inner product, `Σ aⱼ·bⱼ`, of terms that are each exact.
  ///
  /// - Precondition: equal counts.
  package static func dot(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    precondition(a.count == b.count, "vectors of \(a.count) and \(b.count) components")
    return unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        guard let start = a.baseAddress, let other = b.baseAddress else { return 0 }
        // SAFETY: equal counts; the spans live for the call.
        return unsafe ndl_fixed_dot_f32(start, other, a.count)
      }
    }
  }

  /// The squared norm, `Σ aⱼ²`.
  package static func squaredNorm(_ a: Span<Float>) -> Double { dot(a, a) }

  /// The squared distance, `Σ (aⱼ − bⱼ)²`.
  ///
  /// - Precondition: equal counts.
  package static func squaredDistance(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    precondition(a.count == b.count, "vectors of \(a.count) and \(b.count) components")
    return unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        guard let start = a.baseAddress, let other = b.baseAddress else { return 0 }
        // SAFETY: equal counts; the spans live for the call.
        return unsafe ndl_fixed_squared_distance_f32(start, other, a.count)
      }
    }
  }

  /// `dot` without checks.
  ///
  /// - Precondition: both have `count` readable components.
  @unsafe
  package static func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
  ) -> Double {
    unsafe ndl_fixed_dot_f32(a, b, count)
  }

  /// `squaredNorm` without checks.
  ///
  /// - Precondition: `count` readable components.
  @unsafe
  package static func squaredNorm(_ a: UnsafePointer<Float>, count: Int) -> Double {
    unsafe ndl_fixed_squared_norm_f32(a, count)
  }

  /// `squaredDistance` without checks.
  ///
  /// - Precondition: both have `count` readable components.
  @unsafe
  package static func squaredDistance(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
  ) -> Double {
    unsafe ndl_fixed_squared_distance_f32(a, b, count)
  }
}
