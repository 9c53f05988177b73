// The pool of a walk, compiled once per instruction set. The including file defines NDL_TARGET and NDL_HOP (a
// name maker); it may define NDL_OWN_POOL and bring `keep`, `place`, `below`, `next_open` and `merge` of
// its own.

#include "hop_pool.h"

#include <string.h>

#ifndef NDL_OWN_POOL
// Moves the keys below a threshold to the front; returns how many.
NDL_TARGET static inline uint32_t NDL_HOP(keep)(ndl_key *keys, uint32_t n, ndl_key threshold) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++) {
    ndl_key key = keys[i];
    keys[kept] = key;
    kept += key < threshold;
  }
  return kept;
}

// How many of ascending keys are below one.
NDL_TARGET static inline uint32_t NDL_HOP(place)(
    const ndl_key *pool, uint32_t size, ndl_key key) {
  return ndl_pool_below(pool, size, key);
}

// The first place from `at` on whose candidate was not expanded, or `size`.
NDL_TARGET static inline uint32_t NDL_HOP(next_open)(
    const ndl_key *pool, uint32_t at, uint32_t size) {
  while (at < size && (pool[at] & 1)) at++;
  return at < size ? at : size;
}

// How many of `n` keys (a multiple of 8) are below one.
NDL_TARGET static inline uint32_t NDL_HOP(below)(const ndl_key *keys, uint32_t n, ndl_key key) {
  uint64_t count = 0;
  for (uint32_t j = 0; j < n; j++) count += keys[j] < key;
  return (uint32_t)count;
}
#endif

// Sorts up to NDL_SORT_LIMIT distinct keys by counting, for each, how many are lower: more comparisons than an
// insertion sort, and none that a processor could guess wrong.
NDL_TARGET static inline void NDL_HOP(sort)(ndl_key *keys, uint32_t n) {
  ndl_key sorted[NDL_SORT_LIMIT];
  uint32_t padded = (n + 7) & ~7u;
  for (uint32_t i = n; i < padded; i++) keys[i] = ~(ndl_key)0;
  for (uint32_t i = 0; i < n; i++) sorted[NDL_HOP(below)(keys, padded, keys[i])] = keys[i];
  for (uint32_t i = 0; i < n; i++) keys[i] = sorted[i];
}

// Merges up to NDL_SORT_LIMIT distinct keys into the pool; `lowest` becomes the first place that changed.
NDL_TARGET static uint32_t NDL_HOP(merge_sorting)(
    ndl_key *pool, uint32_t size, uint32_t capacity, ndl_key *keys, uint32_t n,
    uint32_t *lowest) {
  NDL_HOP(sort)(keys, n);
  return ndl_merge_sorted(pool, size, capacity, keys, n, lowest, NDL_HOP(place));
}

#ifndef NDL_OWN_POOL
// Merges without sorting: each key's place is counted, the pool is spread around those places, and the keys
// are put there. Only one loop's length depends on what is where, so that there is little for the processor
// to guess wrong.
NDL_TARGET static inline __attribute__((always_inline)) uint32_t NDL_HOP(merge)(
    ndl_key *pool, uint32_t size, uint32_t capacity, ndl_key *keys, uint32_t n,
    uint32_t *lowest) {
  if (size + n > NDL_RANKED) return NDL_HOP(merge_sorting)(pool, size, capacity, keys, n, lowest);
  uint32_t ranks[NDL_SORT_LIMIT], before = n, padded = (n + 7) & ~7u;
  uint64_t holes[NDL_RANKED / 64] = { 0, 0, 0, 0 };
  for (uint32_t i = n; i < padded; i++) keys[i] = ~(ndl_key)0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t rank = NDL_HOP(place)(pool, size, keys[i]) + NDL_HOP(below)(keys, padded, keys[i]);
    ranks[i] = rank;
    holes[rank >> 6] |= 1ull << (rank & 63);
  }
  const uint32_t low = ndl_first_hole(holes);
  for (uint32_t at = size + n; at-- > low;) {
    before -= (uint32_t)(holes[at >> 6] >> (at & 63)) & 1;
    pool[at] = pool[at - before];
  }
  for (uint32_t i = 0; i < n; i++) pool[ranks[i]] = keys[i];
  *lowest = low;
  return size + n < capacity ? size + n : capacity;
}
#endif

// A set's rows are scored by blocks: up to `NDL_SET_ROWS` and those of a word more, about `NDL_SET_BYTES` of
// codes, which the first cache holds twice.
enum { NDL_SET_ROWS = 256, NDL_SET_BYTES = 8192, NDL_SET_ROOM = NDL_SET_ROWS + 64 + NDL_HOP_SLACK };

_Static_assert(
    2 * (NDL_SET_ROWS + 63) <= NDL_SCAN_SLACK, "a scan that pauses has two blocks under way");

// Puts those of `n` keys that are below a threshold behind the `size` of a scan; returns how many it has then.
NDL_TARGET static inline uint32_t NDL_HOP(append)(
    ndl_key *pool, uint32_t size, ndl_key *keys, uint32_t n, ndl_key threshold) {
  const uint32_t kept = NDL_HOP(keep)(keys, n, threshold);
  memcpy(pool + size, keys, kept * sizeof *keys);
  return size + kept;
}

#ifndef NDL_OWN_POOL
// Merges up to NDL_SORT_LIMIT distinct keys into a pool of up to NDL_LONG with them, as `merge` does into shorter
// ones. `keys` has room for NDL_HOP_SLACK more.
NDL_TARGET static __attribute__((noinline)) uint32_t NDL_HOP(merge_long)(
    ndl_key *pool, uint32_t size, uint32_t capacity, ndl_key *keys, uint32_t n,
    uint32_t *lowest) {
  if (size + n > NDL_LONG) return NDL_HOP(merge_sorting)(pool, size, capacity, keys, n, lowest);
  uint32_t ranks[NDL_SORT_LIMIT], before = n, low = size + n;
  uint8_t holes[NDL_LONG];
  memset(holes, 0, size + n);
  const uint32_t padded = (n + 7) & ~7u;
  for (uint32_t i = n; i < padded; i++) keys[i] = ~(ndl_key)0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t rank = ndl_pool_below(pool, size, keys[i]) + NDL_HOP(below)(keys, padded, keys[i]);
    ranks[i] = rank;
    holes[rank] = 1;
    low ^= (low ^ rank) & (uint32_t)ndl_mask(rank < low);
  }
  for (uint32_t at = size + n; at-- > low;) {
    before -= holes[at];
    pool[at] = pool[at - before];
  }
  for (uint32_t i = 0; i < n; i++) pool[ranks[i]] = keys[i];
  *lowest = low;
  return size + n < capacity ? size + n : capacity;
}
#endif

// The same for any number of keys.
NDL_TARGET static inline uint32_t NDL_HOP(merge_all)(
    ndl_key *pool, uint32_t size, uint32_t capacity, ndl_key *keys, uint32_t n,
    uint32_t *lowest) {
  ndl_key part[NDL_SORT_LIMIT + NDL_HOP_SLACK];
  uint32_t first;
  *lowest = size;
  for (; n > NDL_SORT_LIMIT; n -= NDL_SORT_LIMIT) {
    // What is merged is padded, and must not run into the keys behind.
    memcpy(part, keys + n - NDL_SORT_LIMIT, NDL_SORT_LIMIT * sizeof *keys);
    size = NDL_HOP(merge_long)(pool, size, capacity, part, NDL_SORT_LIMIT, &first);
    *lowest = first < *lowest ? first : *lowest;
  }
  size = NDL_HOP(merge_long)(pool, size, capacity, keys, n, &first);
  *lowest = first < *lowest ? first : *lowest;
  return size;
}

// Asks for the words of a set that hold rows. Those at or over `count` are none.
NDL_TARGET static inline void NDL_HOP(fetch_members)(
    const uint64_t *set, const uint32_t *ordinals, uint32_t n, uint32_t count) {
  for (uint32_t i = 0; i < n; i++)
    __builtin_prefetch(set + (ordinals[i] < count ? ordinals[i] >> 6 : 0), 0, 3);
}

// Remembers those rows of the walk's set that are among the nearest found so far; any number of keys.
NDL_TARGET static inline void NDL_HOP(remember_found)(
    ndl_hop_walk *walk, const ndl_key *keys, uint32_t n) {
  for (uint32_t start = 0; start < n; start += NDL_SORT_LIMIT) {
    ndl_key part[NDL_SORT_LIMIT + NDL_HOP_SLACK];
    const uint32_t stop = n - start < NDL_SORT_LIMIT ? n : start + NDL_SORT_LIMIT;
    const ndl_key threshold = walk->found_size == walk->found_capacity
                                  ? walk->found[walk->found_size - 1]
                                  : ~(ndl_key)0;
    uint32_t m = 0, lowest;
    for (uint32_t i = start; i < stop; i++) {
      part[m] = keys[i];
      m += (keys[i] < threshold) & ndl_in_set(walk->set, (uint32_t)keys[i] >> 1);
    }
    if (m > 0)
      walk->found_size = NDL_HOP(merge_long)(
          walk->found, walk->found_size, walk->found_capacity, part, m, &lowest);
  }
}
