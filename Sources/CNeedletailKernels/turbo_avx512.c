// AVX-512 with byte operations: four groups of four components at a time.
#if defined(__x86_64__)
#include <immintrin.h>

#include "include/ndl_turbo.h"

#define NDL_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi2")))
#define NDL_HOP(name) ndl_turbo_##name##_avx512

#pragma STDC FP_CONTRACT OFF

NDL_TARGET static inline int32_t ndl_turbo_dot_avx512(
    const uint8_t *row, const int8_t *query, uint32_t blocks) {
  __m512i sum = _mm512_setzero_si512();
  for (size_t j = 0; j < (size_t)blocks * 64; j += 32)
    sum = _mm512_add_epi32(
        sum, _mm512_madd_epi16(
                 _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(row + j))),
                 _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(query + j)))));
  return _mm512_reduce_add_epi32(sum);
}

NDL_TARGET static inline __m128i ndl_turbo_fold_avx512(__m512i x) {
  __m256i y = _mm256_add_epi16(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
  return _mm_add_epi16(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
}

// The sums of sixteen lanes: `all` holds even lanes plus 256 times odd ones, `odd` the odd ones.
NDL_TARGET static inline __m512 ndl_turbo_part_avx512(__m512i all, __m512i odd) {
  __m128i e = ndl_turbo_fold_avx512(_mm512_sub_epi16(all, _mm512_slli_epi16(odd, 8)));
  __m128i o = ndl_turbo_fold_avx512(odd);
  __m256i lanes = _mm256_set_m128i(_mm_unpackhi_epi16(e, o), _mm_unpacklo_epi16(e, o));
  return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(lanes));
}

NDL_TARGET static inline uint32_t ndl_turbo_scan_avx512(
    const uint8_t *bits, uint32_t groups, const ndl_hop_query *query, const uint8_t *factors,
    float own, float limit, float *estimates) {
  const __m512i nibble = _mm512_set1_epi8(15);
  __m512i low = _mm512_setzero_si512(), low_odd = low, high = low, high_odd = low;
  for (size_t at = 0; at < (size_t)groups * 16; at += 64) {
    __m512i v = _mm512_loadu_si512(bits + at), table = _mm512_loadu_si512(query->table + at);
    __m512i a = _mm512_shuffle_epi8(table, _mm512_and_si512(v, nibble));
    __m512i b = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble));
    low = _mm512_add_epi16(low, a);
    low_odd = _mm512_add_epi16(low_odd, _mm512_srli_epi16(a, 8));
    high = _mm512_add_epi16(high, b);
    high_odd = _mm512_add_epi16(high_odd, _mm512_srli_epi16(b, 8));
  }
  const __m512 sums[2] = {
    ndl_turbo_part_avx512(low, low_odd), ndl_turbo_part_avx512(high, high_odd) };
  const __m512 scale = _mm512_set1_ps(query->table_scale), base = _mm512_set1_ps(query->table_base);
  const __m512 center = _mm512_set1_ps(own), bound = _mm512_set1_ps(limit);
  uint32_t mask = 0;
  for (uint32_t i = 0; i < 2; i++) {
    __m512i both = _mm512_loadu_si512(factors + 64 * i);
    __m512 factor = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    __m512 sum = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000)));
    __m512 product = _mm512_mul_ps(scale, sums[i]);
    __m512 share = _mm512_mul_ps(factor, _mm512_add_ps(base, product));
    __m512 estimate = _mm512_add_ps(center, _mm512_add_ps(sum, share));
    _mm512_storeu_ps(estimates + 16 * i, estimate);
    mask |= (uint32_t)_mm512_cmp_ps_mask(estimate, bound, _CMP_LT_OQ) << (16 * i);
  }
  return mask;
}

#include "pool_avx512.h"
#include "turbo_body.h"
#endif
