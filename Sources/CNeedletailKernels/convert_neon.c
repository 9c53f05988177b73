// Conversions for arm64. The tail of a few components is converted one by one, with the same bits.
#if defined(__aarch64__)
#include "ndl_internal.h"

#include <arm_neon.h>

void ndl_convert_bf16_f32_neon(const void *in, float *out, size_t count) {
  const uint16_t *x = in;
  size_t j = 0;
  for (; j + 4 <= count; j += 4)
    vst1q_f32(out + j, vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(x + j), 16)));
  for (; j < count; j++) out[j] = ndl_scalar_bf16_f32(x[j]);
}

void ndl_convert_u8_f32_neon(const void *in, float *out, size_t count) {
  const uint8_t *x = in;
  size_t j = 0;
  for (; j + 8 <= count; j += 8) {
    uint16x8_t wide = vmovl_u8(vld1_u8(x + j));
    vst1q_f32(out + j, vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide))));
    vst1q_f32(out + j + 4, vcvtq_f32_u32(vmovl_u16(vget_high_u16(wide))));
  }
  for (; j < count; j++) out[j] = (float)x[j];
}

void ndl_convert_i8_f32_neon(const void *in, float *out, size_t count) {
  const int8_t *x = in;
  size_t j = 0;
  for (; j + 8 <= count; j += 8) {
    int16x8_t wide = vmovl_s8(vld1_s8(x + j));
    vst1q_f32(out + j, vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))));
    vst1q_f32(out + j + 4, vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide))));
  }
  for (; j < count; j++) out[j] = (float)x[j];
}

void ndl_convert_f16_f32_neon(const void *in, float *out, size_t count) {
  const uint16_t *x = in;
  size_t j = 0;
  for (; j + 4 <= count; j += 4)
    vst1q_f32(out + j, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x + j))));
  for (; j < count; j++) out[j] = ndl_scalar_f16_f32(x[j]);
}

void ndl_convert_f32_bf16_neon(const float *in, uint16_t *out, size_t count) {
  size_t j = 0;
  for (; j + 4 <= count; j += 4) {
    uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(in + j));
    uint32x4_t magnitude = vandq_u32(bits, vdupq_n_u32(0x7fffffff));
    uint32x4_t nan = vcgtq_u32(magnitude, vdupq_n_u32(0x7f800000));
    uint32x4_t upper = vshrq_n_u32(bits, 16);
    uint32x4_t odd = vandq_u32(upper, vdupq_n_u32(1));
    uint32x4_t sum = vaddq_u32(bits, vaddq_u32(vdupq_n_u32(0x7fff), odd));
    uint32x4_t quiet = vorrq_u32(upper, vdupq_n_u32(0x40));
    vst1_u16(out + j, vmovn_u32(vbslq_u32(nan, quiet, vshrq_n_u32(sum, 16))));
  }
  for (; j < count; j++) out[j] = ndl_scalar_f32_bf16(in[j]);
}

void ndl_convert_f32_f16_neon(const float *in, uint16_t *out, size_t count) {
  size_t j = 0;
  for (; j + 4 <= count; j += 4)
    vst1_u16(out + j, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(in + j))));
  for (; j < count; j++) out[j] = ndl_scalar_f32_f16(in[j]);
}
#endif
