// The pool in registers of eight keys, for either kind of AVX-512.
#include "hop_pool.h"

#define NDL_OWN_POOL

NDL_TARGET static inline uint32_t NDL_HOP(below)(const ndl_key *keys, uint32_t n, ndl_key key) {
  __m512i broad = _mm512_set1_epi64((long long)key);
  uint32_t count = 0;
  for (uint32_t j = 0; j < n; j += 8)
    count += (uint32_t)__builtin_popcount(
        _mm512_cmplt_epu64_mask(_mm512_loadu_si512(keys + j), broad));
  return count;
}

// The first place from `at` on whose candidate was not expanded, or `size`.
NDL_TARGET static inline uint32_t NDL_HOP(next_open)(
    const ndl_key *pool, uint32_t at, uint32_t size) {
  const __m512i expanded = _mm512_set1_epi64(1);
  for (; at < size; at += 8) {
    // What stands behind the pool is junk within its room.
    uint32_t open = _mm512_testn_epi64_mask(_mm512_loadu_si512(pool + at), expanded);
    if (open) {
      at += (uint32_t)__builtin_ctz(open);
      break;
    }
  }
  return at < size ? at : size;
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

// How many of the pool and of the keys are below each of eight keys.
NDL_TARGET static inline __m512i NDL_HOP(ranks)(
    const ndl_key *pool, uint32_t size, const ndl_key *keys, uint32_t n, __m512i eight) {
  const __m512i one = _mm512_set1_epi64(1);
  __m512i even = _mm512_setzero_si512(), odd = even;
  uint32_t j = 0;
  for (; j + 2 <= size; j += 2) {
    even = _mm512_mask_add_epi64(
        even, _mm512_cmplt_epu64_mask(_mm512_set1_epi64((long long)pool[j]), eight), even, one);
    odd = _mm512_mask_add_epi64(
        odd, _mm512_cmplt_epu64_mask(_mm512_set1_epi64((long long)pool[j + 1]), eight), odd, one);
  }
  if (j < size)
    even = _mm512_mask_add_epi64(
        even, _mm512_cmplt_epu64_mask(_mm512_set1_epi64((long long)pool[j]), eight), even, one);
  for (j = 0; j < n; j++)
    odd = _mm512_mask_add_epi64(
        odd, _mm512_cmplt_epu64_mask(_mm512_set1_epi64((long long)keys[j]), eight), odd, one);
  return _mm512_add_epi64(even, odd);
}

// For pools that are longer; in pool_body.h.
NDL_TARGET static uint32_t NDL_HOP(merge_sorting)(
    ndl_key *pool, uint32_t size, uint32_t capacity, ndl_key *keys, uint32_t n, uint32_t *lowest);

// As in pool_body.h, eight keys and eight places at a time.
NDL_TARGET static inline __attribute__((always_inline)) uint32_t NDL_HOP(merge)(
    ndl_key *pool, uint32_t size, uint32_t capacity, ndl_key *keys, uint32_t n,
    uint32_t *lowest) {
  if (size + n > NDL_RANKED) return NDL_HOP(merge_sorting)(pool, size, capacity, keys, n, lowest);
  const __m512i one = _mm512_set1_epi64(1);
  uint64_t ranks[NDL_SORT_LIMIT], holes[NDL_RANKED / 64] = { 0, 0, 0, 0 };
  for (uint32_t i = 0; i < n; i += 8) {
    __mmask8 there = n - i < 8 ? (__mmask8)((1u << (n - i)) - 1) : 0xff;
    __m512i rank = NDL_HOP(ranks)(
        pool, size, keys, n, _mm512_maskz_loadu_epi64(there, keys + i));
    _mm512_storeu_si512(ranks + i, rank);
    for (uint32_t word = 0; word * 64 < size + n; word++) {
      // A shift by what is below 0, or above 63, leaves nothing.
      __m512i at = _mm512_sub_epi64(rank, _mm512_set1_epi64(word * 64));
      holes[word] |= (uint64_t)_mm512_mask_reduce_or_epi64(there, _mm512_sllv_epi64(one, at));
    }
  }
  const uint32_t low = ndl_first_hole(holes);
  uint32_t before = n;
  // From the far end: a block takes its keys from the same place or from before it.
  for (uint32_t block = (size + n - 1) & ~7u;; block -= 8) {
    uint32_t hole = (uint32_t)(holes[block >> 6] >> (block & 63)) & 0xff;
    before -= (uint32_t)__builtin_popcount(hole);
    __m512i from = _mm512_loadu_si512(pool + block - before);
    _mm512_storeu_si512(pool + block, _mm512_maskz_expand_epi64((__mmask8)~hole, from));
    if (block <= low) break;
  }
  for (uint32_t i = 0; i < n; i++) pool[ranks[i]] = keys[i];
  *lowest = low;
  return size + n < capacity ? size + n : capacity;
}

// As in pool_body.h. Of the pool every sixteenth key is looked at, and then the sixteen from there on: more
// comparisons than halving, and none that waits for another.
NDL_TARGET static __attribute__((noinline)) uint32_t NDL_HOP(merge_long)(
    ndl_key *pool, uint32_t size, uint32_t capacity, ndl_key *keys, uint32_t n,
    uint32_t *lowest) {
  if (size + n > NDL_LONG) return NDL_HOP(merge_sorting)(pool, size, capacity, keys, n, lowest);
  ndl_key posts[NDL_LONG / 16 + 8];
  uint32_t ranks[NDL_SORT_LIMIT], before = n, low = size + n;
  uint8_t holes[NDL_LONG + 64];
  const __m512i most = _mm512_set1_epi64(-1);
  const uint32_t post_count = size / 16, padded = (n + 7) & ~7u;
  for (uint32_t i = 0; i < post_count; i++) posts[i] = pool[16 * i + 15];
  _mm512_storeu_si512(posts + post_count, most);
  _mm512_storeu_si512(keys + n, most);
  for (uint32_t i = 0; i < size + n; i += 64)
    _mm512_storeu_si512(holes + i, _mm512_setzero_si512());
  for (uint32_t i = 0; i < n; i++) {
    const __m512i key = _mm512_set1_epi64((long long)keys[i]);
    uint32_t from = 0;
    for (uint32_t j = 0; j < post_count; j += 8)
      from += (uint32_t)__builtin_popcount(
          _mm512_cmplt_epu64_mask(_mm512_loadu_si512(posts + j), key));
    from *= 16;
    // What stands behind the pool is junk within its room.
    uint32_t below = _mm512_cmplt_epu64_mask(_mm512_loadu_si512(pool + from), key);
    below |= (uint32_t)_mm512_cmplt_epu64_mask(_mm512_loadu_si512(pool + from + 8), key) << 8;
    const uint32_t left = size - from;
    below &= left < 16 ? (1u << left) - 1 : 0xffff;
    uint32_t rank = from + (uint32_t)__builtin_popcount(below);
    rank += NDL_HOP(below)(keys, padded, keys[i]);
    ranks[i] = rank;
    holes[rank] = 1;
    low ^= (low ^ rank) & (uint32_t)ndl_mask(rank < low);
  }
  // From the far end: a block takes its keys from the same place or from before it.
  for (uint32_t block = (size + n - 1) & ~7u;; block -= 8) {
    const __m128i eight = _mm_loadl_epi64((const __m128i *)(holes + block));
    const __mmask8 hole = (__mmask8)_mm_test_epi8_mask(eight, eight);
    before -= (uint32_t)__builtin_popcount(hole);
    __m512i from = _mm512_loadu_si512(pool + block - before);
    _mm512_storeu_si512(pool + block, _mm512_maskz_expand_epi64((__mmask8)~hole, from));
    if (block <= low) break;
  }
  for (uint32_t i = 0; i < n; i++) pool[ranks[i]] = keys[i];
  *lowest = low;
  return size + n < capacity ? size + n : capacity;
}
