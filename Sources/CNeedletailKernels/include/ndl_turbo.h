// Rows that hold, beside their own code, one bit per component of each of their neighbours: one read in
// sequence a hop instead of one at random per neighbour.
//
// A row, for `degree` links (a multiple of 32), all parts at multiples of 64 bytes:
//
//   blocks * 64              the row's own code, as in ndl_hop.h
//   blocks * 8 * degree      the bits: for every 32 links, for every 4 components, 16 bytes; in byte i the
//                            low nibble is of link i, the high one of link 16 + i, and bit j of a nibble is
//                            set where component j of the neighbour is above the row's own
//   4 * degree               for every link, in bfloat16, the factor (low half) and the sum (high half)
//   4 * degree               the links' ordinals
//   64                       float factor, float squared norm of the own code; zeros
//
// With b = +1 or -1 by the bits, r = neighbour - row, F = |r|^2 / <b, r>, the squared distance of a query q
// from the neighbour is estimated as |q - row|^2 + sum + factor * <b, q>, where factor = -2 F and
// sum = |r|^2 + 2 F <b, row>. Of q, one table for all rows holds what four components come to under each
// of their sixteen choices of bits.
#ifndef NDL_TURBO_H
#define NDL_TURBO_H

#include "ndl_hop.h"

enum { NDL_TURBO_LANES = 32 };

static inline size_t ndl_turbo_factors_at(uint32_t blocks, uint32_t degree) {
  return (size_t)blocks * 64 + (size_t)blocks * 8 * degree;
}
static inline size_t ndl_turbo_links_at(uint32_t blocks, uint32_t degree) {
  return ndl_turbo_factors_at(blocks, degree) + (size_t)degree * 4;
}
static inline size_t ndl_turbo_terms_at(uint32_t blocks, uint32_t degree) {
  return ndl_turbo_links_at(blocks, degree) + (size_t)degree * 4;
}
static inline size_t ndl_turbo_stride(uint32_t blocks, uint32_t degree) {
  return ndl_turbo_terms_at(blocks, degree) + 64;
}

// Fills the `blocks * 256` bytes of a query's table from its `d` <= blocks * 64 components. `<b, q>` is
// then `*base + *scale * sum` for the sum of the entries that the bits choose, which is below 65 536.
typedef void (*ndl_turbo_table_fn)(
    const float *_Nonnull x, uint32_t d, uint32_t blocks, uint8_t *_Nonnull table,
    float *_Nonnull scale, float *_Nonnull base);

// Gives keys the estimates that the rows they stand for have by their own codes. Every ordinal must be
// < count. What was expanded is not marked any more.
typedef void (*ndl_turbo_rescore_fn)(
    const ndl_hop_space *_Nonnull space, const ndl_hop_query *_Nonnull query, ndl_key *_Nonnull keys,
    uint32_t n);

// As the functions of the same names in ndl_hop.h, on such rows. A hop scores the row itself, and its
// links; `gather` returns degree + 1. A link at or over `count` that is estimated near enough ends its 32
// places; the next 32 of the row are looked at all the same.
typedef struct ndl_turbo_kernels {
  ndl_hop_gather_fn _Nonnull gather;
  ndl_hop_settle_fn _Nonnull settle;
  ndl_hop_nearest_fn _Nonnull nearest;
  ndl_turbo_table_fn _Nonnull table;
  ndl_turbo_rescore_fn _Nonnull rescore;
  ndl_hop_settle_fn _Nonnull settle_among;
  ndl_hop_scan_fn _Nonnull scan_set;
  // As `settle`, and remembers in `found` the neighbours that are in the set, by their bits: those too that
  // are not near enough for the pool.
  ndl_hop_settle_fn _Nonnull settle_passing;
} ndl_turbo_kernels;

// The kernels of a level (an ndl_level), or of the next lower one that this build has.
const ndl_turbo_kernels *_Nonnull ndl_turbo_kernels_for(int level);

// Writes one neighbour into a row: its bits at place `place` < 32 of `bits` (blocks * 256 bytes, zeros at
// that place before). Returns the sum and the factor, both 0 where bfloat16 cannot hold one of them.
// Components stand for `factor` times their code.
uint32_t ndl_turbo_link(
    const uint8_t *_Nonnull row, float row_factor, const uint8_t *_Nonnull neighbor,
    float neighbor_factor, uint32_t blocks, uint32_t place, uint8_t *_Nonnull bits);

#endif
