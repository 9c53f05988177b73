// NEON dot product: both sides signed, so the row's 128 is taken off and its share added back.
#if defined(__aarch64__)
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define NDL_TARGET __attribute__((target("dotprod")))
#else
#define NDL_TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#define NDL_HOP(name) ndl_hop_##name##_neon

NDL_TARGET static inline void ndl_hop_dots4_neon(
    const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const int8_t *query,
    uint32_t blocks, int32_t *dots) {
  int32x4_t s0 = vdupq_n_s32(0), s1 = s0, s2 = s0, s3 = s0, sum = s0;
  const uint8x16_t flip = vdupq_n_u8(0x80);
  const int8x16_t one = vdupq_n_s8(1);
  for (uint32_t j = 0; j < blocks * 64; j += 16) {
    int8x16_t q = vld1q_s8(query + j);
    sum = vdotq_s32(sum, q, one);
    s0 = vdotq_s32(s0, vreinterpretq_s8_u8(veorq_u8(vld1q_u8(a + j), flip)), q);
    s1 = vdotq_s32(s1, vreinterpretq_s8_u8(veorq_u8(vld1q_u8(b + j), flip)), q);
    s2 = vdotq_s32(s2, vreinterpretq_s8_u8(veorq_u8(vld1q_u8(c + j), flip)), q);
    s3 = vdotq_s32(s3, vreinterpretq_s8_u8(veorq_u8(vld1q_u8(d + j), flip)), q);
  }
  int32x4_t zero = vdupq_n_s32(vaddvq_s32(sum) * 128);
  int32x4_t sums = vpaddq_s32(vpaddq_s32(s0, s1), vpaddq_s32(s2, s3));
  vst1q_s32(dots, vaddq_s32(sums, zero));
}

NDL_TARGET static inline int32x4_t ndl_hop_nibble_sum_neon(
    int32x4_t sum, const uint8_t *row, int8x16_t low, int8x16_t high) {
  uint8x16_t v = vld1q_u8(row);
  sum = vdotq_s32(sum, vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8(15))), low);
  return vdotq_s32(sum, vreinterpretq_s8_u8(vshrq_n_u8(v, 4)), high);
}

NDL_TARGET static inline void ndl_hop_nibbles4_neon(
    const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const int8_t *query,
    uint32_t blocks, int32_t *dots) {
  int32x4_t s0 = vdupq_n_s32(0), s1 = s0, s2 = s0, s3 = s0;
  for (size_t j = 0; j < (size_t)blocks * 32; j += 16) {
    // Byte i of a line goes with components i and 64 + i; of a last half line with i and 32 + i.
    size_t line = j & ~(size_t)63;
    size_t apart = line + 64 <= (size_t)blocks * 32 ? 64 : 32;
    const int8_t *part = query + 2 * line + (j - line);
    int8x16_t low = vld1q_s8(part), high = vld1q_s8(part + apart);
    s0 = ndl_hop_nibble_sum_neon(s0, a + j, low, high);
    s1 = ndl_hop_nibble_sum_neon(s1, b + j, low, high);
    s2 = ndl_hop_nibble_sum_neon(s2, c + j, low, high);
    s3 = ndl_hop_nibble_sum_neon(s3, d + j, low, high);
  }
  vst1q_s32(dots, vpaddq_s32(vpaddq_s32(s0, s1), vpaddq_s32(s2, s3)));
}

#include "hop_body.h"
#endif
