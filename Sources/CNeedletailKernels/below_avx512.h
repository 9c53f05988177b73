// Counting lower keys with mask registers, for either kind of AVX-512.
#include "hop_pool.h"

#define NDL_OWN_BELOW

NDL_TARGET static inline uint32_t NDL_HOP(below)(const ndl_key *keys, uint32_t n, ndl_key key) {
  __m512i broad = _mm512_set1_epi64((long long)key);
  uint32_t count = 0;
  for (uint32_t j = 0; j < n; j += 8)
    count += (uint32_t)__builtin_popcount(
        _mm512_cmplt_epu64_mask(_mm512_loadu_si512(keys + j), broad));
  return count;
}

NDL_TARGET static inline uint32_t NDL_HOP(place)(
    const ndl_key *pool, uint32_t size, ndl_key key) {
  // In longer pools halving is sooner done than counting.
  if (size > 96) return ndl_pool_below(pool, size, key);
  __m512i broad = _mm512_set1_epi64((long long)key);
  uint32_t count = 0, j = 0;
  for (; j + 8 <= size; j += 8)
    count += (uint32_t)__builtin_popcount(
        _mm512_cmplt_epu64_mask(_mm512_loadu_si512(pool + j), broad));
  __mmask8 rest = (__mmask8)((1u << (size - j)) - 1);
  return count + (uint32_t)__builtin_popcount(_mm512_mask_cmplt_epu64_mask(
      rest, _mm512_maskz_loadu_epi64(rest, pool + j), broad));
}

// Eight keys at a time; what is written behind the kept ones is junk within the buffer's slack.
NDL_TARGET static inline uint32_t NDL_HOP(keep)(ndl_key *keys, uint32_t n, ndl_key threshold) {
  __m512i limit = _mm512_set1_epi64((long long)threshold);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i += 8) {
    __mmask8 there = n - i < 8 ? (__mmask8)((1u << (n - i)) - 1) : 0xff;
    __m512i eight = _mm512_loadu_si512(keys + i);
    __mmask8 below = _mm512_mask_cmplt_epu64_mask(there, eight, limit);
    _mm512_storeu_si512(keys + kept, _mm512_maskz_compress_epi64(below, eight));
    kept += (uint32_t)__builtin_popcount(below);
  }
  return kept;
}
