// The primitives of the AVX2 float kernels. Four files include this: with and without FMA, and for f16
// rows with F16C. Before it they define NDL_TARGET, NDL_SUFFIX and NDL_STEP_L2 / NDL_STEP_IP's
// NDL_MULTIPLY_ADD(a, b, c), which is a * b + c.
#include "ndl_internal.h"

#include <immintrin.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#define NDL_VEC __m256
#define NDL_WIDTH 8

#define NDL_A(name) NDL_PASTE(ndl_, name, NDL_SUFFIX)

// Lanes 0...n-1 all ones.
NDL_INLINE NDL_TARGET __m256i NDL_A(mask)(size_t n) {
  __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lanes);
}

NDL_INLINE NDL_TARGET __m256 NDL_A(load_f32_tail)(const float *p, size_t n) {
  return _mm256_maskload_ps(p, NDL_A(mask)(n));
}

// Eight halves, of which n are there.
NDL_INLINE NDL_TARGET __m128i NDL_A(halves_tail)(const uint16_t *p, size_t n) {
  uint16_t copy[8] = {0};
  for (size_t i = 0; i < n; i++) copy[i] = p[i];
  return _mm_loadu_si128((const __m128i *)copy);
}

NDL_INLINE NDL_TARGET __m256 NDL_A(widen_bf16)(__m128i halves) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

NDL_INLINE NDL_TARGET __m256 NDL_A(step_l2)(__m256 acc, __m256 q, __m256 x) {
  __m256 difference = _mm256_sub_ps(q, x);
  return NDL_MULTIPLY_ADD(difference, difference, acc);
}

// (l0 + l1) + (l2 + l3) of the sum of the two halves, for one row and for four at once.
NDL_INLINE NDL_TARGET float NDL_A(sum)(__m256 v) {
  __m128 h = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  __m128 pairs = _mm_hadd_ps(h, h);
  return _mm_cvtss_f32(_mm_hadd_ps(pairs, pairs));
}

NDL_INLINE NDL_TARGET void NDL_A(sum4)(__m256 a, __m256 b, __m256 c, __m256 d, float *out) {
  __m128 ha = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  __m128 hb = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
  __m128 hc = _mm_add_ps(_mm256_castps256_ps128(c), _mm256_extractf128_ps(c, 1));
  __m128 hd = _mm_add_ps(_mm256_castps256_ps128(d), _mm256_extractf128_ps(d, 1));
  _mm_storeu_ps(out, _mm_hadd_ps(_mm_hadd_ps(ha, hb), _mm_hadd_ps(hc, hd)));
}

#define NDL_ZERO() _mm256_setzero_ps()
#define NDL_ADD(a, b) _mm256_add_ps(a, b)
#define NDL_SUM(v) NDL_A(sum)(v)
#define NDL_SUM4(a, b, c, d, out) NDL_A(sum4)(a, b, c, d, out)
#define NDL_STEP_L2(acc, q, x) NDL_A(step_l2)(acc, q, x)
#define NDL_STEP_IP(acc, q, x) NDL_MULTIPLY_ADD(q, x, acc)
#define NDL_QUERY(p) _mm256_loadu_ps(p)
#define NDL_QUERY_TAIL(p, n) NDL_A(load_f32_tail)(p, n)
#define NDL_LOAD_F32(p) _mm256_loadu_ps(p)
#define NDL_LOAD_F32_TAIL(p, n) NDL_A(load_f32_tail)(p, n)
#define NDL_LOAD_BF16(p) NDL_A(widen_bf16)(_mm_loadu_si128((const __m128i *)(p)))
#define NDL_LOAD_BF16_TAIL(p, n) NDL_A(widen_bf16)(NDL_A(halves_tail)(p, n))
#define NDL_LOAD_F16(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p)))
#define NDL_LOAD_F16_TAIL(p, n) _mm256_cvtph_ps(NDL_A(halves_tail)(p, n))

#include "float_level.h"
