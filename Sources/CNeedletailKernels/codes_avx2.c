// Code kernels for AVX2. `maddubs` saturates at 16 bits, so codes are widened to 16 bits first and
// multiplied by the exact `madd`.
#if defined(__x86_64__)
#include "ndl_internal.h"

#include <immintrin.h>

#define NDL_TARGET __attribute__((target("avx2")))
#define NDL_SUFFIX _avx2
#define NDL_VEC __m256i
#define NDL_BYTES __m256i
#define NDL_WIDTH 16

NDL_INLINE NDL_TARGET __m128i ndl_bytes_tail_avx2(const uint8_t *p, size_t n) {
  uint8_t copy[16] = {0};
  for (size_t i = 0; i < n; i++) copy[i] = p[i];
  return _mm_loadu_si128((const __m128i *)copy);
}

NDL_INLINE NDL_TARGET __m256i ndl_step_l2_codes_avx2(__m256i acc, __m256i q, __m256i x) {
  __m256i difference = _mm256_sub_epi16(q, x);
  return _mm256_add_epi32(acc, _mm256_madd_epi16(difference, difference));
}

NDL_INLINE NDL_TARGET __m128i ndl_quarter_codes_avx2(__m256i v) {
  return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

NDL_INLINE NDL_TARGET int32_t ndl_sum_codes_avx2(__m256i v) {
  __m128i h = ndl_quarter_codes_avx2(v);
  h = _mm_hadd_epi32(h, h);
  return _mm_cvtsi128_si32(_mm_hadd_epi32(h, h));
}

NDL_INLINE NDL_TARGET void ndl_sum4_codes_avx2(
    __m256i a, __m256i b, __m256i c, __m256i d, int32_t *out) {
  __m128i ab = _mm_hadd_epi32(ndl_quarter_codes_avx2(a), ndl_quarter_codes_avx2(b));
  __m128i cd = _mm_hadd_epi32(ndl_quarter_codes_avx2(c), ndl_quarter_codes_avx2(d));
  _mm_storeu_si128((__m128i *)out, _mm_hadd_epi32(ab, cd));
}

#define NDL_ZERO() _mm256_setzero_si256()
#define NDL_ADD(a, b) _mm256_add_epi32(a, b)
#define NDL_SUM(v) ndl_sum_codes_avx2(v)
#define NDL_SUM4(a, b, c, d, out) ndl_sum4_codes_avx2(a, b, c, d, out)
#define NDL_LOAD_U8(p) _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(p)))
#define NDL_LOAD_I8(p) _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(p)))
#define NDL_LOAD_U8_TAIL(p, n) _mm256_cvtepu8_epi16(ndl_bytes_tail_avx2(p, n))
#define NDL_LOAD_I8_TAIL(p, n) _mm256_cvtepi8_epi16(ndl_bytes_tail_avx2(p, n))
#define NDL_STEP_L2(acc, q, x) ndl_step_l2_codes_avx2(acc, q, x)
#define NDL_STEP_IP(acc, q, x) _mm256_add_epi32(acc, _mm256_madd_epi16(q, x))

#define NDL_OP(pair) ndl_l2_##pair
#define NDL_STEP_U8U8 NDL_STEP_L2
#define NDL_STEP_U8I8 NDL_STEP_L2
#define NDL_STEP_I8U8 NDL_STEP_L2
#define NDL_STEP_I8I8 NDL_STEP_L2
#define NDL_CORRECTION_U8U8(query, d) 0
#define NDL_CORRECTION_U8I8(query, d) 0
#define NDL_CORRECTION_I8U8(query, d) 0
#define NDL_CORRECTION_I8I8(query, d) 0
#include "code_level.h"

#define NDL_OP(pair) ndl_ip_##pair
#define NDL_STEP_U8U8 NDL_STEP_IP
#define NDL_STEP_U8I8 NDL_STEP_IP
#define NDL_STEP_I8U8 NDL_STEP_IP
#define NDL_STEP_I8I8 NDL_STEP_IP
#define NDL_CORRECTION_U8U8(query, d) 0
#define NDL_CORRECTION_U8I8(query, d) 0
#define NDL_CORRECTION_I8U8(query, d) 0
#define NDL_CORRECTION_I8I8(query, d) 0
#include "code_level.h"
#endif
