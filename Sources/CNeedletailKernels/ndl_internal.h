// What the files of this folder share. Not visible to Swift.
#ifndef NDL_INTERNAL_H
#define NDL_INTERNAL_H

#include "CNeedletailKernels.h"

#include <string.h>

// A product and a sum stay two roundings unless an intrinsic says otherwise. (GCC, which compiles the
// arm64 files in a check, takes -ffp-contract=off.)
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#define NDL_INLINE static inline __attribute__((always_inline))

#define NDL_PASTE_(a, b, c) a##b##c
#define NDL_PASTE(a, b, c) NDL_PASTE_(a, b, c)

extern const ndl_kernel_table ndl_table_scalar;
#if defined(__x86_64__)
// AVX2 comes with and without FMA and F16C: each is used by its own bit only.
extern const ndl_kernel_table ndl_table_avx2, ndl_table_avx2_f16c;
extern const ndl_kernel_table ndl_table_avx2_fma, ndl_table_avx2_fma_f16c;
extern const ndl_kernel_table ndl_table_avx512, ndl_table_avx512vnni;
#elif defined(__aarch64__)
extern const ndl_kernel_table ndl_table_neon;
#endif

// Declares the shapes of one kernel at one level, and names them as a table's entry.
#define NDL_DECLARE_FLOAT(kernel, level)                \
  extern ndl_float_row_fn kernel##_row_##level;         \
  extern ndl_float_block_fn kernel##_block_##level;     \
  extern ndl_float_gather_fn kernel##_gather_##level
#define NDL_DECLARE_CODES(kernel, level)                \
  extern ndl_code_row_fn kernel##_row_##level;          \
  extern ndl_code_block_fn kernel##_block_##level;      \
  extern ndl_code_gather_fn kernel##_gather_##level
#define NDL_ENTRY(kernel, level) \
  { kernel##_row_##level, kernel##_block_##level, kernel##_gather_##level }

#define NDL_DECLARE_FLOAT_LEVEL(level)      \
  NDL_DECLARE_FLOAT(ndl_l2_f32, level);     \
  NDL_DECLARE_FLOAT(ndl_ip_f32, level);     \
  NDL_DECLARE_FLOAT(ndl_l2_bf16, level);    \
  NDL_DECLARE_FLOAT(ndl_ip_bf16, level)
#define NDL_DECLARE_F16_LEVEL(level)        \
  NDL_DECLARE_FLOAT(ndl_l2_f16, level);     \
  NDL_DECLARE_FLOAT(ndl_ip_f16, level)
#define NDL_DECLARE_CODE_LEVEL(level)       \
  NDL_DECLARE_CODES(ndl_l2_u8u8, level);    \
  NDL_DECLARE_CODES(ndl_l2_u8i8, level);    \
  NDL_DECLARE_CODES(ndl_l2_i8u8, level);    \
  NDL_DECLARE_CODES(ndl_l2_i8i8, level);    \
  NDL_DECLARE_CODES(ndl_ip_u8u8, level);    \
  NDL_DECLARE_CODES(ndl_ip_u8i8, level);    \
  NDL_DECLARE_CODES(ndl_ip_i8u8, level);    \
  NDL_DECLARE_CODES(ndl_ip_i8i8, level)
#define NDL_DECLARE_CONVERT_LEVEL(level)            \
  extern ndl_widen_fn ndl_convert_bf16_f32_##level; \
  extern ndl_widen_fn ndl_convert_u8_f32_##level;   \
  extern ndl_widen_fn ndl_convert_i8_f32_##level;   \
  extern ndl_narrow_fn ndl_convert_f32_bf16_##level
#define NDL_DECLARE_CONVERT_F16_LEVEL(level)        \
  extern ndl_widen_fn ndl_convert_f16_f32_##level;  \
  extern ndl_narrow_fn ndl_convert_f32_f16_##level

// A table from the level of each family.
#define NDL_TABLE(name, which, floats, halves, codes, converts, half_converts)        \
  const ndl_kernel_table name = {                                                     \
      .level = which,                                                                 \
      .l2_f32 = NDL_ENTRY(ndl_l2_f32, floats),                                        \
      .ip_f32 = NDL_ENTRY(ndl_ip_f32, floats),                                        \
      .l2_bf16 = NDL_ENTRY(ndl_l2_bf16, floats),                                      \
      .ip_bf16 = NDL_ENTRY(ndl_ip_bf16, floats),                                      \
      .l2_f16 = NDL_ENTRY(ndl_l2_f16, halves),                                        \
      .ip_f16 = NDL_ENTRY(ndl_ip_f16, halves),                                        \
      .l2_u8u8 = NDL_ENTRY(ndl_l2_u8u8, codes),                                       \
      .l2_u8i8 = NDL_ENTRY(ndl_l2_u8i8, codes),                                       \
      .l2_i8u8 = NDL_ENTRY(ndl_l2_i8u8, codes),                                       \
      .l2_i8i8 = NDL_ENTRY(ndl_l2_i8i8, codes),                                       \
      .ip_u8u8 = NDL_ENTRY(ndl_ip_u8u8, codes),                                       \
      .ip_u8i8 = NDL_ENTRY(ndl_ip_u8i8, codes),                                       \
      .ip_i8u8 = NDL_ENTRY(ndl_ip_i8u8, codes),                                       \
      .ip_i8i8 = NDL_ENTRY(ndl_ip_i8i8, codes),                                       \
      .convert_bf16_f32 = ndl_convert_bf16_f32_##converts,                            \
      .convert_u8_f32 = ndl_convert_u8_f32_##converts,                                \
      .convert_i8_f32 = ndl_convert_i8_f32_##converts,                                \
      .convert_f32_bf16 = ndl_convert_f32_bf16_##converts,                            \
      .convert_f16_f32 = ndl_convert_f16_f32_##half_converts,                         \
      .convert_f32_f16 = ndl_convert_f32_f16_##half_converts,                         \
  }

// The scalar conversions of one component; the vector kernels use them for tails.

NDL_INLINE float ndl_float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

NDL_INLINE uint32_t ndl_bits_from_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

NDL_INLINE float ndl_scalar_bf16_f32(uint16_t bits) {
  return ndl_float_from_bits((uint32_t)bits << 16);
}

NDL_INLINE uint16_t ndl_scalar_f32_bf16(float value) {
  uint32_t bits = ndl_bits_from_float(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

NDL_INLINE float ndl_scalar_f16_f32(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
  if (exponent == 0) {
    float magnitude = (float)fraction * 0x1p-24f;
    return ndl_float_from_bits(sign | ndl_bits_from_float(magnitude));
  }
  if (exponent == 0x1f) {
    // A signalling NaN becomes quiet, as the processors' own conversions make it.
    uint32_t quiet = fraction != 0 ? 0x400000u : 0;
    return ndl_float_from_bits(sign | 0x7f800000u | quiet | fraction << 13);
  }
  return ndl_float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

NDL_INLINE uint16_t ndl_scalar_f32_f16(float value) {
  uint32_t bits = ndl_bits_from_float(value);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  // From half of the last unit above the greatest half on, the nearest is infinity.
  if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00);
  if (magnitude < 0x38800000u) {
    // Subnormal halves: the sum with 0.5 leaves the rounded fraction in the low bits.
    float rounded = ndl_float_from_bits(magnitude) + 0.5f;
    return (uint16_t)(sign | (ndl_bits_from_float(rounded) - 0x3f000000u));
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return (uint16_t)(sign | (rounded - 0x38000000u) >> 13);
}

// Starts fetching a row. Longer rows than this are left to the hardware's own prefetch.
#define NDL_PREFETCH_BYTES 1024
// How many rows ahead a gather prefetches: two batches of four.
#define NDL_PREFETCH_ROWS 8

NDL_INLINE void ndl_prefetch(const void *row, size_t bytes) {
  const char *p = row;
  if (bytes > NDL_PREFETCH_BYTES) bytes = NDL_PREFETCH_BYTES;
  for (size_t offset = 0; offset < bytes; offset += 64) __builtin_prefetch(p + offset, 0, 3);
}

#endif
