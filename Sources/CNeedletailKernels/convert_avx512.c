// Conversions for AVX-512. bf16 is narrowed by integers: the processor's own instruction flushes
// subnormals.
#if defined(__x86_64__)
#include "ndl_internal.h"

#include <immintrin.h>

#define NDL_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))

NDL_INLINE NDL_TARGET __mmask16 ndl_rest_avx512(size_t rest) {
  return rest >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << rest) - 1);
}

NDL_TARGET void ndl_convert_bf16_f32_avx512(const void *in, float *out, size_t count) {
  const uint16_t *x = in;
  for (size_t j = 0; j < count; j += 16) {
    __mmask16 m = ndl_rest_avx512(count - j);
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, x + j));
    _mm512_mask_storeu_epi32(out + j, m, _mm512_slli_epi32(wide, 16));
  }
}

NDL_TARGET void ndl_convert_u8_f32_avx512(const void *in, float *out, size_t count) {
  const uint8_t *x = in;
  for (size_t j = 0; j < count; j += 16) {
    __mmask16 m = ndl_rest_avx512(count - j);
    __m512i wide = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(m, x + j));
    _mm512_mask_storeu_ps(out + j, m, _mm512_cvtepi32_ps(wide));
  }
}

NDL_TARGET void ndl_convert_i8_f32_avx512(const void *in, float *out, size_t count) {
  const int8_t *x = in;
  for (size_t j = 0; j < count; j += 16) {
    __mmask16 m = ndl_rest_avx512(count - j);
    __m512i wide = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(m, x + j));
    _mm512_mask_storeu_ps(out + j, m, _mm512_cvtepi32_ps(wide));
  }
}

NDL_TARGET void ndl_convert_f16_f32_avx512(const void *in, float *out, size_t count) {
  const uint16_t *x = in;
  for (size_t j = 0; j < count; j += 16) {
    __mmask16 m = ndl_rest_avx512(count - j);
    __m512 wide = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(m, x + j));
    _mm512_mask_storeu_ps(out + j, m, wide);
  }
}

NDL_TARGET void ndl_convert_f32_bf16_avx512(const float *in, uint16_t *out, size_t count) {
  for (size_t j = 0; j < count; j += 16) {
    __mmask16 m = ndl_rest_avx512(count - j);
    __m512i bits = _mm512_maskz_loadu_epi32(m, in + j);
    __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
    __mmask16 nan = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7f800000));
    __m512i upper = _mm512_srli_epi32(bits, 16);
    __m512i odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    __m512i sum = _mm512_add_epi32(bits, _mm512_add_epi32(_mm512_set1_epi32(0x7fff), odd));
    __m512i quiet = _mm512_or_si512(upper, _mm512_set1_epi32(0x40));
    __m512i rounded = _mm512_mask_mov_epi32(_mm512_srli_epi32(sum, 16), nan, quiet);
    _mm256_mask_storeu_epi16(out + j, m, _mm512_cvtepi32_epi16(rounded));
  }
}

NDL_TARGET void ndl_convert_f32_f16_avx512(const float *in, uint16_t *out, size_t count) {
  for (size_t j = 0; j < count; j += 16) {
    __mmask16 m = ndl_rest_avx512(count - j);
    __m512 x = _mm512_maskz_loadu_ps(m, in + j);
    _mm256_mask_storeu_epi16(out + j, m, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  }
}
#endif
