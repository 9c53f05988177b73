// What the code kernels of AVX-512 share with and without VNNI: sums, and codes widened to 16 bits.
// Before it the level defines NDL_TARGET and NDL_SUFFIX.
#include "ndl_internal.h"

#include <immintrin.h>

#define NDL_VEC __m512i
#define NDL_BYTES __m512i
#define NDL_A(name) NDL_PASTE(ndl_, name, NDL_SUFFIX)

NDL_INLINE NDL_TARGET __m128i NDL_A(quarter_codes)(__m512i v) {
  __m256i h = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
}

NDL_INLINE NDL_TARGET int32_t NDL_A(sum_codes)(__m512i v) {
  __m128i h = NDL_A(quarter_codes)(v);
  h = _mm_hadd_epi32(h, h);
  return _mm_cvtsi128_si32(_mm_hadd_epi32(h, h));
}

NDL_INLINE NDL_TARGET void NDL_A(sum4_codes)(
    __m512i a, __m512i b, __m512i c, __m512i d, int32_t *out) {
  __m128i ab = _mm_hadd_epi32(NDL_A(quarter_codes)(a), NDL_A(quarter_codes)(b));
  __m128i cd = _mm_hadd_epi32(NDL_A(quarter_codes)(c), NDL_A(quarter_codes)(d));
  _mm_storeu_si128((__m128i *)out, _mm_hadd_epi32(ab, cd));
}

NDL_INLINE NDL_TARGET __m256i NDL_A(tail32)(const uint8_t *p, size_t n) {
  return _mm256_maskz_loadu_epi8((__mmask32)((1ull << n) - 1), p);
}

#define NDL_ZERO() _mm512_setzero_si512()
#define NDL_ADD(a, b) _mm512_add_epi32(a, b)
#define NDL_SUM(v) NDL_A(sum_codes)(v)
#define NDL_SUM4(a, b, c, d, out) NDL_A(sum4_codes)(a, b, c, d, out)
#define NDL_WIDE_U8(p) _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(p)))
#define NDL_WIDE_I8(p) _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(p)))
#define NDL_WIDE_U8_TAIL(p, n) _mm512_cvtepu8_epi16(NDL_A(tail32)(p, n))
#define NDL_WIDE_I8_TAIL(p, n) _mm512_cvtepi8_epi16(NDL_A(tail32)(p, n))
