// Float kernels for AVX-512. Tails are masked loads, which touch nothing behind the mask.
#if defined(__x86_64__)
#include "ndl_internal.h"

#include <immintrin.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#define NDL_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define NDL_SUFFIX _avx512
#define NDL_VEC __m512
#define NDL_WIDTH 16

NDL_INLINE NDL_TARGET __mmask16 ndl_mask_avx512(size_t n) {
  return (__mmask16)((1u << n) - 1);
}

NDL_INLINE NDL_TARGET __m512 ndl_widen_bf16_avx512(__m256i halves) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

NDL_INLINE NDL_TARGET __m512 ndl_step_l2_avx512(__m512 acc, __m512 q, __m512 x) {
  __m512 difference = _mm512_sub_ps(q, x);
  return _mm512_fmadd_ps(difference, difference, acc);
}

NDL_INLINE NDL_TARGET __m128 ndl_quarter_avx512(__m512 v) {
  __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  return _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
}

NDL_INLINE NDL_TARGET float ndl_sum_avx512(__m512 v) {
  __m128 h = ndl_quarter_avx512(v);
  __m128 pairs = _mm_hadd_ps(h, h);
  return _mm_cvtss_f32(_mm_hadd_ps(pairs, pairs));
}

NDL_INLINE NDL_TARGET void ndl_sum4_avx512(__m512 a, __m512 b, __m512 c, __m512 d, float *out) {
  __m128 ab = _mm_hadd_ps(ndl_quarter_avx512(a), ndl_quarter_avx512(b));
  __m128 cd = _mm_hadd_ps(ndl_quarter_avx512(c), ndl_quarter_avx512(d));
  _mm_storeu_ps(out, _mm_hadd_ps(ab, cd));
}

#define NDL_ZERO() _mm512_setzero_ps()
#define NDL_ADD(a, b) _mm512_add_ps(a, b)
#define NDL_SUM(v) ndl_sum_avx512(v)
#define NDL_SUM4(a, b, c, d, out) ndl_sum4_avx512(a, b, c, d, out)
#define NDL_STEP_L2(acc, q, x) ndl_step_l2_avx512(acc, q, x)
#define NDL_STEP_IP(acc, q, x) _mm512_fmadd_ps(q, x, acc)
#define NDL_QUERY(p) _mm512_loadu_ps(p)
#define NDL_QUERY_TAIL(p, n) _mm512_maskz_loadu_ps(ndl_mask_avx512(n), p)
#define NDL_LOAD_F32(p) _mm512_loadu_ps(p)
#define NDL_LOAD_F32_TAIL(p, n) _mm512_maskz_loadu_ps(ndl_mask_avx512(n), p)
#define NDL_LOAD_BF16(p) ndl_widen_bf16_avx512(_mm256_loadu_si256((const __m256i *)(p)))
#define NDL_LOAD_BF16_TAIL(p, n) \
  ndl_widen_bf16_avx512(_mm256_maskz_loadu_epi16(ndl_mask_avx512(n), p))
#define NDL_LOAD_F16(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p)))
#define NDL_LOAD_F16_TAIL(p, n) _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(ndl_mask_avx512(n), p))

#include "float_level.h"
#define NDL_HALVES
#include "float_level.h"
#endif
