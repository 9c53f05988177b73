// Conversions for AVX2. The tail of a few components is converted one by one, with the same bits.
#if defined(__x86_64__)
#include "ndl_internal.h"

#include <immintrin.h>

#define NDL_TARGET __attribute__((target("avx2")))
#define NDL_TARGET_F16C __attribute__((target("avx2,f16c")))

NDL_TARGET void ndl_convert_bf16_f32_avx2(const void *in, float *out, size_t count) {
  const uint16_t *x = in;
  size_t j = 0;
  for (; j + 8 <= count; j += 8) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(x + j)));
    _mm256_storeu_si256((__m256i *)(out + j), _mm256_slli_epi32(wide, 16));
  }
  for (; j < count; j++) out[j] = ndl_scalar_bf16_f32(x[j]);
}

NDL_TARGET void ndl_convert_u8_f32_avx2(const void *in, float *out, size_t count) {
  const uint8_t *x = in;
  size_t j = 0;
  for (; j + 8 <= count; j += 8) {
    __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(x + j)));
    _mm256_storeu_ps(out + j, _mm256_cvtepi32_ps(wide));
  }
  for (; j < count; j++) out[j] = (float)x[j];
}

NDL_TARGET void ndl_convert_i8_f32_avx2(const void *in, float *out, size_t count) {
  const int8_t *x = in;
  size_t j = 0;
  for (; j + 8 <= count; j += 8) {
    __m256i wide = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(x + j)));
    _mm256_storeu_ps(out + j, _mm256_cvtepi32_ps(wide));
  }
  for (; j < count; j++) out[j] = (float)x[j];
}

// The upper half of each component, rounded to nearest even, in the low 16 bits of its lane.
NDL_INLINE NDL_TARGET __m256i ndl_narrow_bf16_avx2(__m256i bits) {
  __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
  __m256i nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f800000));
  __m256i upper = _mm256_srli_epi32(bits, 16);
  __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
  __m256i sum = _mm256_add_epi32(bits, _mm256_add_epi32(_mm256_set1_epi32(0x7fff), odd));
  __m256i quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
  return _mm256_blendv_epi8(_mm256_srli_epi32(sum, 16), quiet, nan);
}

NDL_TARGET void ndl_convert_f32_bf16_avx2(const float *in, uint16_t *out, size_t count) {
  size_t j = 0;
  for (; j + 8 <= count; j += 8) {
    __m256i v = ndl_narrow_bf16_avx2(_mm256_loadu_si256((const __m256i *)(in + j)));
    __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    _mm_storeu_si128((__m128i *)(out + j), packed);
  }
  for (; j < count; j++) out[j] = ndl_scalar_f32_bf16(in[j]);
}

NDL_TARGET_F16C void ndl_convert_f16_f32_avx2_f16c(const void *in, float *out, size_t count) {
  const uint16_t *x = in;
  size_t j = 0;
  for (; j + 8 <= count; j += 8)
    _mm256_storeu_ps(out + j, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + j))));
  for (; j < count; j++) out[j] = ndl_scalar_f16_f32(x[j]);
}

NDL_TARGET_F16C void ndl_convert_f32_f16_avx2_f16c(const float *in, uint16_t *out, size_t count) {
  size_t j = 0;
  for (; j + 8 <= count; j += 8) {
    __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(in + j), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128((__m128i *)(out + j), halves);
  }
  for (; j < count; j++) out[j] = ndl_scalar_f32_f16(in[j]);
}
#endif
