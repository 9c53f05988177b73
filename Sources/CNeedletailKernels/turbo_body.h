// One hop over rows with their neighbours' bits, compiled once per instruction set. The including file
// defines NDL_TARGET, NDL_HOP (a name maker), `dot` (the product of a code with the query) and `scan`: the
// estimates of 32 neighbours, and a mask of those below a limit.

#include "pool_body.h"

#include "include/ndl_turbo.h"

NDL_TARGET static inline uint32_t NDL_HOP(order)(float value) {
  union { float f; int32_t i; } bits = { value };
  uint32_t order = (uint32_t)(bits.i ^ ((bits.i >> 31) & 0x7fffffff)) ^ 0x80000000u;
  // What is no number comes last, whatever its sign.
  return value == value ? order : 0xffffffffu;
}

// The estimate that a key stands for; all that is beyond numbers is infinity.
NDL_TARGET static inline float NDL_HOP(value)(ndl_key key) {
  uint32_t order = (uint32_t)(key >> 32);
  if (order > 0xff800000u) order = 0xff800000u;
  int32_t i = (int32_t)(order ^ 0x80000000u);
  union { int32_t i; float f; } bits = { i ^ ((i >> 31) & 0x7fffffff) };
  return bits.f;
}

NDL_TARGET static inline const uint8_t *NDL_HOP(row)(
    const ndl_hop_space *space, uint32_t ordinal) {
  return space->codes + (size_t)ordinal * ndl_turbo_stride(space->blocks, space->degree);
}

NDL_TARGET static inline void NDL_HOP(fetch_row)(const ndl_hop_space *space, ndl_key key) {
  const uint8_t *row = NDL_HOP(row)(space, (uint32_t)key >> 1);
  size_t stride = ndl_turbo_stride(space->blocks, space->degree);
  // The processor goes on by itself behind so many lines.
  size_t end = stride < 40 * 64 ? stride : 40 * 64;
  __builtin_prefetch(row + stride - 64, 0, 3);
  for (size_t at = 0; at < end; at += 64) __builtin_prefetch(row + at, 0, 3);
}

// The squared distance between the query and a row, by the row's own code.
NDL_TARGET static inline float NDL_HOP(own)(
    const ndl_hop_space *space, const ndl_hop_query *query, const uint8_t *row) {
  float terms[2];
  memcpy(terms, row + ndl_turbo_terms_at(space->blocks, space->degree), sizeof terms);
  int32_t dot = NDL_HOP(dot)(row, query->code, space->blocks) - query->zero;
  float factor = query->scale * terms[0];
  float product = factor * (float)dot;
  float sum = query->norm + terms[1];
  return sum - product;
}

NDL_TARGET static ndl_key NDL_HOP(nearest)(
    const ndl_hop_space *space, const ndl_hop_query *query, uint32_t n, uint32_t except) {
  ndl_key nearest = ~(ndl_key)0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t order = NDL_HOP(order)(NDL_HOP(own)(space, query, NDL_HOP(row)(space, i)));
    if (i == except) order = 0xffffffffu;
    ndl_key key = (ndl_key)order << 32 | (ndl_key)i << 1;
    nearest = key < nearest ? key : nearest;
  }
  return nearest;
}

NDL_TARGET static void NDL_HOP(rescore)(
    const ndl_hop_space *space, const ndl_hop_query *query, ndl_key *keys, uint32_t n) {
  const size_t code = (size_t)space->blocks * 64;
  const size_t terms = ndl_turbo_terms_at(space->blocks, space->degree);
  // Asked for some rows before they are read.
  enum { AHEAD = 4 };
  for (uint32_t i = 0; i < n + AHEAD; i++) {
    if (i < n) {
      const uint8_t *row = NDL_HOP(row)(space, (uint32_t)keys[i] >> 1);
      for (size_t at = 0; at < code; at += 64) __builtin_prefetch(row + at, 0, 3);
      __builtin_prefetch(row + terms, 0, 3);
    }
    if (i < AHEAD) continue;
    uint32_t ordinal = (uint32_t)keys[i - AHEAD] >> 1;
    float own = NDL_HOP(own)(space, query, NDL_HOP(row)(space, ordinal));
    keys[i - AHEAD] = (ndl_key)NDL_HOP(order)(own) << 32 | (ndl_key)ordinal << 1;
  }
}

NDL_TARGET static int32_t NDL_HOP(gather)(
    const ndl_hop_space *space, const ndl_hop_links *links, ndl_hop_walk *walk) {
  (void)links;
  ndl_key *pool = walk->pool;
  uint32_t cursor = walk->cursor, size = ndl_hop_end(walk);
  if (cursor >= size) return -1;
  ndl_key key = pool[cursor];
  if (key >= walk->end) return -1;
  pool[cursor] = key | 1;
  cursor = NDL_HOP(next_open)(pool, cursor + 1, size);
  walk->cursor = cursor;
  walk->row = (uint32_t)key >> 1;
  walk->rounds++;
  walk->hops++;
  walk->gathered = space->degree;
  // The runner-up is next about every other time.
  if (cursor < size && pool[cursor] < walk->end) NDL_HOP(fetch_row)(space, pool[cursor]);
  return (int32_t)space->degree + 1;
}

// Remembers an expanded row if it is among the nearest of them.
NDL_TARGET static inline void NDL_HOP(remember)(ndl_hop_walk *walk, ndl_key key) {
  ndl_key *best = walk->best;
  uint32_t size = walk->best_size;
  if (size == walk->best_capacity) {
    if (key >= best[size - 1]) return;
    size--;
  }
  uint32_t at = NDL_HOP(place)(best, size, key);
  memmove(best + at + 1, best + at, (size - at) * sizeof key);
  best[at] = key;
  walk->best_size = size + 1;
  if (walk->stop > 0 && walk->best_size >= walk->least) {
    float last = NDL_HOP(value)(best[walk->least - 1]);
    float distance = last + walk->base > 0 ? last + walk->base : 0;
    // Near copies are no farther apart than rounding leads astray: not the first few of them are the nearest.
    float reach = walk->stop * distance > walk->floor ? walk->stop * distance : walk->floor;
    uint32_t order = NDL_HOP(order)(last + reach);
    walk->end = order == 0xffffffffu ? ~(ndl_key)0 : ((ndl_key)order + 1) << 32;
    // A walk whose end may be moved keeps what is behind it.
    walk->edge = walk->noise < __builtin_inff() ? walk->end : ~(ndl_key)0;
  }
}

// Takes those of 32 neighbours into the pool that are near enough and were not seen before.
NDL_TARGET static inline void NDL_HOP(admit)(
    ndl_hop_walk *walk, const uint8_t *ordinals, const float *estimates, uint32_t mask,
    uint32_t count) {
  ndl_key *keys = walk->keys;
  const uint64_t tag = walk->epoch << NDL_ROWS_PER_VISITED_WORD;
  uint32_t kept = 0;
  for (; mask != 0; mask &= mask - 1) {
    uint32_t i = (uint32_t)__builtin_ctz(mask), ordinal;
    memcpy(&ordinal, ordinals + i * 4, 4);
    if (ordinal >= count) break;
    uint64_t *word = walk->visited + ordinal / NDL_ROWS_PER_VISITED_WORD;
    uint32_t bit = ordinal % NDL_ROWS_PER_VISITED_WORD;
    uint64_t seen = tag | (*word & ndl_mask(*word >> NDL_ROWS_PER_VISITED_WORD == walk->epoch));
    keys[kept] = (ndl_key)NDL_HOP(order)(estimates[i]) << 32 | (ndl_key)ordinal << 1;
    kept += ~(uint32_t)(seen >> bit) & 1;
    *word = seen | 1ull << bit;
  }
  if (kept == 0) return;
  uint32_t lowest;
  walk->size = NDL_HOP(merge)(walk->pool, walk->size, walk->capacity, keys, kept, &lowest);
  if (lowest < walk->cursor) walk->cursor = lowest;
}

// The same, and remembers those of them that are in the walk's set, up to the key `last`; into the pool go keys
// below `threshold`.
NDL_TARGET static inline void NDL_HOP(admit_passing)(
    ndl_hop_walk *walk, const uint8_t *ordinals, const float *estimates, uint32_t mask,
    uint32_t count, ndl_key threshold, ndl_key last) {
  ndl_key *keys = walk->keys, members[NDL_TURBO_LANES + NDL_HOP_SLACK];
  const uint64_t tag = walk->epoch << NDL_ROWS_PER_VISITED_WORD;
  uint32_t kept = 0, found = 0, lowest;
  for (; mask != 0; mask &= mask - 1) {
    uint32_t i = (uint32_t)__builtin_ctz(mask), ordinal;
    memcpy(&ordinal, ordinals + i * 4, 4);
    if (ordinal >= count) break;
    const ndl_key key = (ndl_key)NDL_HOP(order)(estimates[i]) << 32 | (ndl_key)ordinal << 1;
    const uint32_t near = key < threshold;
    const uint32_t member = (key < last) & ndl_in_set(walk->set, ordinal);
    // What is not taken, as most are not, is not marked: the bits of another row may put it nearer.
    if (!(near | member)) continue;
    uint64_t *word = walk->visited + ordinal / NDL_ROWS_PER_VISITED_WORD;
    uint32_t bit = ordinal % NDL_ROWS_PER_VISITED_WORD;
    uint64_t seen = tag | (*word & ndl_mask(*word >> NDL_ROWS_PER_VISITED_WORD == walk->epoch));
    const uint32_t fresh = ~(uint32_t)(seen >> bit) & 1;
    keys[kept] = key;
    kept += near & fresh;
    members[found] = key;
    found += member & fresh;
    *word = seen | 1ull << bit;
  }
  if (found > 0)
    walk->found_size = NDL_HOP(merge_long)(
        walk->found, walk->found_size, walk->found_capacity, members, found, &lowest);
  if (kept == 0) return;
  walk->size = NDL_HOP(merge_long)(walk->pool, walk->size, walk->capacity, keys, kept, &lowest);
  if (lowest < walk->cursor) walk->cursor = lowest;
}

// Remembers an expanded row of a set; without an end by distance the walk ends behind the `rank`-th.
NDL_TARGET static inline void NDL_HOP(remember_among)(ndl_hop_walk *walk, ndl_key key) {
  if (!ndl_in_set(walk->set, (uint32_t)key >> 1)) return;
  NDL_HOP(remember)(walk, key);
  if (walk->stop > 0 || walk->best_size < walk->rank) return;
  const ndl_key last = walk->best[walk->rank - 1];
  walk->end = last >> 32 == 0xffffffffu ? ~(ndl_key)0 : ((last >> 32) + 1) << 32;
  walk->edge = walk->end;
}

// What a hop does besides; constant where it is inlined.
enum { NDL_TURBO_ALL = 0, NDL_TURBO_AMONG = 1, NDL_TURBO_PASSING = 2 };

// A hop.
NDL_TARGET static inline __attribute__((always_inline)) void NDL_HOP(settle_row)(
    const ndl_hop_space *space, const ndl_hop_query *query, const ndl_hop_links *links,
    ndl_hop_walk *walk, int kind) {
  const uint32_t blocks = space->blocks, degree = space->degree;
  const uint8_t *row = NDL_HOP(row)(space, walk->row);
  walk->gathered = 0;
  float own = NDL_HOP(own)(space, query, row);
  const ndl_key expanded = (ndl_key)NDL_HOP(order)(own) << 32 | (ndl_key)walk->row << 1;
  if (kind == NDL_TURBO_AMONG) NDL_HOP(remember_among)(walk, expanded);
  else NDL_HOP(remember)(walk, expanded);
  const uint8_t *bits = row + (size_t)blocks * 64;
  const uint8_t *factors = row + ndl_turbo_factors_at(blocks, degree);
  const uint8_t *ordinals = row + ndl_turbo_links_at(blocks, degree);
  if (kind == NDL_TURBO_PASSING)
    NDL_HOP(fetch_members)(walk->set, (const uint32_t *)ordinals, degree, links->count);
  for (uint32_t part = 0; part < degree; part += NDL_TURBO_LANES) {
    float estimates[NDL_TURBO_LANES];
    ndl_key threshold = walk->size == walk->capacity ? walk->pool[walk->size - 1] : ~(ndl_key)0;
    ndl_key wanted = walk->edge < threshold ? walk->edge : threshold, last = 0;
    if (kind == NDL_TURBO_PASSING) {
      last = walk->found_size == walk->found_capacity ? walk->found[walk->found_size - 1]
                                                      : ~(ndl_key)0;
      threshold = wanted;
      wanted = last > wanted ? last : wanted;
    }
    float limit = NDL_HOP(value)(wanted);
    uint32_t mask = NDL_HOP(scan)(
        bits + (size_t)part * blocks * 8, blocks * 16, query, factors + part * 4, own, limit,
        estimates);
    if (kind == NDL_TURBO_PASSING)
      NDL_HOP(admit_passing)(
          walk, ordinals + part * 4, estimates, mask, links->count, threshold, last);
    else
      NDL_HOP(admit)(walk, ordinals + part * 4, estimates, mask, links->count);
  }
  uint32_t size = walk->size, cursor = NDL_HOP(next_open)(walk->pool, walk->cursor, size);
  walk->cursor = cursor;
  if (cursor < size && walk->pool[cursor] < walk->end) NDL_HOP(fetch_row)(space, walk->pool[cursor]);
}

NDL_TARGET static void NDL_HOP(settle)(
    const ndl_hop_space *space, const ndl_hop_query *query, const ndl_hop_links *links,
    ndl_hop_walk *walk) {
  NDL_HOP(settle_row)(space, query, links, walk, NDL_TURBO_ALL);
}

NDL_TARGET static void NDL_HOP(settle_among)(
    const ndl_hop_space *space, const ndl_hop_query *query, const ndl_hop_links *links,
    ndl_hop_walk *walk) {
  NDL_HOP(settle_row)(space, query, links, walk, NDL_TURBO_AMONG);
}

NDL_TARGET static void NDL_HOP(settle_passing)(
    const ndl_hop_space *space, const ndl_hop_query *query, const ndl_hop_links *links,
    ndl_hop_walk *walk) {
  NDL_HOP(settle_row)(space, query, links, walk, NDL_TURBO_PASSING);
}

NDL_TARGET static inline uint32_t NDL_HOP(append_rows)(
    const ndl_hop_space *space, const ndl_hop_query *query, ndl_hop_scan *scan, uint32_t size,
    const uint32_t *ordinals, uint32_t n) {
  ndl_key keys[NDL_SET_ROOM];
  for (uint32_t i = 0; i < n; i++) {
    float own = NDL_HOP(own)(space, query, NDL_HOP(row)(space, ordinals[i]));
    keys[i] = (ndl_key)NDL_HOP(order)(own) << 32 | (ndl_key)ordinals[i] << 1;
  }
  return NDL_HOP(append)(scan->pool, size, keys, n, scan->threshold);
}

NDL_TARGET static void NDL_HOP(scan_set)(
    const ndl_hop_space *space, const ndl_hop_query *query, ndl_hop_scan *scan) {
  const size_t code = (size_t)space->blocks * 64;
  const size_t terms = ndl_turbo_terms_at(space->blocks, space->degree);
  const uint32_t most =
      NDL_SET_BYTES / (code + 64) < 16 ? 16 : (uint32_t)(NDL_SET_BYTES / (code + 64));
  // While the codes and terms of one block are on their way, the one before it is scored.
  uint32_t ordinals[2][NDL_SET_ROOM], n = 0, before = 0, which = 0;
  uint32_t word = scan->at, size = scan->size;
  for (; word < scan->words && size < scan->room; word++) {
    uint32_t *block = ordinals[which];
    for (uint64_t left = scan->set[word]; left != 0; left &= left - 1) {
      uint32_t ordinal = word * 64 + (uint32_t)__builtin_ctzll(left);
      const uint8_t *row = NDL_HOP(row)(space, ordinal);
      for (size_t at = 0; at < code; at += 64) __builtin_prefetch(row + at, 0, 3);
      __builtin_prefetch(row + terms, 0, 3);
      block[n++] = ordinal;
    }
    if (n < most) continue;
    size = NDL_HOP(append_rows)(space, query, scan, size, ordinals[which ^ 1], before);
    before = n;
    n = 0;
    which ^= 1;
  }
  size = NDL_HOP(append_rows)(space, query, scan, size, ordinals[which ^ 1], before);
  scan->size = NDL_HOP(append_rows)(space, query, scan, size, ordinals[which], n);
  scan->at = word;
}

// Only sums, products and comparisons of single components, in this order: the same on every machine.
NDL_TARGET static void NDL_HOP(table)(
    const float *x, uint32_t d, uint32_t blocks, uint8_t *table, float *scale, float *base) {
  const uint32_t groups = blocks * 16;
  float widest = 0, low = 0, sum = 0;
  for (uint32_t g = 0; g < groups; g++) {
    float width = 0;
    for (uint32_t j = 4 * g; j < 4 * g + 4 && j < d; j++) {
      width += x[j] < 0 ? -x[j] : x[j];
      low += x[j] < 0 ? x[j] : 0;
      sum += x[j];
    }
    widest = width > widest ? width : widest;
  }
  memset(table, 0, (size_t)groups * 16);
  *scale = 0;
  *base = 2 * low - sum;
  // Nothing to tell apart; or out of what floats can hold.
  if (!(widest > 1e-30f && widest < 1e30f)) return;
  // Sixteen bits hold the sum of all groups.
  float most = (float)(groups * 255 < 65536 ? 255 : 65535 / groups);
  float inverse = most / widest;
  *scale = 2 / inverse;
  for (uint32_t g = 0; g < groups; g++) {
    float entries[16];
    float lowest = 0;
    for (uint32_t j = 4 * g; j < 4 * g + 4 && j < d; j++) lowest += x[j] < 0 ? x[j] : 0;
    entries[0] = -lowest;
    for (uint32_t j = 0; j < 4; j++) {
      float component = 4 * g + j < d ? x[4 * g + j] : 0;
      for (uint32_t p = 0; p < 1u << j; p++) entries[p + (1u << j)] = entries[p] + component;
    }
    for (uint32_t p = 0; p < 16; p++) {
      float entry = entries[p] * inverse + 0.5f;
      float bounded = entry > 0 ? entry : 0;
      table[16 * g + p] = (uint8_t)(int32_t)(bounded < most ? bounded : most);
    }
  }
}

const ndl_turbo_kernels NDL_HOP(kernels) = {
  .gather = NDL_HOP(gather),
  .settle = NDL_HOP(settle),
  .nearest = NDL_HOP(nearest),
  .table = NDL_HOP(table),
  .rescore = NDL_HOP(rescore),
  .settle_among = NDL_HOP(settle_among),
  .scan_set = NDL_HOP(scan_set),
  .settle_passing = NDL_HOP(settle_passing),
};
