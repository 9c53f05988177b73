// AVX2: bytes widened to 16 bits, because the byte product saturates.
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#define NDL_TARGET __attribute__((target("avx2")))
#define NDL_HOP(name) ndl_hop_##name##_avx2

NDL_TARGET static inline __m256i ndl_hop_product_avx2(const uint8_t *row, __m256i query) {
  __m256i wide = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)row));
  return _mm256_madd_epi16(wide, query);
}

NDL_TARGET static inline void ndl_hop_dots4_avx2(
    const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const int8_t *query,
    uint32_t blocks, int32_t *dots) {
  __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
  for (uint32_t j = 0; j < blocks * 64; j += 16) {
    __m256i q = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(query + j)));
    s0 = _mm256_add_epi32(s0, ndl_hop_product_avx2(a + j, q));
    s1 = _mm256_add_epi32(s1, ndl_hop_product_avx2(b + j, q));
    s2 = _mm256_add_epi32(s2, ndl_hop_product_avx2(c + j, q));
    s3 = _mm256_add_epi32(s3, ndl_hop_product_avx2(d + j, q));
  }
  __m256i pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(s0, s1), _mm256_hadd_epi32(s2, s3));
  __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  _mm_storeu_si128((__m128i *)dots, sums);
}

// Nibbles times bytes fit sixteen bits twice over, so the byte product does not saturate.
NDL_TARGET static inline __m256i ndl_hop_nibble_product_avx2(
    const uint8_t *row, __m256i low, __m256i high) {
  const __m256i mask = _mm256_set1_epi8(15);
  __m256i v = _mm256_loadu_si256((const __m256i *)row);
  __m256i sum = _mm256_add_epi16(
      _mm256_maddubs_epi16(_mm256_and_si256(v, mask), low),
      _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(v, 4), mask), high));
  return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}

NDL_TARGET static inline void ndl_hop_nibbles4_avx2(
    const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const int8_t *query,
    uint32_t blocks, int32_t *dots) {
  __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
  for (size_t j = 0; j < (size_t)blocks * 32; j += 32) {
    // Byte i of a line goes with components i and 64 + i; of a last half line with i and 32 + i.
    size_t line = j & ~(size_t)63;
    size_t apart = line + 64 <= (size_t)blocks * 32 ? 64 : 32;
    const int8_t *part = query + 2 * line + (j - line);
    __m256i low = _mm256_loadu_si256((const __m256i *)part);
    __m256i high = _mm256_loadu_si256((const __m256i *)(part + apart));
    s0 = _mm256_add_epi32(s0, ndl_hop_nibble_product_avx2(a + j, low, high));
    s1 = _mm256_add_epi32(s1, ndl_hop_nibble_product_avx2(b + j, low, high));
    s2 = _mm256_add_epi32(s2, ndl_hop_nibble_product_avx2(c + j, low, high));
    s3 = _mm256_add_epi32(s3, ndl_hop_nibble_product_avx2(d + j, low, high));
  }
  __m256i pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(s0, s1), _mm256_hadd_epi32(s2, s3));
  __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  _mm_storeu_si128((__m128i *)dots, sums);
}

#include "hop_body.h"
#endif
