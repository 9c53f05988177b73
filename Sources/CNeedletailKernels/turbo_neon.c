// NEON: one group of four components at a time.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "include/ndl_turbo.h"

#define NDL_TARGET
#define NDL_HOP(name) ndl_turbo_##name##_neon

#pragma STDC FP_CONTRACT OFF

static inline int32_t ndl_turbo_dot_neon(const uint8_t *row, const int8_t *query, uint32_t blocks) {
  int32x4_t sum = vdupq_n_s32(0);
  for (size_t j = 0; j < (size_t)blocks * 64; j += 8) {
    int16x8_t a = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(row + j)));
    int16x8_t b = vmovl_s8(vld1_s8(query + j));
    sum = vmlal_s16(sum, vget_low_s16(a), vget_low_s16(b));
    sum = vmlal_s16(sum, vget_high_s16(a), vget_high_s16(b));
  }
  return vaddvq_s32(sum);
}

static inline uint32_t ndl_turbo_scan_neon(
    const uint8_t *bits, uint32_t groups, const ndl_hop_query *query, const uint8_t *factors,
    float own, float limit, float *estimates) {
  uint16x8_t sums[4] = { vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0) };
  for (size_t at = 0; at < (size_t)groups * 16; at += 16) {
    uint8x16_t v = vld1q_u8(bits + at), table = vld1q_u8(query->table + at);
    uint8x16_t a = vqtbl1q_u8(table, vandq_u8(v, vdupq_n_u8(15)));
    uint8x16_t b = vqtbl1q_u8(table, vshrq_n_u8(v, 4));
    sums[0] = vaddw_u8(sums[0], vget_low_u8(a));
    sums[1] = vaddw_u8(sums[1], vget_high_u8(a));
    sums[2] = vaddw_u8(sums[2], vget_low_u8(b));
    sums[3] = vaddw_u8(sums[3], vget_high_u8(b));
  }
  const float32x4_t scale = vdupq_n_f32(query->table_scale), base = vdupq_n_f32(query->table_base);
  const float32x4_t center = vdupq_n_f32(own), bound = vdupq_n_f32(limit);
  const uint32x4_t places = { 1, 2, 4, 8 };
  uint32_t mask = 0;
  for (uint32_t i = 0; i < 8; i++) {
    uint16x8_t part = sums[i / 2];
    uint32x4_t whole = vmovl_u16(i % 2 == 0 ? vget_low_u16(part) : vget_high_u16(part));
    uint32x4_t both = vreinterpretq_u32_u8(vld1q_u8(factors + 16 * i));
    float32x4_t factor = vreinterpretq_f32_u32(vshlq_n_u32(both, 16));
    float32x4_t sum = vreinterpretq_f32_u32(vandq_u32(both, vdupq_n_u32(0xffff0000u)));
    float32x4_t product = vmulq_f32(scale, vcvtq_f32_u32(whole));
    float32x4_t share = vmulq_f32(factor, vaddq_f32(base, product));
    float32x4_t estimate = vaddq_f32(center, vaddq_f32(sum, share));
    vst1q_f32(estimates + 4 * i, estimate);
    mask |= vaddvq_u32(vandq_u32(vcltq_f32(estimate, bound), places)) << (4 * i);
  }
  return mask;
}

#include "turbo_body.h"
#endif
