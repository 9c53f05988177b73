// The visited test and the pool, inlined into the hop of every instruction set.
#ifndef NDL_HOP_POOL_H
#define NDL_HOP_POOL_H

#include "include/ndl_hop.h"

#include <string.h>

#define NDL_ALWAYS static inline __attribute__((always_inline))

// Keys that are merged at a time.
enum { NDL_SORT_LIMIT = 64 };

// Pools of up to this many keys, with the new ones, are merged by ranks.
enum { NDL_RANKED = 256 };

// Pools of up to this many keys, with the new ones, are merged by ranks where they are long.
enum { NDL_LONG = 1024 };

// The first place that is set, of a set that is not empty.
NDL_ALWAYS uint32_t ndl_first_hole(const uint64_t holes[NDL_RANKED / 64]) {
  uint32_t word = 0;
  while (word < NDL_RANKED / 64 - 1 && holes[word] == 0) word++;
  return word * 64 + (uint32_t)__builtin_ctzll(holes[word]);
}

// All ones where a condition holds. The compiler is kept from seeing a condition in it: it would branch on
// what nobody can guess.
NDL_ALWAYS uint64_t ndl_mask(int condition) {
  uint64_t mask = 0 - (uint64_t)condition;
  __asm__("" : "+r"(mask));
  return mask;
}

// Collects and marks the unvisited among `links`. The links of a live segment are rewritten meanwhile, word by
// word: a relaxed load, which is a plain one on every processor, makes that defined.
NDL_ALWAYS uint32_t ndl_collect(
    const uint32_t *links, uint32_t degree, uint32_t count, uint64_t *visited, uint64_t epoch,
    uint32_t *ordinals) {
  uint32_t n = 0;
  const uint64_t tag = epoch << NDL_ROWS_PER_VISITED_WORD;
  for (uint32_t i = 0; i < degree; i++) {
    uint32_t ordinal = __atomic_load_n(links + i, __ATOMIC_RELAXED);
    if (ordinal >= count) break;
    uint64_t *word = visited + ordinal / NDL_ROWS_PER_VISITED_WORD;
    uint32_t bit = ordinal % NDL_ROWS_PER_VISITED_WORD;
    uint64_t seen = tag | (*word & ndl_mask(*word >> NDL_ROWS_PER_VISITED_WORD == epoch));
    ordinals[n] = ordinal;
    n += ~(uint32_t)(seen >> bit) & 1;
    *word = seen | 1ull << bit;
  }
  return n;
}

// How many of ascending keys are below one, without a branch to guess.
NDL_ALWAYS uint32_t ndl_pool_below(const ndl_key *pool, uint32_t size, ndl_key key) {
  const ndl_key *base = pool;
  while (size > 1) {
    uint32_t half = size / 2;
    base += half & ndl_mask(base[half - 1] < key);
    size -= half;
  }
  return (uint32_t)(base - pool) + (size == 1 && *base < key);
}

typedef uint32_t (*ndl_place_fn)(const ndl_key *pool, uint32_t size, ndl_key key);

// Merges ascending keys into an ascending pool; `place` counts lower keys, inlined where it is known.
NDL_ALWAYS uint32_t ndl_merge_sorted(
    ndl_key *pool, uint32_t size, uint32_t capacity, const ndl_key *keys, uint32_t n,
    uint32_t *lowest, ndl_place_fn place) {
  // From the far end: what stands behind the i-th key moves up by i + 1 places. What has moved already is
  // above every key still to come, so that the whole pool can be searched for each, and no search waits for
  // the one before.
  uint32_t end = size;
  for (uint32_t i = n; i > 0; i--) {
    uint32_t at = place(pool, size, keys[i - 1]);
    ndl_key *from = pool + end;
    for (; from >= pool + at + 4; from -= 4) {
      ndl_key block[4];
      memcpy(block, from - 4, sizeof block);
      memcpy(from - 4 + i, block, sizeof block);
    }
    for (; from > pool + at; from--) from[i - 1] = from[-1];
    pool[at + i - 1] = keys[i - 1];
    end = at;
  }
  *lowest = end;
  return size + n < capacity ? size + n : capacity;
}

#endif
