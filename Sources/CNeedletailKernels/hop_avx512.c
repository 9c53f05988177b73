// AVX-512 without VNNI: as AVX2, twice as wide.
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#define NDL_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi2")))
#define NDL_HOP(name) ndl_hop_##name##_avx512

NDL_TARGET static inline __m512i ndl_hop_product_avx512(const uint8_t *row, __m512i query) {
  __m512i wide = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)row));
  return _mm512_madd_epi16(wide, query);
}

NDL_TARGET static inline __m256i ndl_hop_halves_avx512(__m512i sum) {
  return _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
}

NDL_TARGET static inline void ndl_hop_dots4_avx512(
    const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const int8_t *query,
    uint32_t blocks, int32_t *dots) {
  __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
  for (uint32_t j = 0; j < blocks * 64; j += 32) {
    __m512i q = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(query + j)));
    s0 = _mm512_add_epi32(s0, ndl_hop_product_avx512(a + j, q));
    s1 = _mm512_add_epi32(s1, ndl_hop_product_avx512(b + j, q));
    s2 = _mm512_add_epi32(s2, ndl_hop_product_avx512(c + j, q));
    s3 = _mm512_add_epi32(s3, ndl_hop_product_avx512(d + j, q));
  }
  __m256i pairs = _mm256_hadd_epi32(
      _mm256_hadd_epi32(ndl_hop_halves_avx512(s0), ndl_hop_halves_avx512(s1)),
      _mm256_hadd_epi32(ndl_hop_halves_avx512(s2), ndl_hop_halves_avx512(s3)));
  __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  _mm_storeu_si128((__m128i *)dots, sums);
}

NDL_TARGET static inline __m512i ndl_hop_nibble_product_avx512(
    __m512i v, __m512i low, __m512i high) {
  const __m512i mask = _mm512_set1_epi8(15);
  __m512i sum = _mm512_add_epi16(
      _mm512_maddubs_epi16(_mm512_and_si512(v, mask), low),
      _mm512_maddubs_epi16(_mm512_and_si512(_mm512_srli_epi16(v, 4), mask), high));
  return _mm512_madd_epi16(sum, _mm512_set1_epi16(1));
}

#define NDL_NIBBLES(sum, v, low, high) \
  _mm512_add_epi32(sum, ndl_hop_nibble_product_avx512(v, low, high))
#include "nibbles_avx512.h"

#include "pool_avx512.h"
#include "hop_body.h"
#endif
