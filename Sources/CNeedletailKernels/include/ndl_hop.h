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

// How a product becomes a key. `dot` is the exact product of the two codes plus `zero`.
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

// How much of a component a walk reads.
typedef enum ndl_width {
  // A byte a component: `blocks * 64` bytes a row.
  NDL_WIDTH_BYTES = 0,
  // The upper four bits of a component: `blocks * 32` bytes a row. A line of 64 bytes holds 128
  // components, byte i the components i (low nibble) and 64 + i; the last 32 bytes of an odd number of
  // blocks hold 64 components, byte i the components i and 32 + i. A nibble stands for the middle of its
  // sixteen values: v * 16 + 8 - 128.
  NDL_WIDTH_NIBBLES = 1,
  // Both halves of every component, the lower four bits in rows of their own: v = 16 * upper + lower.
  NDL_WIDTH_SPLIT = 2,
} ndl_width;

// Rows that can be scored.
typedef struct ndl_hop_space {
  const uint8_t *_Nonnull codes;
  const uint8_t *_Nullable lower;  // the lower nibbles of NDL_WIDTH_SPLIT
  const void *_Nullable terms;     // see ndl_finish
  uint32_t count;                  // rows; an ordinal at or over it ends a list of links
  uint32_t blocks;                 // 64 components each
  ndl_finish finish;
  ndl_width width;
  uint32_t degree;                 // links in a row of ndl_turbo.h; 0: `codes` are codes alone
} ndl_hop_space;

// What the rows are scored against.
typedef struct ndl_hop_query {
  const int8_t *_Nonnull code;  // blocks * 64 components
  int32_t zero;                 // sum of the query's components, 128 times, or 120 times for nibbles
  int32_t offset;
  float scale;
  float norm_scale;
  float factor;
  float norm;
  float delta;
  // Of rows with their neighbours' bits: what four components with each choice of signs come to.
  const uint8_t *_Nullable table;
  float table_scale;
  float table_base;
} ndl_hop_query;

// A key orders candidates: bits 63...32 an ascending order of the estimate, 31...1 the ordinal,
// bit 0 set once the candidate was expanded.
typedef uint64_t ndl_key;

// Visited words hold 48 rows each, under a 16-bit epoch in the upper bits.
// A round of a walk expands up to NDL_BREADTH candidates; of one that passes rows, NDL_PASSING_BREADTH. A scan that
// pauses goes beyond its room by fewer than NDL_SCAN_SLACK keys.
enum {
  NDL_ROWS_PER_VISITED_WORD = 48,
  NDL_HOP_SLACK = 16,
  NDL_BREADTH = 4,
  NDL_PASSING_BREADTH = 8,
  NDL_SCAN_SLACK = 640,
};

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

// A walk under way. `pool` is ascending; what stands before `cursor` was expanded. The walk ends when the
// nearest `window` were and the pool holds `least`; it keeps `capacity`.
typedef struct ndl_hop_walk {
  ndl_key *_Nonnull pool;  // room for capacity + breadth * degree + NDL_HOP_SLACK
  uint32_t capacity;
  uint32_t window;
  uint32_t least;
  // Ends the walk, too, once the next candidate is farther than the `least`-th by more than `stop` times
  // the distance of that one, which is its estimate plus `base`, and by more than `floor`. 0: never. What is
  // farther than that, and farther than `sqrt(blur * distance + noise)`, by which rounding may mislead, is not
  // kept either.
  float stop;
  float floor;
  float base;
  float blur;
  float noise;
  ndl_key end;   // the first key that ends the walk; all ones as long as there is none
  ndl_key edge;  // the first key that is not kept
  uint32_t size;
  uint32_t cursor;
  uint64_t *_Nonnull visited;
  uint64_t epoch;
  uint32_t *_Nonnull ordinals;  // room for breadth * degree + NDL_HOP_SLACK
  ndl_key *_Nonnull keys;       // room for breadth * degree + NDL_HOP_SLACK
  uint32_t gathered;            // rows in `ordinals` that were not scored yet
  uint32_t breadth;             // the most candidates that a round expands, from 1
  uint32_t rounds;              // done so far
  uint32_t hops;                // candidates expanded so far
  // Of rows with their neighbours' bits: the nearest that were expanded, by their own codes, ascending.
  ndl_key *_Nullable best;      // room for best_capacity
  uint32_t best_capacity;
  uint32_t best_size;
  uint32_t row;                 // the row to be expanded
  // Of a walk among a set of rows: bit i of word w stands for row 64 * w + i. `best` then holds the nearest
  // rows of the set that were scored, and the `rank`-th of them says where the walk ends; `least` is 0.
  const uint64_t *_Nullable set;
  uint32_t rank;
  // Of a walk that passes the rows outside its set: the nearest rows of it that were seen, ascending, by the
  // estimates that they have in the pool.
  ndl_key *_Nullable found;  // room for found_capacity + 64 + NDL_HOP_SLACK
  uint32_t found_capacity;
  uint32_t found_size;
} ndl_hop_walk;

// Whether a row is in a set.
static inline uint32_t ndl_in_set(const uint64_t *_Nonnull set, uint32_t ordinal) {
  return (uint32_t)(set[ordinal >> 6] >> (ordinal & 63)) & 1;
}

// The part of the pool whose candidates are to be expanded.
static inline uint32_t ndl_hop_end(const ndl_hop_walk *_Nonnull walk) {
  return walk->size > walk->window && walk->size >= walk->least ? walk->window : walk->size;
}

// A round has two halves, so that a thread with several walks can turn to another one while the codes
// travel.
//
// The first half takes the nearest candidates that were not expanded, marks the unvisited among their links
// visited and asks for their codes. Returns how many they are, or -1 when there is nothing left to expand.
// The first rounds, which come nearer with each, take one candidate; later ones several: nearly all of the
// nearest are expanded in the end, and fewer, longer rounds cost less each.
typedef int32_t (*ndl_hop_gather_fn)(
    const ndl_hop_space *_Nonnull space, const ndl_hop_links *_Nonnull links,
    ndl_hop_walk *_Nonnull walk);

// The second half scores what was gathered, merges what is near enough into the pool, and asks for the
// links of the candidate that is next.
typedef void (*ndl_hop_settle_fn)(
    const ndl_hop_space *_Nonnull space, const ndl_hop_query *_Nonnull query,
    const ndl_hop_links *_Nonnull links, ndl_hop_walk *_Nonnull walk);

// A scan over the rows of a set under way: bit i of word w stands for the row 64 * w + i.
typedef struct ndl_hop_scan {
  const uint64_t *_Nonnull set;
  uint32_t words;
  uint32_t at;             // the word that is next
  ndl_key *_Nonnull pool;  // room for room + NDL_SCAN_SLACK, or for all rows of the set
  uint32_t size;
  uint32_t room;           // the scan pauses once the pool holds so many
  ndl_key threshold;       // the first key that is not kept
} ndl_hop_scan;

// Scores the rows of a set, all of them < count, and puts those below the threshold behind what the pool holds,
// in the order of the rows, until it holds `room` or the set is at its end.
typedef void (*ndl_hop_scan_fn)(
    const ndl_hop_space *_Nonnull space, const ndl_hop_query *_Nonnull query,
    ndl_hop_scan *_Nonnull scan);

// Leaves the lowest of distinct keys, in the order that they had: from `least` to half as many again,
// and `least` itself up to 42. Returns how many.
typedef uint32_t (*ndl_hop_cut_fn)(ndl_key *_Nonnull keys, uint32_t n, uint32_t least);

// Moves the keys below a threshold to the front, in the order that they had. Returns how many. `keys` has room for
// NDL_HOP_SLACK more.
typedef uint32_t (*ndl_hop_keep_fn)(ndl_key *_Nonnull keys, uint32_t n, ndl_key threshold);

// The nearest of the first `n` rows (1 <= n <= count), `except` left out unless it is the only one.
typedef ndl_key (*ndl_hop_nearest_fn)(
    const ndl_hop_space *_Nonnull space, const ndl_hop_query *_Nonnull query, uint32_t n,
    uint32_t except);

// Turns a row's code into a query's: takes the 128 off. Returns the sum of the components.
typedef int32_t (*ndl_hop_flip_fn)(
    const uint8_t *_Nonnull row, int8_t *_Nonnull query, uint32_t blocks);

typedef struct ndl_hop_kernels {
  ndl_hop_score_fn _Nonnull score;
  ndl_hop_expand_fn _Nonnull expand;
  ndl_hop_gather_fn _Nonnull gather;
  ndl_hop_settle_fn _Nonnull settle;
  ndl_hop_nearest_fn _Nonnull nearest;
  ndl_hop_flip_fn _Nonnull flip;
  // Among a set of rows. `settle_among` goes with `gather`: the walk goes over all rows. `gather_across`
  // goes with `settle`: only rows of the set are scored, and in the place of other neighbours come theirs.
  ndl_hop_settle_fn _Nonnull settle_among;
  ndl_hop_gather_fn _Nonnull gather_across;
  ndl_hop_scan_fn _Nonnull scan_set;
  // As `settle`, and remembers in `found` the rows of the set that it scores.
  ndl_hop_settle_fn _Nonnull settle_passing;
  ndl_hop_cut_fn _Nonnull cut;
  ndl_hop_keep_fn _Nonnull keep;
} ndl_hop_kernels;

// The kernels of a level (an ndl_level), or of the next lower one that this build has.
const ndl_hop_kernels *_Nonnull ndl_hop_kernels_for(int level);

// Asks for the line at an address and the one behind it.
static inline void ndl_prefetch_lines(const void *_Nonnull address) {
  __builtin_prefetch(address, 0, 3);
  __builtin_prefetch((const char *)address + 64, 0, 3);
}

// Asks for all lines of rows of `stride` bytes.
static inline void ndl_prefetch_rows(
    const void *_Nonnull rows, size_t stride, const uint32_t *_Nonnull ordinals, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const char *row = (const char *)rows + ordinals[i] * stride;
    for (size_t at = 0; at < stride; at += 64) __builtin_prefetch(row + at, 0, 3);
  }
}

// Collects and marks the unvisited among `links`; for walks on other rows than codes.
uint32_t ndl_hop_collect(
    const uint32_t *_Nonnull links, uint32_t degree, uint32_t count, uint64_t *_Nonnull visited,
    uint64_t epoch, uint32_t *_Nonnull ordinals);

// Packs float estimates and ordinals into keys, and keeps those below `threshold`.
uint32_t ndl_hop_pack(
    const float *_Nonnull estimates, const uint32_t *_Nonnull ordinals, uint32_t n,
    ndl_key threshold, ndl_key *_Nonnull keys);

// Merges `n` > 0 keys (any order; sorted in place) into the ascending `pool` of `size` <= `capacity` keys,
// which has room for `size + n`, keeping the lowest `capacity`. No key may be in the pool already. Returns
// the new size; `*lowest` is the first position that changed.
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

// The largest magnitude of finite components; 0 without any.
float ndl_largest_f32(const float *_Nonnull x, size_t d);

// Parts a row's code of `blocks * 64` bytes into its upper and lower nibbles, `blocks * 32` bytes each, and
// puts it together again.
void ndl_code_split(
    const uint8_t *_Nonnull code, size_t blocks, uint8_t *_Nonnull upper, uint8_t *_Nonnull lower);
void ndl_code_join(
    const uint8_t *_Nonnull upper, const uint8_t *_Nonnull lower, size_t blocks,
    uint8_t *_Nonnull code);

// The sum, and the sum of squares, of int8 components.
int32_t ndl_code_sum(const int8_t *_Nonnull code, size_t d);
int32_t ndl_code_squared_norm(const int8_t *_Nonnull code, size_t d);

#endif
