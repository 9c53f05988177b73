// The body of one hop, compiled once per instruction set. The including file defines NDL_TARGET, NDL_HOP
// (a name maker), `dots4` and `nibbles4`: the products of four rows with the query.

#include "pool_body.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Rows are fetched this far ahead of the one that is scored; the processor itself goes on after so many
// lines of each.
enum { NDL_ROWS_AHEAD = 8, NDL_LINES_AHEAD = 16 };

// Rounds that expand one candidate: about as many as it takes to come near.
enum { NDL_SINGLE_ROUNDS = 4 };

// What stays in a second-level cache by itself.
enum { NDL_NEAR_BYTES = 512 * 1024 };

NDL_TARGET static inline size_t NDL_HOP(stride)(const ndl_hop_space *space) {
  return (size_t)space->blocks * (space->width == NDL_WIDTH_BYTES ? 64 : 32);
}

NDL_TARGET static inline void NDL_HOP(fetch)(const uint8_t *row, size_t stride) {
  size_t end = stride < NDL_LINES_AHEAD * 64 ? stride : NDL_LINES_AHEAD * 64;
  for (size_t at = 0; at < end; at += 64) __builtin_prefetch(row + at, 0, 3);
}

// Asks for the terms of rows: few bytes each, so that those of a small set are near anyway.
NDL_TARGET static inline void NDL_HOP(fetch_terms)(
    const ndl_hop_space *space, const uint32_t *ordinals, uint32_t n) {
  static const uint8_t sizes[] = { 0, 4, 4, 8, 16 };
  const size_t size = sizes[space->finish];
  if (size * space->count < NDL_NEAR_BYTES) return;
  for (uint32_t i = 0; i < n; i++)
    __builtin_prefetch((const char *)space->terms + ordinals[i] * size, 0, 3);
}

NDL_TARGET static inline uint32_t NDL_HOP(order_float)(float value) {
  union { float f; int32_t i; } bits = { value };
  uint32_t order = (uint32_t)(bits.i ^ ((bits.i >> 31) & 0x7fffffff)) ^ 0x80000000u;
  // What is no number comes last, whatever its sign: forged terms must not become the nearest.
  return value == value ? order : 0xffffffffu;
}

NDL_TARGET static inline uint32_t NDL_HOP(order_int)(int32_t value) {
  return (uint32_t)value ^ 0x80000000u;
}

NDL_TARGET static inline void NDL_HOP(finish)(
    const ndl_hop_space *space, const ndl_hop_query *query, const uint32_t *ordinals,
    const int32_t *dots, uint32_t n, ndl_key *keys) {
#define NDL_KEY(order) keys[i] = (uint64_t)(order) << 32 | (uint64_t)ordinals[i] << 1
  switch (space->finish) {
    case NDL_FINISH_PRODUCT:
      for (uint32_t i = 0; i < n; i++) NDL_KEY(NDL_HOP(order_int)(-dots[i]));
      break;
    case NDL_FINISH_NORM: {
      const int32_t *norms = space->terms;
      int32_t offset = query->offset;
      for (uint32_t i = 0; i < n; i++)
        // Unsigned, so that forged norms wrap instead of being undefined.
        NDL_KEY(NDL_HOP(order_int)((int32_t)(
            (uint32_t)norms[ordinals[i]] - 2u * (uint32_t)dots[i] + (uint32_t)offset)));
      break;
    }
    case NDL_FINISH_SCALED_NORM: {
      const int32_t *norms = space->terms;
      float scale = query->scale, norm_scale = query->norm_scale;
      int32_t zero = query->zero;
      for (uint32_t i = 0; i < n; i++) {
        float norm = norm_scale * (float)norms[ordinals[i]];
        float product = scale * (float)(dots[i] - zero);
        NDL_KEY(NDL_HOP(order_float)(norm - product));
      }
      break;
    }
    case NDL_FINISH_FACTOR: {
      const float *terms = space->terms;
      float scale = query->scale;
      int32_t zero = query->zero;
      for (uint32_t i = 0; i < n; i++) {
        const float *term = terms + (size_t)ordinals[i] * 2;
        float factor = scale * term[0];
        float product = factor * (float)(dots[i] - zero);
        NDL_KEY(NDL_HOP(order_float)(term[1] - product));
      }
      break;
    }
    case NDL_FINISH_REDUCED: {
      const float *terms = space->terms;
      float twice = 2 * query->factor, norm = query->norm, delta = query->delta;
      int32_t zero = query->zero;
      for (uint32_t i = 0; i < n; i++) {
        const float *term = terms + (size_t)ordinals[i] * 4;
        float factor = twice * term[0];
        float product = factor * (float)(dots[i] - zero);
        float sum = norm + term[1];
        float rest = sum - product;
        float step = delta - term[2];
        float square = step * step;
        NDL_KEY(NDL_HOP(order_float)(rest + square));
      }
      break;
    }
  }
#undef NDL_KEY
}

// Scores up to 64 rows; three entries past n must be ordinals too.
NDL_TARGET static inline void NDL_HOP(score_part)(
    const ndl_hop_space *space, const ndl_hop_query *query, const uint32_t *list, uint32_t n,
    ndl_key *keys) {
  int32_t dots[64 + 4];
  const uint8_t *codes = space->codes;
  const size_t stride = NDL_HOP(stride)(space);
  if (space->width != NDL_WIDTH_BYTES) {
    for (uint32_t i = 0; i < n; i += 4)
      NDL_HOP(nibbles4)(
          codes + list[i] * stride, codes + list[i + 1] * stride, codes + list[i + 2] * stride,
          codes + list[i + 3] * stride, query->code, space->blocks, dots + i);
    for (uint32_t i = 0; i < n; i++) dots[i] *= 16;
    if (space->width == NDL_WIDTH_SPLIT) {
      const uint8_t *lower = space->lower;
      for (uint32_t i = 0; i < n; i += 4) {
        int32_t parts[4];
        NDL_HOP(nibbles4)(
            lower + list[i] * stride, lower + list[i + 1] * stride, lower + list[i + 2] * stride,
            lower + list[i + 3] * stride, query->code, space->blocks, parts);
        for (uint32_t j = 0; j < 4; j++) dots[i + j] += parts[j];
      }
    }
  } else {
    for (uint32_t i = 0; i < n; i += 4)
      NDL_HOP(dots4)(
          codes + list[i] * stride, codes + list[i + 1] * stride, codes + list[i + 2] * stride,
          codes + list[i + 3] * stride, query->code, space->blocks, dots + i);
  }
  NDL_HOP(finish)(space, query, list, dots, n, keys);
}

// Scores rows whose codes are on their way already.
NDL_TARGET static inline void NDL_HOP(score_fetched)(
    const ndl_hop_space *space, const ndl_hop_query *query, uint32_t *ordinals, uint32_t n,
    ndl_key *keys) {
  if (n == 0) return;
  for (uint32_t i = 0; i < 4; i++) ordinals[n + i] = ordinals[n - 1];
  for (uint32_t start = 0; start < n; start += 64)
    NDL_HOP(score_part)(
        space, query, ordinals + start, n - start < 64 ? n - start : 64, keys + start);
}

NDL_TARGET static void NDL_HOP(score)(
    const ndl_hop_space *space, const ndl_hop_query *query, uint32_t *ordinals, uint32_t n,
    ndl_key *keys) {
  if (n == 0) return;
  const size_t stride = NDL_HOP(stride)(space);
  for (uint32_t i = 0; i < 4; i++) ordinals[n + i] = ordinals[n - 1];
  for (uint32_t i = 0; i < n && i < NDL_ROWS_AHEAD; i++)
    NDL_HOP(fetch)(space->codes + ordinals[i] * stride, stride);
  for (uint32_t start = 0; start < n; start += NDL_ROWS_AHEAD) {
    uint32_t part = n - start < NDL_ROWS_AHEAD ? n - start : NDL_ROWS_AHEAD;
    for (uint32_t j = start + NDL_ROWS_AHEAD; j < start + 2 * NDL_ROWS_AHEAD && j < n; j++)
      NDL_HOP(fetch)(space->codes + ordinals[j] * stride, stride);
    NDL_HOP(score_part)(space, query, ordinals + start, part, keys + start);
  }
}

NDL_TARGET static ndl_key NDL_HOP(nearest)(
    const ndl_hop_space *space, const ndl_hop_query *query, uint32_t n, uint32_t except) {
  uint32_t list[64 + 4];
  ndl_key keys[64];
  ndl_key nearest = ~(ndl_key)0;
  for (uint32_t start = 0; start < n; start += 64) {
    uint32_t part = n - start < 64 ? n - start : 64;
    for (uint32_t i = 0; i < part + 4; i++) list[i] = start + (i < part ? i : part - 1);
    NDL_HOP(score_part)(space, query, list, part, keys);
    for (uint32_t i = 0; i < part; i++) {
      ndl_key key = start + i == except ? keys[i] | ~(ndl_key)0 << 32 : keys[i];
      nearest = key < nearest ? key : nearest;
    }
  }
  return nearest;
}

NDL_TARGET static uint64_t NDL_HOP(expand)(
    const ndl_hop_space *space, const ndl_hop_query *query, const uint32_t *links, uint32_t degree,
    uint64_t *visited, uint64_t epoch, ndl_key threshold, uint32_t *ordinals, ndl_key *keys) {
  uint32_t n = ndl_collect(links, degree, space->count, visited, epoch, ordinals);
  NDL_HOP(score)(space, query, ordinals, n, keys);
  return (uint64_t)n << 32 | NDL_HOP(keep)(keys, n, threshold);
}

NDL_TARGET static inline void NDL_HOP(fetch_links)(const ndl_hop_links *links, ndl_key key) {
  ndl_prefetch_lines(links->rows + (size_t)(key >> 1 & 0x7fffffff) * links->degree);
}

// The estimate that a key stands for.
NDL_TARGET static inline float NDL_HOP(estimate)(const ndl_hop_space *space, ndl_key key) {
  int32_t order = (int32_t)((uint32_t)(key >> 32) ^ 0x80000000u);
  if (space->finish <= NDL_FINISH_NORM) return (float)order;
  union { int32_t i; float f; } bits = { order ^ ((order >> 31) & 0x7fffffff) };
  return bits.f;
}

// The first key whose estimate is above a limit.
NDL_TARGET static inline ndl_key NDL_HOP(above)(const ndl_hop_space *space, float limit) {
  uint32_t order;
  if (space->finish <= NDL_FINISH_NORM)
    order = limit < 2147483520.0f ? NDL_HOP(order_int)((int32_t)limit) : 0xfffffffeu;
  else
    order = NDL_HOP(order_float)(limit);
  return order == 0xffffffffu ? ~(ndl_key)0 : ((ndl_key)order + 1) << 32;
}

// Sets where the walk ends and what it keeps, after the `least`-th has come nearer.
NDL_TARGET static inline void NDL_HOP(draw_limits)(
    const ndl_hop_space *space, ndl_hop_walk *walk) {
  float last = NDL_HOP(estimate)(space, walk->pool[walk->least - 1]);
  float distance = last + walk->base > 0 ? last + walk->base : 0;
  float reach = walk->stop * distance > walk->floor ? walk->stop * distance : walk->floor;
  float kept = __builtin_sqrtf(walk->blur * distance + walk->noise);
  walk->end = NDL_HOP(above)(space, last + reach);
  walk->edge = NDL_HOP(above)(space, last + (reach > kept ? reach : kept));
}

// Asks for the links of the candidates that are next.
NDL_TARGET static inline void NDL_HOP(fetch_next)(
    const ndl_hop_links *links, const ndl_hop_walk *walk) {
  uint32_t left = walk->rounds < NDL_SINGLE_ROUNDS ? 1 : walk->breadth;
  uint32_t at = walk->cursor;
  for (; left > 0 && at < walk->size; left--) {
    NDL_HOP(fetch_links)(links, walk->pool[at]);
    at = NDL_HOP(next_open)(walk->pool, at + 1, walk->size);
  }
}

NDL_TARGET static int32_t NDL_HOP(gather)(
    const ndl_hop_space *space, const ndl_hop_links *links, ndl_hop_walk *walk) {
  ndl_key *pool = walk->pool;
  uint32_t cursor = walk->cursor;
  const uint32_t end = ndl_hop_end(walk);
  if (cursor >= end || pool[cursor] >= walk->end) return -1;
  uint32_t breadth = walk->rounds < NDL_SINGLE_ROUNDS ? 1 : (walk->rounds - NDL_SINGLE_ROUNDS) / 2 + 2;
  if (breadth > walk->breadth) breadth = walk->breadth;
  if (walk->size < walk->least) breadth = 1;
  uint32_t *ordinals = walk->ordinals;
  uint32_t n = 0;
  do {
    ndl_key key = pool[cursor];
    if (key >= walk->end) break;
    pool[cursor] = key | 1;
    cursor = NDL_HOP(next_open)(pool, cursor + 1, walk->size);
    const uint32_t *row = links->rows + (size_t)(key >> 1 & 0x7fffffff) * links->degree;
    n += ndl_collect(
        row, links->degree, links->count, walk->visited, walk->epoch, ordinals + n);
    walk->hops++;
  } while (--breadth > 0 && cursor < end);
  walk->cursor = cursor;
  walk->rounds++;
  // Without news, these are next.
  NDL_HOP(fetch_next)(links, walk);
  const size_t stride = NDL_HOP(stride)(space);
  for (uint32_t i = 0; i < n; i++)
    NDL_HOP(fetch)(space->codes + ordinals[i] * stride, stride);
  NDL_HOP(fetch_terms)(space, ordinals, n);
  walk->gathered = n;
  return (int32_t)n;
}

// The second half of a round; `passing` is constant where it is inlined.
NDL_TARGET static inline __attribute__((always_inline)) void NDL_HOP(settle_round)(
    const ndl_hop_space *space, const ndl_hop_query *query, const ndl_hop_links *links,
    ndl_hop_walk *walk, int passing) {
  ndl_key *pool = walk->pool, *keys = walk->keys;
  uint32_t n = walk->gathered, size = walk->size, cursor = walk->cursor;
  if (passing) NDL_HOP(fetch_members)(walk->set, walk->ordinals, n, links->count);
  NDL_HOP(score_fetched)(space, query, walk->ordinals, n, keys);
  walk->gathered = 0;
  if (passing) NDL_HOP(remember_found)(walk, keys, n);
  ndl_key threshold = size == walk->capacity ? pool[size - 1] : ~(ndl_key)0;
  if (walk->edge < threshold) threshold = walk->edge;
  uint32_t kept = NDL_HOP(keep)(keys, n, threshold);
  if (kept == 0) return;
  uint32_t lowest;
  if (passing)
    size = NDL_HOP(merge_all)(pool, size, walk->capacity, keys, kept, &lowest);
  else
    size = kept <= NDL_SORT_LIMIT
               ? NDL_HOP(merge)(pool, size, walk->capacity, keys, kept, &lowest)
               : ndl_pool_merge(pool, size, walk->capacity, keys, kept, &lowest);
  if (lowest < cursor) cursor = lowest;
  if (lowest < walk->least && size >= walk->least && walk->stop > 0) {
    // The nearest have come nearer: what is out of reach now would only be moved about.
    NDL_HOP(draw_limits)(space, walk);
    uint32_t within = NDL_HOP(place)(pool, size, walk->edge);
    size = within > walk->least ? within : walk->least;
  }
  walk->size = size;
  walk->cursor = NDL_HOP(next_open)(pool, cursor, size);
  NDL_HOP(fetch_next)(links, walk);
}

NDL_TARGET static void NDL_HOP(settle)(
    const ndl_hop_space *space, const ndl_hop_query *query, const ndl_hop_links *links,
    ndl_hop_walk *walk) {
  NDL_HOP(settle_round)(space, query, links, walk, 0);
}

NDL_TARGET static void NDL_HOP(settle_passing)(
    const ndl_hop_space *space, const ndl_hop_query *query, const ndl_hop_links *links,
    ndl_hop_walk *walk) {
  NDL_HOP(settle_round)(space, query, links, walk, 1);
}

// A merge that is called, not inlined: the hop of a walk over all rows keeps its own to itself.
NDL_TARGET static __attribute__((noinline)) uint32_t NDL_HOP(merge_part)(
    ndl_key *pool, uint32_t size, uint32_t capacity, ndl_key *keys, uint32_t n,
    uint32_t *lowest) {
  return NDL_HOP(merge)(pool, size, capacity, keys, n, lowest);
}

// Sets where a walk among a set of rows ends, after its `rank`-th has come nearer.
NDL_TARGET static inline void NDL_HOP(draw_limits_among)(
    const ndl_hop_space *space, ndl_hop_walk *walk) {
  const ndl_key key = walk->best[walk->rank - 1];
  if (walk->stop > 0) {
    float last = NDL_HOP(estimate)(space, key);
    float distance = last + walk->base > 0 ? last + walk->base : 0;
    float noise = __builtin_sqrtf(walk->noise);
    float reach = walk->stop * distance > noise ? walk->stop * distance : noise;
    walk->end = NDL_HOP(above)(space, last + reach);
  } else {
    walk->end = key >> 32 == 0xffffffffu ? ~(ndl_key)0 : ((key >> 32) + 1) << 32;
  }
}

// Remembers those scored rows of the set that are among the nearest. Returns whether the end moved.
NDL_TARGET static inline int NDL_HOP(remember_among)(
    const ndl_hop_space *space, ndl_hop_walk *walk, const ndl_key *keys, uint32_t n) {
  uint32_t first = walk->best_capacity;
  for (uint32_t start = 0; start < n; start += NDL_SORT_LIMIT) {
    ndl_key part[NDL_SORT_LIMIT + NDL_HOP_SLACK];
    uint32_t stop = n - start < NDL_SORT_LIMIT ? n : start + NDL_SORT_LIMIT, m = 0, lowest;
    ndl_key threshold = walk->best_size == walk->best_capacity ? walk->best[walk->best_size - 1]
                                                               : ~(ndl_key)0;
    for (uint32_t i = start; i < stop; i++) {
      part[m] = keys[i];
      m += (keys[i] < threshold) & ndl_in_set(walk->set, (uint32_t)keys[i] >> 1);
    }
    if (m == 0) continue;
    walk->best_size =
        NDL_HOP(merge_part)(walk->best, walk->best_size, walk->best_capacity, part, m, &lowest);
    first = lowest < first ? lowest : first;
  }
  if (walk->best_size < walk->rank) return 0;
  // The row that the walk began at may be among the `rank` before any other is.
  if (first >= walk->rank && walk->end != ~(ndl_key)0) return 0;
  NDL_HOP(draw_limits_among)(space, walk);
  return 1;
}

NDL_TARGET static void NDL_HOP(settle_among)(
    const ndl_hop_space *space, const ndl_hop_query *query, const ndl_hop_links *links,
    ndl_hop_walk *walk) {
  ndl_key *pool = walk->pool, *keys = walk->keys;
  uint32_t n = walk->gathered, size = walk->size, cursor = walk->cursor;
  NDL_HOP(score_fetched)(space, query, walk->ordinals, n, keys);
  walk->gathered = 0;
  if (NDL_HOP(remember_among)(space, walk, keys, n)) {
    // What is out of reach now would only be moved about.
    size = NDL_HOP(place)(pool, size, walk->end);
    cursor = cursor < size ? cursor : size;
  }
  ndl_key threshold = size == walk->capacity ? pool[size - 1] : ~(ndl_key)0;
  if (walk->end < threshold) threshold = walk->end;
  uint32_t kept = NDL_HOP(keep)(keys, n, threshold);
  uint32_t lowest = cursor;
  if (kept > 0)
    size = kept <= NDL_SORT_LIMIT
               ? NDL_HOP(merge_part)(pool, size, walk->capacity, keys, kept, &lowest)
               : ndl_pool_merge(pool, size, walk->capacity, keys, kept, &lowest);
  if (lowest < cursor) cursor = lowest;
  walk->size = size;
  walk->cursor = NDL_HOP(next_open)(pool, cursor, size);
  NDL_HOP(fetch_next)(links, walk);
}

// Rows that the links of other rows lead to come in their place; those others are looked behind once.
NDL_TARGET static int32_t NDL_HOP(gather_across)(
    const ndl_hop_space *space, const ndl_hop_links *links, ndl_hop_walk *walk) {
  ndl_key *pool = walk->pool;
  const uint32_t cursor = walk->cursor, count = links->count, degree = links->degree;
  if (cursor >= ndl_hop_end(walk) || pool[cursor] >= walk->end) return -1;
  const ndl_key key = pool[cursor];
  pool[cursor] = key | 1;
  walk->cursor = NDL_HOP(next_open)(pool, cursor + 1, walk->size);
  walk->rounds++;
  walk->hops++;
  uint32_t *ordinals = walk->ordinals;
  // As many as there is room for with the list of one row more.
  const uint32_t most = (NDL_BREADTH - 1) * degree;
  const uint64_t tag = walk->epoch << NDL_ROWS_PER_VISITED_WORD;
  uint32_t n = 0;
  uint32_t found = ndl_collect(
      links->rows + (size_t)(key >> 1 & 0x7fffffff) * degree, degree, count, walk->visited,
      walk->epoch, ordinals + most);
  // Those of the set move to the front, the others to the end of the room behind them.
  uint32_t *others = ordinals + most;
  uint32_t left = 0;
  for (uint32_t i = 0; i < found; i++) {
    uint32_t ordinal = others[i];
    if (ndl_in_set(walk->set, ordinal)) {
      ordinals[n++] = ordinal;
    } else {
      others[left++] = ordinal;
      ndl_prefetch_lines(links->rows + (size_t)ordinal * degree);
    }
  }
  for (uint32_t i = 0; i < left && n + degree <= most; i++) {
    const uint32_t *row = links->rows + (size_t)others[i] * degree;
    for (uint32_t j = 0; j < degree && row[j] < count; j++) {
      uint32_t ordinal = row[j];
      if (!ndl_in_set(walk->set, ordinal)) continue;
      uint64_t *word = walk->visited + ordinal / NDL_ROWS_PER_VISITED_WORD;
      uint32_t bit = ordinal % NDL_ROWS_PER_VISITED_WORD;
      uint64_t seen = tag | (*word & ndl_mask(*word >> NDL_ROWS_PER_VISITED_WORD == walk->epoch));
      ordinals[n] = ordinal;
      n += ~(uint32_t)(seen >> bit) & 1;
      *word = seen | 1ull << bit;
    }
  }
  NDL_HOP(fetch_next)(links, walk);
  const size_t stride = NDL_HOP(stride)(space);
  for (uint32_t i = 0; i < n; i++) NDL_HOP(fetch)(space->codes + ordinals[i] * stride, stride);
  NDL_HOP(fetch_terms)(space, ordinals, n);
  walk->gathered = n;
  return (int32_t)n;
}

NDL_TARGET static void NDL_HOP(scan_set)(
    const ndl_hop_space *space, const ndl_hop_query *query, ndl_hop_scan *scan) {
  const size_t stride = NDL_HOP(stride)(space);
  const uint32_t most = stride * NDL_SET_ROWS < NDL_SET_BYTES ? NDL_SET_ROWS
                        : NDL_SET_BYTES / stride < 16         ? 16
                                                              : (uint32_t)(NDL_SET_BYTES / stride);
  const ndl_key threshold = scan->threshold;
  ndl_key *pool = scan->pool;
  // While one block is on its way, the one before it is scored.
  uint32_t ordinals[2][NDL_SET_ROOM], n = 0, before = 0, which = 0;
  uint32_t word = scan->at, size = scan->size;
  ndl_key keys[NDL_SET_ROOM];
  for (; word < scan->words && size < scan->room; word++) {
    uint32_t *block = ordinals[which];
    for (uint64_t left = scan->set[word]; left != 0; left &= left - 1) {
      uint32_t ordinal = word * 64 + (uint32_t)__builtin_ctzll(left);
      block[n++] = ordinal;
      NDL_HOP(fetch)(space->codes + ordinal * stride, stride);
      if (space->width == NDL_WIDTH_SPLIT) NDL_HOP(fetch)(space->lower + ordinal * stride, stride);
    }
    if (n < most) continue;
    NDL_HOP(fetch_terms)(space, block, n);
    NDL_HOP(score_fetched)(space, query, ordinals[which ^ 1], before, keys);
    size = NDL_HOP(append)(pool, size, keys, before, threshold);
    before = n;
    n = 0;
    which ^= 1;
  }
  NDL_HOP(score_fetched)(space, query, ordinals[which ^ 1], before, keys);
  size = NDL_HOP(append)(pool, size, keys, before, threshold);
  NDL_HOP(score_fetched)(space, query, ordinals[which], n, keys);
  scan->size = NDL_HOP(append)(pool, size, keys, n, threshold);
  scan->at = word;
}

// How many of any number of keys are below one.
NDL_TARGET static inline uint32_t NDL_HOP(count_below)(
    const ndl_key *keys, uint32_t n, ndl_key key) {
  uint32_t count = NDL_HOP(below)(keys, n & ~7u, key);
  for (uint32_t i = n & ~7u; i < n; i++) count += keys[i] < key;
  return count;
}

// Samples say about where to cut; where they mislead, halving what is between two keys ends by itself.
NDL_TARGET static uint32_t NDL_HOP(cut)(ndl_key *keys, uint32_t n, uint32_t least) {
  const uint32_t half = least + least / 2;
  const uint32_t most = half > NDL_SORT_LIMIT ? half : NDL_SORT_LIMIT;
  ndl_key sample[NDL_SORT_LIMIT + NDL_HOP_SLACK];
  while (n > most) {
    for (uint32_t i = 0; i < NDL_SORT_LIMIT; i++)
      sample[i] = keys[(size_t)i * n / NDL_SORT_LIMIT];
    NDL_HOP(sort)(sample, NDL_SORT_LIMIT);
    uint32_t at = (uint32_t)((uint64_t)least * NDL_SORT_LIMIT / n) + 2, count = 0;
    for (; at < NDL_SORT_LIMIT; at += 3) {
      count = NDL_HOP(count_below)(keys, n, sample[at]);
      if (count >= least) break;
    }
    ndl_key end = at < NDL_SORT_LIMIT ? sample[at] : ~(ndl_key)0;
    if (at >= NDL_SORT_LIMIT) {
      ndl_key low = 0, high = end;
      do {
        end = low + (high - low) / 2;
        count = NDL_HOP(count_below)(keys, n, end);
        if (count < least) low = end;
        else high = end;
      } while (count < least || count > most);
    }
    n = NDL_HOP(keep)(keys, n, end);
  }
  if (n > NDL_SORT_LIMIT || n <= least) return n;
  memcpy(sample, keys, n * sizeof *keys);
  NDL_HOP(sort)(sample, n);
  return NDL_HOP(keep)(keys, n, sample[least]);
}

NDL_TARGET static int32_t NDL_HOP(flip)(const uint8_t *row, int8_t *query, uint32_t blocks) {
  int32_t sum = 0;
  for (size_t j = 0; j < (size_t)blocks * 64; j++) {
    query[j] = (int8_t)(row[j] ^ 0x80);
    sum += row[j];
  }
  return sum - 128 * 64 * (int32_t)blocks;
}

const ndl_hop_kernels NDL_HOP(kernels) = {
  NDL_HOP(score), NDL_HOP(expand), NDL_HOP(gather), NDL_HOP(settle), NDL_HOP(nearest), NDL_HOP(flip),
  NDL_HOP(settle_among), NDL_HOP(gather_across), NDL_HOP(scan_set), NDL_HOP(settle_passing),
  NDL_HOP(cut), NDL_HOP(keep),
};
