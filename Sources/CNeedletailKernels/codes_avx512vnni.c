// Code kernels for AVX-512 with VNNI. `vpdpbusd` multiplies unsigned by signed bytes and does not
// saturate. Where both sides have the same sign, the row's sign is turned over by flipping its top bit
// (x + 128 or x - 128), and 128 times the sum of the query's codes is taken back once per result.
#if defined(__x86_64__)
#define NDL_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define NDL_SUFFIX _avx512vnni
#include "codes_avx512.h"

NDL_INLINE NDL_TARGET __m512i ndl_flip_avx512vnni(__m512i x) {
  return _mm512_xor_si512(x, _mm512_set1_epi8((char)0x80));
}

NDL_INLINE NDL_TARGET __m512i ndl_tail64_avx512vnni(const uint8_t *p, size_t n) {
  return _mm512_maskz_loadu_epi8((1ull << n) - 1, p);
}

// 128 times the sum of the query's codes; at most 2^29.
NDL_INLINE NDL_TARGET int32_t ndl_sum128_u8_avx512vnni(const uint8_t *query, size_t d) {
  int32_t sum = 0;
  for (size_t j = 0; j < d; j++) sum += query[j];
  return sum * 128;
}

NDL_INLINE NDL_TARGET int32_t ndl_sum128_i8_avx512vnni(const int8_t *query, size_t d) {
  int32_t sum = 0;
  for (size_t j = 0; j < d; j++) sum += query[j];
  return sum * 128;
}

// Inner products: 64 codes a step.
#define NDL_WIDTH 64
#define NDL_LOAD_U8(p) _mm512_loadu_si512(p)
#define NDL_LOAD_I8(p) _mm512_loadu_si512(p)
#define NDL_LOAD_U8_TAIL(p, n) ndl_tail64_avx512vnni(p, n)
#define NDL_LOAD_I8_TAIL(p, n) ndl_tail64_avx512vnni(p, n)
#define NDL_OP(pair) ndl_ip_##pair
#define NDL_STEP_U8U8(acc, q, x) _mm512_dpbusd_epi32(acc, q, ndl_flip_avx512vnni(x))
#define NDL_STEP_U8I8(acc, q, x) _mm512_dpbusd_epi32(acc, x, q)
#define NDL_STEP_I8U8(acc, q, x) _mm512_dpbusd_epi32(acc, q, x)
#define NDL_STEP_I8I8(acc, q, x) _mm512_dpbusd_epi32(acc, ndl_flip_avx512vnni(x), q)
#define NDL_CORRECTION_U8U8(query, d) ndl_sum128_u8_avx512vnni(query, d)
#define NDL_CORRECTION_U8I8(query, d) 0
#define NDL_CORRECTION_I8U8(query, d) 0
#define NDL_CORRECTION_I8I8(query, d) (-ndl_sum128_i8_avx512vnni(query, d))
#include "code_level.h"
#undef NDL_WIDTH
#undef NDL_LOAD_U8
#undef NDL_LOAD_I8
#undef NDL_LOAD_U8_TAIL
#undef NDL_LOAD_I8_TAIL

// Squared differences need 9 bits and a sign: widened to 16 bits, 32 codes a step.
NDL_INLINE NDL_TARGET __m512i ndl_step_l2_codes_avx512vnni(__m512i acc, __m512i q, __m512i x) {
  __m512i difference = _mm512_sub_epi16(q, x);
  return _mm512_dpwssd_epi32(acc, difference, difference);
}

#define NDL_STEP_L2(acc, q, x) ndl_step_l2_codes_avx512vnni(acc, q, x)
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
#endif
