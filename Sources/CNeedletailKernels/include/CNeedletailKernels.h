// SIMD kernels of Needletail: distances between a query and rows, conversions, and sums whose bits
// are the same on every machine. Plain functions over caller-owned memory: no allocation, no threads,
// no I/O, no policy.
//
// Naming: ndl_<op>_<row type>_<shape>, and _<level> behind it for one instruction set. A pair of code
// types names the row first: u8i8 is unsigned rows against a signed query.
#ifndef CNEEDLETAILKERNELS_H
#define CNEEDLETAILKERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#define NDL_NULLABLE _Nullable
#else
#define NDL_NULLABLE
#endif

#if defined(__cplusplus)
extern "C" {
#endif

// MARK: Levels

// A set of instructions that the kernels are compiled for. On x86 each level includes those below.
typedef enum ndl_level {
  NDL_LEVEL_SCALAR = 0,
  NDL_LEVEL_AVX2 = 1,
  NDL_LEVEL_AVX512 = 2,      // F, BW, VL and DQ
  NDL_LEVEL_AVX512_VNNI = 3,  // and VNNI
  NDL_LEVEL_NEON = 4,        // arm64 with the dot-product instructions
} ndl_level;

#define NDL_LEVEL_COUNT 5

// What the processor has and the operating system keeps across a context switch, each by its own bit.
#define NDL_FEATURE_AVX2 (1u << 0)
#define NDL_FEATURE_FMA (1u << 1)
#define NDL_FEATURE_F16C (1u << 2)
#define NDL_FEATURE_AVX512 (1u << 3)  // F, BW, VL and DQ together
#define NDL_FEATURE_AVX512_VNNI (1u << 4)
#define NDL_FEATURE_NEON_DOTPROD (1u << 5)
#define NDL_FEATURE_AVX512_VBMI (1u << 6)
#define NDL_FEATURE_AVX512_BF16 (1u << 7)

// The features of this machine; asked from the processor once.
uint32_t ndl_features(void);
int ndl_has_fma(void);
int ndl_has_f16c(void);
int ndl_has_avx512_vnni(void);

// The level for a machine with `features`: the best one, or the one named `forced` (scalar, avx2,
// avx512, avx512vnni, neon). A named level that the machine lacks falls to the next lower one; NULL,
// an empty or an unknown name leave the best. Pure: nothing is asked from the machine.
ndl_level ndl_level_choose(uint32_t features, const char *NDL_NULLABLE forced);

// Whether a machine with `features` can run `level`.
int ndl_level_is_available(ndl_level level, uint32_t features);

// The level of this process, chosen at the first call from ndl_features() and the environment's
// NEEDLETAIL_ISA; the same for as long as the process lives.
ndl_level ndl_level_current(void);

// The name under which a level is forced.
const char *ndl_level_name(ndl_level level);

// MARK: Distances
//
// op   l2: the sum of (q - x)^2; ip: the sum of q * x, not negated.
// row  one row.
// block  `count` rows, `stride` bytes apart; out[i] belongs to row i.
// gather  rows `ordinals[0..count)` of a matrix whose rows are `stride` bytes apart; any order,
//      duplicates allowed; out[i] belongs to ordinals[i]. Rows ahead are prefetched.
//
// d is the number of components, 0 to 16384. Rows need no alignment beyond their component's, and
// nothing is read past a row's last component. A row gives the same bits in every shape of one level.
// Levels differ in the order of the float sum, within d * 2^-23 * (sum of the terms' magnitudes).

typedef float ndl_float_row_fn(const float *query, const void *row, size_t d);
typedef void ndl_float_block_fn(
    const float *query, const void *rows, size_t stride, size_t count, size_t d, float *out);
typedef void ndl_float_gather_fn(
    const float *query, const void *rows, size_t stride, const uint32_t *ordinals, size_t count,
    size_t d, float *out);

// One operation on one type of row: f32, or f16/bf16 as uint16_t bit patterns; the query is f32.
typedef struct ndl_float_kernels {
  ndl_float_row_fn *row;
  ndl_float_block_fn *block;
  ndl_float_gather_fn *gather;
} ndl_float_kernels;

// Codes are bytes. Results are exact; only l2 of a mixed pair can pass INT32_MAX (beyond 14639
// components, at the extremes), and its bits are then exact as uint32_t.
typedef int32_t ndl_code_row_fn(const void *query, const void *row, size_t d);
typedef void ndl_code_block_fn(
    const void *query, const void *rows, size_t stride, size_t count, size_t d, int32_t *out);
typedef void ndl_code_gather_fn(
    const void *query, const void *rows, size_t stride, const uint32_t *ordinals, size_t count,
    size_t d, int32_t *out);

typedef struct ndl_code_kernels {
  ndl_code_row_fn *row;
  ndl_code_block_fn *block;
  ndl_code_gather_fn *gather;
} ndl_code_kernels;

// MARK: Conversions, component by component
//
// To halves: nearest, ties to even, overflow to infinity. NaN stays NaN (quiet, upper payload kept).
// The same bits on every level.

typedef void ndl_widen_fn(const void *in, float *out, size_t count);
typedef void ndl_narrow_fn(const float *in, uint16_t *out, size_t count);

// MARK: The table of one level

typedef struct ndl_kernel_table {
  ndl_level level;
  ndl_float_kernels l2_f32, l2_f16, l2_bf16;
  ndl_float_kernels ip_f32, ip_f16, ip_bf16;
  ndl_code_kernels l2_u8u8, l2_u8i8, l2_i8u8, l2_i8i8;
  ndl_code_kernels ip_u8u8, ip_u8i8, ip_i8u8, ip_i8i8;
  ndl_widen_fn *convert_f16_f32, *convert_bf16_f32, *convert_u8_f32, *convert_i8_f32;
  ndl_narrow_fn *convert_f32_f16, *convert_f32_bf16;
} ndl_kernel_table;

// The functions of ndl_level_current(). The pointer is good for as long as the process lives.
const ndl_kernel_table *ndl_kernels(void);

// The functions of one level, or NULL when this machine lacks it.
const ndl_kernel_table *NDL_NULLABLE ndl_kernels_for(ndl_level level);

// The same, as if this machine had only those of its features that are in `features`: so that what
// processors without FMA or F16C run can be tested on one that has them.
const ndl_kernel_table *NDL_NULLABLE ndl_kernels_for_features(ndl_level level, uint32_t features);

// Conversions at the current level.
void ndl_convert_f16_f32(const uint16_t *in, float *out, size_t count);
void ndl_convert_bf16_f32(const uint16_t *in, float *out, size_t count);
void ndl_convert_u8_f32(const uint8_t *in, float *out, size_t count);
void ndl_convert_i8_f32(const int8_t *in, float *out, size_t count);
void ndl_convert_f32_f16(const float *in, uint16_t *out, size_t count);
void ndl_convert_f32_bf16(const float *in, uint16_t *out, size_t count);

// MARK: Sums with the same bits on every level and machine
//
// Term j is computed in double and added to lane j % 8, in ascending j; the result is
// ((l0 + l1) + (l2 + l3)) + ((l4 + l5) + (l6 + l7)). No contraction. For what is stored on disk and
// for what judges.

// The sum of a * b. Each product of two floats is exact in double.
double ndl_fixed_dot_f32(const float *a, const float *b, size_t count);
// The sum of a * a.
double ndl_fixed_squared_norm_f32(const float *a, size_t count);
// The sum of (a - b)^2.
double ndl_fixed_squared_distance_f32(const float *a, const float *b, size_t count);

// MARK: Selection for the blocked scan

// Finds the rows whose lower bound is not above `threshold`:
//   bound[i] = bias[i] + scale[i] * products[i] - slack[i] * error
// Writes their numbers, ascending, and their bounds; both outputs have room for `count`. A NaN bound
// is selected. Returns how many were.
size_t ndl_select_f32(
    const float *products, const float *bias, const float *scale, const float *slack, float error,
    float threshold, size_t count, uint32_t *rows, float *bounds);

#if defined(__cplusplus)
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

// The kernels of one hop of the graph walk.
#if __has_include("ndl_hop.h")
#include "ndl_hop.h"
#include "ndl_turbo.h"
#endif

#endif
