// Float kernels for arm64.
#if defined(__aarch64__)
#include "ndl_internal.h"

#include <arm_neon.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#define NDL_TARGET
#define NDL_SUFFIX _neon
#define NDL_VEC float32x4_t
#define NDL_WIDTH 4

// Up to three components behind the last whole vector.
NDL_INLINE float32x4_t ndl_load_f32_tail_neon(const float *p, size_t n) {
  float copy[4] = {0};
  for (size_t i = 0; i < n; i++) copy[i] = p[i];
  return vld1q_f32(copy);
}

NDL_INLINE uint16x4_t ndl_halves_tail_neon(const uint16_t *p, size_t n) {
  uint16_t copy[4] = {0};
  for (size_t i = 0; i < n; i++) copy[i] = p[i];
  return vld1_u16(copy);
}

NDL_INLINE float32x4_t ndl_widen_bf16_neon(uint16x4_t halves) {
  return vreinterpretq_f32_u32(vshll_n_u16(halves, 16));
}

NDL_INLINE float32x4_t ndl_widen_f16_neon(uint16x4_t halves) {
  return vcvt_f32_f16(vreinterpret_f16_u16(halves));
}

NDL_INLINE float32x4_t ndl_step_l2_neon(float32x4_t acc, float32x4_t q, float32x4_t x) {
  float32x4_t difference = vsubq_f32(q, x);
  return vfmaq_f32(acc, difference, difference);
}

NDL_INLINE float ndl_sum_neon(float32x4_t v) {
  float32x4_t pairs = vpaddq_f32(v, v);
  return vgetq_lane_f32(vpaddq_f32(pairs, pairs), 0);
}

NDL_INLINE void ndl_sum4_neon(
    float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d, float *out) {
  vst1q_f32(out, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
}

#define NDL_ZERO() vdupq_n_f32(0)
#define NDL_ADD(a, b) vaddq_f32(a, b)
#define NDL_SUM(v) ndl_sum_neon(v)
#define NDL_SUM4(a, b, c, d, out) ndl_sum4_neon(a, b, c, d, out)
#define NDL_STEP_L2(acc, q, x) ndl_step_l2_neon(acc, q, x)
#define NDL_STEP_IP(acc, q, x) vfmaq_f32(acc, q, x)
#define NDL_QUERY(p) vld1q_f32(p)
#define NDL_QUERY_TAIL(p, n) ndl_load_f32_tail_neon(p, n)
#define NDL_LOAD_F32(p) vld1q_f32(p)
#define NDL_LOAD_F32_TAIL(p, n) ndl_load_f32_tail_neon(p, n)
#define NDL_LOAD_BF16(p) ndl_widen_bf16_neon(vld1_u16(p))
#define NDL_LOAD_BF16_TAIL(p, n) ndl_widen_bf16_neon(ndl_halves_tail_neon(p, n))
#define NDL_LOAD_F16(p) ndl_widen_f16_neon(vld1_u16(p))
#define NDL_LOAD_F16_TAIL(p, n) ndl_widen_f16_neon(ndl_halves_tail_neon(p, n))

#include "float_level.h"
#define NDL_HALVES
#include "float_level.h"
#endif
