// AVX2: two groups of four components at a time.
#if defined(__x86_64__)
#include <immintrin.h>

#include "include/ndl_turbo.h"

#define NDL_TARGET __attribute__((target("avx2")))
#define NDL_HOP(name) ndl_turbo_##name##_avx2

#pragma STDC FP_CONTRACT OFF

NDL_TARGET static inline int32_t ndl_turbo_dot_avx2(
    const uint8_t *row, const int8_t *query, uint32_t blocks) {
  __m256i sum = _mm256_setzero_si256();
  for (size_t j = 0; j < (size_t)blocks * 64; j += 16)
    sum = _mm256_add_epi32(
        sum, _mm256_madd_epi16(
                 _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(row + j))),
                 _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(query + j)))));
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
  return _mm_cvtsi128_si32(s);
}

// The sums of sixteen lanes: `all` holds even lanes plus 256 times odd ones, `odd` the odd ones.
NDL_TARGET static inline void ndl_turbo_part_avx2(
    __m256i all, __m256i odd, __m128i *first, __m128i *second) {
  __m256i even = _mm256_sub_epi16(all, _mm256_slli_epi16(odd, 8));
  __m128i e = _mm_add_epi16(_mm256_castsi256_si128(even), _mm256_extracti128_si256(even, 1));
  __m128i o = _mm_add_epi16(_mm256_castsi256_si128(odd), _mm256_extracti128_si256(odd, 1));
  *first = _mm_unpacklo_epi16(e, o);
  *second = _mm_unpackhi_epi16(e, o);
}

NDL_TARGET static inline uint32_t ndl_turbo_scan_avx2(
    const uint8_t *bits, uint32_t groups, const ndl_hop_query *query, const uint8_t *factors,
    float own, float limit, float *estimates) {
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i low = _mm256_setzero_si256(), low_odd = low, high = low, high_odd = low;
  for (size_t at = 0; at < (size_t)groups * 16; at += 32) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(bits + at));
    __m256i table = _mm256_loadu_si256((const __m256i *)(query->table + at));
    __m256i a = _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble));
    __m256i b = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
    low = _mm256_add_epi16(low, a);
    low_odd = _mm256_add_epi16(low_odd, _mm256_srli_epi16(a, 8));
    high = _mm256_add_epi16(high, b);
    high_odd = _mm256_add_epi16(high_odd, _mm256_srli_epi16(b, 8));
  }
  __m128i sums[4];
  ndl_turbo_part_avx2(low, low_odd, sums, sums + 1);
  ndl_turbo_part_avx2(high, high_odd, sums + 2, sums + 3);
  const __m256 scale = _mm256_set1_ps(query->table_scale), base = _mm256_set1_ps(query->table_base);
  const __m256 center = _mm256_set1_ps(own), bound = _mm256_set1_ps(limit);
  uint32_t mask = 0;
  for (uint32_t i = 0; i < 4; i++) {
    __m256i both = _mm256_loadu_si256((const __m256i *)(factors + 32 * i));
    __m256 factor = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
    __m256 sum = _mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32((int)0xffff0000)));
    __m256 product = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(sums[i])));
    __m256 share = _mm256_mul_ps(factor, _mm256_add_ps(base, product));
    __m256 estimate = _mm256_add_ps(center, _mm256_add_ps(sum, share));
    _mm256_storeu_ps(estimates + 8 * i, estimate);
    mask |= (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(estimate, bound, _CMP_LT_OQ)) << (8 * i);
  }
  return mask;
}

#include "turbo_body.h"
#endif
