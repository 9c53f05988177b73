// Code kernels for AVX-512 without VNNI: widened to 16 bits, multiplied by the exact `madd`.
#if defined(__x86_64__)
#define NDL_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define NDL_SUFFIX _avx512
#include "codes_avx512.h"

NDL_INLINE NDL_TARGET __m512i ndl_step_l2_codes_avx512(__m512i acc, __m512i q, __m512i x) {
  __m512i difference = _mm512_sub_epi16(q, x);
  return _mm512_add_epi32(acc, _mm512_madd_epi16(difference, difference));
}

#define NDL_STEP_L2(acc, q, x) ndl_step_l2_codes_avx512(acc, q, x)
#define NDL_STEP_IP(acc, q, x) _mm512_add_epi32(acc, _mm512_madd_epi16(q, x))
#define NDL_WIDTH 32
#define NDL_LOAD_U8 NDL_WIDE_U8
#define NDL_LOAD_I8 NDL_WIDE_I8
#define NDL_LOAD_U8_TAIL NDL_WIDE_U8_TAIL
#define NDL_LOAD_I8_TAIL NDL_WIDE_I8_TAIL

#define NDL_OP(pair) ndl_l2_##pair
#define NDL_STEP_U8U8 NDL_STEP_L2
#define NDL_STEP_U8I8 NDL_STEP_L2
#define NDL_STEP_I8U8 NDL_STEP_L2
#define NDL_STEP_I8I8 NDL_STEP_L2
#define NDL_CORRECTION_U8U8(query, d) 0
#define NDL_CORRECTION_U8I8(query, d) 0
#define NDL_CORRECTION_I8U8(query, d) 0
#define NDL_CORRECTION_I8I8(query, d) 0
#include "code_level.h"

#define NDL_OP(pair) ndl_ip_##pair
#define NDL_STEP_U8U8 NDL_STEP_IP
#define NDL_STEP_U8I8 NDL_STEP_IP
#define NDL_STEP_I8U8 NDL_STEP_IP
#define NDL_STEP_I8I8 NDL_STEP_IP
#define NDL_CORRECTION_U8U8(query, d) 0
#define NDL_CORRECTION_U8I8(query, d) 0
#define NDL_CORRECTION_I8U8(query, d) 0
#define NDL_CORRECTION_I8I8(query, d) 0
#include "code_level.h"
#endif
