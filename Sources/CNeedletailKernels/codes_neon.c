// Code kernels for arm64 with the dot-product instructions.
#if defined(__aarch64__)
#include "ndl_internal.h"

#include <arm_neon.h>

#if defined(__clang__)
#define NDL_TARGET __attribute__((target("dotprod")))
#else
#define NDL_TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#define NDL_SUFFIX _neon
#define NDL_VEC int32x4_t
#define NDL_BYTES uint8x16_t
#define NDL_WIDTH 16

NDL_INLINE uint8x16_t ndl_bytes_tail_neon(const uint8_t *p, size_t n) {
  uint8_t copy[16] = {0};
  for (size_t i = 0; i < n; i++) copy[i] = p[i];
  return vld1q_u8(copy);
}

NDL_INLINE int32_t ndl_sum128_u8_neon(const uint8_t *query, size_t d) {
  int32_t sum = 0;
  for (size_t j = 0; j < d; j++) sum += query[j];
  return sum * 128;
}

NDL_INLINE int32_t ndl_sum128_i8_neon(const int8_t *query, size_t d) {
  int32_t sum = 0;
  for (size_t j = 0; j < d; j++) sum += query[j];
  return sum * 128;
}

NDL_INLINE NDL_TARGET int32x4_t ndl_unsigned_neon(int32x4_t acc, uint8x16_t a, uint8x16_t b) {
  return vreinterpretq_s32_u32(vdotq_u32(vreinterpretq_u32_s32(acc), a, b));
}

NDL_INLINE NDL_TARGET int32x4_t ndl_signed_neon(int32x4_t acc, uint8x16_t a, uint8x16_t b) {
  return vdotq_s32(acc, vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b));
}

// x + 128 as unsigned or x - 128 as signed: the same bits.
NDL_INLINE uint8x16_t ndl_flip_neon(uint8x16_t x) { return veorq_u8(x, vdupq_n_u8(0x80)); }

NDL_INLINE NDL_TARGET int32x4_t ndl_square_u8_neon(int32x4_t acc, uint8x16_t a, uint8x16_t b) {
  uint8x16_t difference = vabdq_u8(a, b);
  return ndl_unsigned_neon(acc, difference, difference);
}

// Of two signed codes: both with the top bit flipped keep their difference.
NDL_INLINE NDL_TARGET int32x4_t ndl_square_i8_neon(int32x4_t acc, uint8x16_t a, uint8x16_t b) {
  return ndl_square_u8_neon(acc, ndl_flip_neon(a), ndl_flip_neon(b));
}

NDL_INLINE int32x4_t ndl_square_half_neon(int32x4_t acc, uint8x8_t u, uint8x8_t i) {
  int16x8_t wide = vreinterpretq_s16_u16(vmovl_u8(u));
  int16x8_t difference = vsubq_s16(wide, vmovl_s8(vreinterpret_s8_u8(i)));
  int16x4_t low = vget_low_s16(difference), high = vget_high_s16(difference);
  return vmlal_s16(vmlal_s16(acc, low, low), high, high);
}

// Of an unsigned and a signed code: 9 bits and a sign, so 16 are needed.
NDL_INLINE int32x4_t ndl_square_mixed_neon(int32x4_t acc, uint8x16_t u, uint8x16_t i) {
  acc = ndl_square_half_neon(acc, vget_low_u8(u), vget_low_u8(i));
  return ndl_square_half_neon(acc, vget_high_u8(u), vget_high_u8(i));
}

NDL_INLINE int32_t ndl_sum_codes_neon(int32x4_t v) { return vaddvq_s32(v); }

NDL_INLINE void ndl_sum4_codes_neon(
    int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d, int32_t *out) {
  vst1q_s32(out, vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d)));
}

#define NDL_ZERO() vdupq_n_s32(0)
#define NDL_ADD(a, b) vaddq_s32(a, b)
#define NDL_SUM(v) ndl_sum_codes_neon(v)
#define NDL_SUM4(a, b, c, d, out) ndl_sum4_codes_neon(a, b, c, d, out)
#define NDL_LOAD_U8(p) vld1q_u8(p)
#define NDL_LOAD_I8(p) vld1q_u8(p)
#define NDL_LOAD_U8_TAIL(p, n) ndl_bytes_tail_neon(p, n)
#define NDL_LOAD_I8_TAIL(p, n) ndl_bytes_tail_neon(p, n)

// Inner products of a mixed pair: the row takes the query's sign, and 128 times the sum of the query's
// codes is taken back or added once per result.
#define NDL_OP(pair) ndl_ip_##pair
#define NDL_STEP_U8U8(acc, q, x) ndl_unsigned_neon(acc, q, x)
#define NDL_STEP_U8I8(acc, q, x) ndl_signed_neon(acc, q, ndl_flip_neon(x))
#define NDL_STEP_I8U8(acc, q, x) ndl_unsigned_neon(acc, q, ndl_flip_neon(x))
#define NDL_STEP_I8I8(acc, q, x) ndl_signed_neon(acc, q, x)
#define NDL_CORRECTION_U8U8(query, d) 0
#define NDL_CORRECTION_U8I8(query, d) ndl_sum128_i8_neon(query, d)
#define NDL_CORRECTION_I8U8(query, d) (-ndl_sum128_u8_neon(query, d))
#define NDL_CORRECTION_I8I8(query, d) 0
#include "code_level.h"

#define NDL_OP(pair) ndl_l2_##pair
#define NDL_STEP_U8U8(acc, q, x) ndl_square_u8_neon(acc, q, x)
#define NDL_STEP_U8I8(acc, q, x) ndl_square_mixed_neon(acc, x, q)
#define NDL_STEP_I8U8(acc, q, x) ndl_square_mixed_neon(acc, q, x)
#define NDL_STEP_I8I8(acc, q, x) ndl_square_i8_neon(acc, q, x)
#define NDL_CORRECTION_U8U8(query, d) 0
#define NDL_CORRECTION_U8I8(query, d) 0
#define NDL_CORRECTION_I8U8(query, d) 0
#define NDL_CORRECTION_I8I8(query, d) 0
#include "code_level.h"
#endif
