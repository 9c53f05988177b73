// One hop of the graph walk: visited test, scoring on codes, ordering. Driven by Swift, one call a hop.
//
// Codes are int8 components stored as bytes with 128 added, in blocks of 64; padding is 128 (a zero
// component). A query code is plain int8, padded with zeros. Every product is an exact int32; what
// follows it is integer or fixed-order float arithmetic without contraction, so that a build gives the
// same bytes on every instruction set.
#ifndef NDL_HOP_H
#define NDL_HOP_H

#include <stddef.h>
#include <stdint.h>

// How a product becomes a key. `dot` is the exact product of the two int8 codes plus `zero`.
typedef enum ndl_finish {
  // key = -dot. No terms.
  NDL_FINISH_PRODUCT = 0,
  // key = norm - 2 dot + offset. Terms: int32 squared norm of the row's code.
  NDL_FINISH_NORM = 1,
  // key = norm_scale * norm - scale * (dot - zero), a float. Terms as above.
  NDL_FINISH_SCALED_NORM = 2,
  // key = bias - scale * factor * (dot - zero), a float. Terms: float factor, float bias.
  NDL_FINISH_FACTOR = 3,
  // key = (norm + query norm) - 2 factor * query factor * (dot - zero) + (delta - query delta)^2, a
  // float. Terms: float factor, norm, delta, unused. Used between rows, when links are chosen.
  NDL_FINISH_REDUCED = 4,
} ndl_finish;

// Rows that can be scored.
typedef struct ndl_hop_space {
  const uint8_t *_Nonnull codes;  // rows, `blocks * 64` bytes apart
  const void *_Nullable terms;    // see ndl_finish
  uint32_t count;                 // rows; an ordinal at or over it ends a list of links
  uint32_t blocks;                // 64-byte blocks per code
  ndl_finish finish;
} ndl_hop_space;

// What the rows are scored against.
typedef struct ndl_hop_query {
  const int8_t *_Nonnull code;  // blocks * 64 components
  int32_t zero;                 // 128 * (sum of the query's components)
  int32_t offset;
  float scale;
  float norm_scale;
  float factor;
  float norm;
  float delta;
} ndl_hop_query;

// A key orders candidates: bits 63...32 an ascending order of the estimate, 31...1 the ordinal,
// bit 0 set once the candidate was expanded.
typedef uint64_t ndl_key;

// Visited words hold 48 rows each, under a 16-bit epoch in the upper bits.
enum { NDL_ROWS_PER_VISITED_WORD = 48, NDL_HOP_SLACK = 16 };

// Scores rows by ordinal. `ordinals` must have NDL_HOP_SLACK writable entries past n, `keys` too.
// Every ordinal must be < count.
typedef void (*ndl_hop_score_fn)(
    const ndl_hop_space *_Nonnull space, const ndl_hop_query *_Nonnull query,
    uint32_t *_Nonnull ordinals, uint32_t n, ndl_key *_Nonnull keys);

// Marks the unvisited among `links` (up to the first ordinal >= count) visited, scores them, and
// leaves the keys below `threshold` in `keys`. Returns (rows scored << 32) | keys left.
// `ordinals` and `keys` have room for degree + NDL_HOP_SLACK entries.
typedef uint64_t (*ndl_hop_expand_fn)(
    const ndl_hop_space *_Nonnull space, const ndl_hop_query *_Nonnull query,
    const uint32_t *_Nonnull links, uint32_t degree, uint64_t *_Nonnull visited, uint64_t epoch,
    ndl_key threshold, uint32_t *_Nonnull ordinals, ndl_key *_Nonnull keys);

// The links of one level: rows of `degree` ordinals.
typedef struct ndl_hop_links {
  const uint32_t *_Nonnull rows;
  uint32_t degree;
  uint32_t count;  // rows; an ordinal at or over it ends a row
} ndl_hop_links;

// A walk under way. `pool` is ascending; what stands before `cursor` was expanded.
typedef struct ndl_hop_walk {
  ndl_key *_Nonnull pool;
  uint32_t capacity;
  uint32_t size;
  uint32_t cursor;
  uint64_t *_Nonnull visited;
  uint64_t epoch;
  uint32_t *_Nonnull ordinals;  // room for degree + NDL_HOP_SLACK
  ndl_key *_Nonnull keys;       // room for degree + NDL_HOP_SLACK
} ndl_hop_walk;

// One hop: expands the nearest candidate that was not expanded, and merges what is near enough into the
// pool. Returns the rows scored, or -1 when there is nothing left to expand.
typedef int32_t (*ndl_hop_step_fn)(
    const ndl_hop_space *_Nonnull space, const ndl_hop_query *_Nonnull query,
    const ndl_hop_links *_Nonnull links, ndl_hop_walk *_Nonnull walk);

// Turns a row's code into a query's: takes the 128 off. Returns the sum of the components.
typedef int32_t (*ndl_hop_flip_fn)(
    const uint8_t *_Nonnull row, int8_t *_Nonnull query, uint32_t blocks);

typedef struct ndl_hop_kernels {
  ndl_hop_score_fn _Nonnull score;
  ndl_hop_expand_fn _Nonnull expand;
  ndl_hop_step_fn _Nonnull step;
  ndl_hop_flip_fn _Nonnull flip;
} ndl_hop_kernels;

// The kernels of a level (an ndl_level), or of the next lower one that this build has.
const ndl_hop_kernels *_Nonnull ndl_hop_kernels_for(int level);

// Asks for the line at an address and the one behind it.
static inline void ndl_prefetch_lines(const void *_Nonnull address) {
  __builtin_prefetch(address, 0, 3);
  __builtin_prefetch((const char *)address + 64, 0, 3);
}

// Collects and marks the unvisited among `links`; for walks on other rows than codes.
uint32_t ndl_hop_collect(
    const uint32_t *_Nonnull links, uint32_t degree, uint32_t count, uint64_t *_Nonnull visited,
    uint64_t epoch, uint32_t *_Nonnull ordinals);

// Packs float estimates and ordinals into keys, and keeps those below `threshold`.
uint32_t ndl_hop_pack(
    const float *_Nonnull estimates, const uint32_t *_Nonnull ordinals, uint32_t n,
    ndl_key threshold, ndl_key *_Nonnull keys);

// Merges `n` keys (any order; sorted in place) into the ascending `pool` of `size` <= `capacity` keys,
// keeping the lowest `capacity`. Returns the new size; `*lowest` is the first position that changed.
uint32_t ndl_pool_merge(
    ndl_key *_Nonnull pool, uint32_t size, uint32_t capacity, ndl_key *_Nonnull keys, uint32_t n,
    uint32_t *_Nonnull lowest);

// The same for keys that ascend already.
uint32_t ndl_pool_merge_sorted(
    ndl_key *_Nonnull pool, uint32_t size, uint32_t capacity, const ndl_key *_Nonnull keys,
    uint32_t n, uint32_t *_Nonnull lowest);

// Applies four rounds of sign flips, fast Hadamard transform and Kac steps in place: an orthogonal
// transform of `d` components. `signs` has 4 * ceil(d/8) bytes. Fixed-order arithmetic: the same bits
// on every machine.
void ndl_rotate_f32(float *_Nonnull x, size_t d, const uint8_t *_Nonnull signs);

// codes[j] = 128 + clamp(round-half-away(x[j] * inverse), -127, 127), for j < d. Returns the number
// clamped.
size_t ndl_encode_f32(const float *_Nonnull x, size_t d, float inverse, uint8_t *_Nonnull codes);

// The sum, and the sum of squares, of int8 components.
int32_t ndl_code_sum(const int8_t *_Nonnull code, size_t d);
int32_t ndl_code_squared_norm(const int8_t *_Nonnull code, size_t d);

#endif
