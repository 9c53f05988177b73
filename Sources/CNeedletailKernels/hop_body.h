// The body of one hop, compiled once per instruction set. The including file defines NDL_TARGET, NDL_HOP
// (a name maker) and `dots4`: the products of four rows with the query.

#include "include/ndl_hop.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Rows are fetched this far ahead of the one that is scored; up to 8 lines of each.
enum { NDL_ROWS_AHEAD = 8, NDL_LINES_AHEAD = 8 };

NDL_TARGET static inline void NDL_HOP(fetch)(const ndl_hop_space *space, uint32_t ordinal) {
  const uint8_t *row = space->codes + (size_t)ordinal * space->blocks * 64;
  uint32_t lines = space->blocks < NDL_LINES_AHEAD ? space->blocks : NDL_LINES_AHEAD;
  for (uint32_t line = 0; line < lines; line++) __builtin_prefetch(row + line * 64, 0, 3);
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

NDL_TARGET static void NDL_HOP(score)(
    const ndl_hop_space *space, const ndl_hop_query *query, uint32_t *ordinals, uint32_t n,
    ndl_key *keys) {
  if (n == 0) return;
  int32_t dots[64 + 4];
  const size_t stride = (size_t)space->blocks * 64;
  for (uint32_t i = 0; i < 4; i++) ordinals[n + i] = ordinals[n - 1];
  for (uint32_t i = 0; i < n && i < NDL_ROWS_AHEAD; i++) NDL_HOP(fetch)(space, ordinals[i]);
  for (uint32_t start = 0; start < n; start += 64) {
    uint32_t part = n - start < 64 ? n - start : 64;
    const uint32_t *list = ordinals + start;
    for (uint32_t i = 0; i < part; i += 4) {
      for (uint32_t j = i + NDL_ROWS_AHEAD; j < i + NDL_ROWS_AHEAD + 4; j++)
        if (start + j < n) NDL_HOP(fetch)(space, list[j]);
      NDL_HOP(dots4)(
          space->codes + list[i] * stride, space->codes + list[i + 1] * stride,
          space->codes + list[i + 2] * stride, space->codes + list[i + 3] * stride, query->code,
          space->blocks, dots + i);
    }
    NDL_HOP(finish)(space, query, list, dots, part, keys + start);
  }
}

NDL_TARGET static uint64_t NDL_HOP(expand)(
    const ndl_hop_space *space, const ndl_hop_query *query, const uint32_t *links, uint32_t degree,
    uint64_t *visited, uint64_t epoch, ndl_key threshold, uint32_t *ordinals, ndl_key *keys) {
  uint32_t n = ndl_hop_collect(links, degree, space->count, visited, epoch, ordinals);
  NDL_HOP(score)(space, query, ordinals, n, keys);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++) {
    ndl_key key = keys[i];
    keys[kept] = key;
    kept += key < threshold;
  }
  return (uint64_t)n << 32 | kept;
}

// Sorts up to 64 distinct keys by counting, for each, how many are lower: more comparisons than an
// insertion sort, and none that a processor could guess wrong.
enum { NDL_SORT_LIMIT = 64 };

NDL_TARGET static inline void NDL_HOP(sort)(ndl_key *keys, uint32_t n) {
  ndl_key sorted[NDL_SORT_LIMIT];
  uint32_t padded = (n + 7) & ~7u;
  for (uint32_t i = n; i < padded; i++) keys[i] = ~(ndl_key)0;
  for (uint32_t i = 0; i < n; i++) {
    ndl_key key = keys[i];
    uint64_t rank = 0;
    for (uint32_t j = 0; j < padded; j++) rank += keys[j] < key;
    sorted[rank] = key;
  }
  memcpy(keys, sorted, n * sizeof(ndl_key));
}

NDL_TARGET static int32_t NDL_HOP(step)(
    const ndl_hop_space *space, const ndl_hop_query *query, const ndl_hop_links *links,
    ndl_hop_walk *walk) {
  ndl_key *pool = walk->pool;
  uint32_t size = walk->size, cursor = walk->cursor;
  if (cursor >= size) return -1;
  ndl_key key = pool[cursor];
  pool[cursor] = key | 1;
  // The runner-up is next about every other time: its links are on their way while this row is scored.
  do cursor++;
  while (cursor < size && (pool[cursor] & 1));
  if (cursor < size) ndl_prefetch_lines(links->rows + (size_t)(pool[cursor] >> 1 & 0x7fffffff) * links->degree);
  const uint32_t *row = links->rows + (size_t)(key >> 1 & 0x7fffffff) * links->degree;
  uint32_t n = ndl_hop_collect(
      row, links->degree, links->count, walk->visited, walk->epoch, walk->ordinals);
  ndl_key *keys = walk->keys;
  NDL_HOP(score)(space, query, walk->ordinals, n, keys);
  ndl_key threshold = size == walk->capacity ? pool[size - 1] : ~(ndl_key)0;
  ndl_key nearest = ~(ndl_key)0;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++) {
    ndl_key fresh = keys[i];
    keys[kept] = fresh;
    kept += fresh < threshold;
    nearest = fresh < nearest ? fresh : nearest;
  }
  if (kept > 0) {
    if (cursor >= size || nearest < pool[cursor])
      ndl_prefetch_lines(links->rows + (size_t)(nearest >> 1 & 0x7fffffff) * links->degree);
    uint32_t lowest;
    if (kept <= NDL_SORT_LIMIT) {
      NDL_HOP(sort)(keys, kept);
      size = ndl_pool_merge_sorted(pool, size, walk->capacity, keys, kept, &lowest);
    } else {
      size = ndl_pool_merge(pool, size, walk->capacity, keys, kept, &lowest);
    }
    if (lowest < cursor) cursor = lowest;
    while (cursor < size && (pool[cursor] & 1)) cursor++;
    walk->size = size;
  }
  walk->cursor = cursor;
  return (int32_t)n;
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
  NDL_HOP(score), NDL_HOP(expand), NDL_HOP(step), NDL_HOP(flip)
};
