// What a hop needs on every instruction set, and the arithmetic that is stored: fixed order, no
// contraction.
#include "include/ndl_hop.h"
#include "include/CNeedletailKernels.h"
#include "hop_pool.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

extern const ndl_hop_kernels ndl_hop_kernels_scalar;
#if defined(__x86_64__)
extern const ndl_hop_kernels ndl_hop_kernels_avx2;
extern const ndl_hop_kernels ndl_hop_kernels_avx512;
extern const ndl_hop_kernels ndl_hop_kernels_avx512vnni;
#elif defined(__aarch64__)
extern const ndl_hop_kernels ndl_hop_kernels_neon;
#endif

const ndl_hop_kernels *ndl_hop_kernels_for(int level) {
  switch (level) {
#if defined(__x86_64__)
    case NDL_LEVEL_AVX512_VNNI: return &ndl_hop_kernels_avx512vnni;
    case NDL_LEVEL_AVX512: return &ndl_hop_kernels_avx512;
    case NDL_LEVEL_AVX2: return &ndl_hop_kernels_avx2;
#elif defined(__aarch64__)
    case NDL_LEVEL_NEON: return &ndl_hop_kernels_neon;
#endif
    default: return &ndl_hop_kernels_scalar;
  }
}

uint32_t ndl_hop_collect(
    const uint32_t *links, uint32_t degree, uint32_t count, uint64_t *visited, uint64_t epoch,
    uint32_t *ordinals) {
  return ndl_collect(links, degree, count, visited, epoch, ordinals);
}

uint32_t ndl_hop_pack(
    const float *estimates, const uint32_t *ordinals, uint32_t n, ndl_key threshold, ndl_key *keys) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++) {
    union { float f; int32_t i; } bits = { estimates[i] };
    uint32_t order = (uint32_t)(bits.i ^ ((bits.i >> 31) & 0x7fffffff)) ^ 0x80000000u;
    if (estimates[i] != estimates[i]) order = 0xffffffffu;
    ndl_key key = (uint64_t)order << 32 | (uint64_t)ordinals[i] << 1;
    keys[kept] = key;
    kept += key < threshold;
  }
  return kept;
}

uint32_t ndl_pool_merge(
    ndl_key *pool, uint32_t size, uint32_t capacity, ndl_key *keys, uint32_t n, uint32_t *lowest) {
  for (uint32_t i = 1; i < n; i++) {
    ndl_key key = keys[i];
    uint32_t j = i;
    for (; j > 0 && keys[j - 1] > key; j--) keys[j] = keys[j - 1];
    keys[j] = key;
  }
  return ndl_pool_merge_sorted(pool, size, capacity, keys, n, lowest);
}

uint32_t ndl_pool_merge_sorted(
    ndl_key *pool, uint32_t size, uint32_t capacity, const ndl_key *keys, uint32_t n,
    uint32_t *lowest) {
  return ndl_merge_sorted(pool, size, capacity, keys, n, lowest, ndl_pool_below);
}

// The rotation is the same source for every instruction set: only sums and differences of whole vectors
// and products with one constant, so that the width of a register changes no bit.
#define NDL_INLINE static inline __attribute__((always_inline))

NDL_INLINE void ndl_flip_signs(float *x, size_t d, const uint8_t *signs) {
  size_t j = 0;
  for (; j + 8 <= d; j += 8) {
    uint32_t byte = signs[j >> 3], bits[8];
    memcpy(bits, x + j, 32);
    for (int i = 0; i < 8; i++) bits[i] ^= (byte >> i & 1) << 31;
    memcpy(x + j, bits, 32);
  }
  for (; j < d; j++) {
    uint32_t bits;
    memcpy(&bits, x + j, 4);
    bits ^= (uint32_t)(signs[j >> 3] >> (j & 7) & 1) << 31;
    memcpy(x + j, &bits, 4);
  }
}

// Sixteen components; the compiler makes of it what registers there are.
typedef float ndl_f32x16 __attribute__((vector_size(64), aligned(4)));
typedef uint32_t ndl_u32x16 __attribute__((vector_size(64), aligned(4)));

// One stage within sixteen components: partners are `stride` apart, and where bit `stride` of the place is
// set, the difference is stored.
#define NDL_STAGE(v, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                                   \
  (__builtin_shufflevector(v, v, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) +                     \
   (ndl_f32x16)((ndl_u32x16)(v) ^ (ndl_u32x16){                                                        \
       NDL_MINUS(0, a), NDL_MINUS(1, b), NDL_MINUS(2, c), NDL_MINUS(3, d), NDL_MINUS(4, e),            \
       NDL_MINUS(5, f), NDL_MINUS(6, g), NDL_MINUS(7, h), NDL_MINUS(8, i), NDL_MINUS(9, j),            \
       NDL_MINUS(10, k), NDL_MINUS(11, l), NDL_MINUS(12, m), NDL_MINUS(13, n), NDL_MINUS(14, o),       \
       NDL_MINUS(15, p)}))
#define NDL_MINUS(place, partner) ((place) > (partner) ? 0x80000000u : 0)

// The first four stages of a transform.
NDL_INLINE void ndl_hadamard16(float *x) {
  ndl_f32x16 v;
  memcpy(&v, x, sizeof v);
  v = NDL_STAGE(v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  v = NDL_STAGE(v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  v = NDL_STAGE(v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  v = NDL_STAGE(v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  memcpy(x, &v, sizeof v);
}

// Two stages at once on sixteen columns: partners are `half`, then twice as many components apart.
NDL_INLINE void ndl_butterfly4(float *x, size_t half) {
  ndl_f32x16 a, b, c, d;
  memcpy(&a, x, sizeof a);
  memcpy(&b, x + half, sizeof b);
  memcpy(&c, x + 2 * half, sizeof c);
  memcpy(&d, x + 3 * half, sizeof d);
  ndl_f32x16 e = a + b, f = a - b, g = c + d, h = c - d;
  a = e + g;
  b = f + h;
  c = e - g;
  d = f - h;
  memcpy(x, &a, sizeof a);
  memcpy(x + half, &b, sizeof b);
  memcpy(x + 2 * half, &c, sizeof c);
  memcpy(x + 3 * half, &d, sizeof d);
}

NDL_INLINE void ndl_hadamard(float *x, size_t n, float scale) {
  size_t half = 1;
  if (n >= 16) {
    for (size_t j = 0; j < n; j += 16) ndl_hadamard16(x + j);
    for (half = 16; half * 2 < n; half *= 4)
      for (size_t start = 0; start < n; start += 4 * half)
        for (size_t j = 0; j < half; j += 16) ndl_butterfly4(x + start + j, half);
  }
  for (; half < n; half *= 2) {
    for (size_t start = 0; start < n; start += 2 * half) {
      float *low = x + start, *high = low + half;
      for (size_t j = 0; j < half; j++) {
        float a = low[j], b = high[j];
        low[j] = a + b;
        high[j] = a - b;
      }
    }
  }
  for (size_t j = 0; j < n; j++) x[j] *= scale;
}

NDL_INLINE void ndl_rotate(float *x, size_t d, const uint8_t *signs) {
  size_t power = 1;
  while (power * 2 <= d) power *= 2;
  float scale = 1;
  for (size_t p = power; p > 1; p /= 2) scale *= 0.70710678118654752f;
  const size_t bytes = (d + 7) / 8, half = d / 2;
  for (size_t round = 0; round < 4; round++) {
    ndl_flip_signs(x, d, signs + round * bytes);
    if (power == d) {
      ndl_hadamard(x, d, scale);
      continue;
    }
    // Odd rounds transform the tail, so that every component is mixed with every other.
    ndl_hadamard(round % 2 == 0 ? x : x + (d - power), power, scale);
    float *low = x, *high = x + (d - half);
    for (size_t j = 0; j < half; j++) {
      float a = low[j], b = high[j];
      low[j] = (a + b) * 0.70710678118654752f;
      high[j] = (a - b) * 0.70710678118654752f;
    }
  }
}

NDL_INLINE size_t ndl_encode(const float *x, size_t d, float inverse, uint8_t *codes) {
  uint32_t clamped = 0;
  for (size_t j = 0; j < d; j++) {
    float value = x[j] * inverse;
    float rounded = value < 0 ? value - 0.5f : value + 0.5f;
    // The comparisons are this way round so that a NaN becomes a number.
    float above = rounded > -127.5f ? rounded : -127.0f;
    float bounded = above < 127.5f ? above : 127.0f;
    clamped += (uint32_t)(rounded > 128.0f) | (uint32_t)(rounded < -128.0f);
    codes[j] = (uint8_t)((int32_t)bounded + 128);
  }
  return clamped;
}

NDL_INLINE float ndl_largest(const float *x, size_t d) {
  // Without their sign, floats order as the integers of their bits do.
  int32_t largest = 0;
  for (size_t j = 0; j < d; j++) {
    int32_t bits;
    memcpy(&bits, x + j, 4);
    bits &= 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  float value;
  memcpy(&value, &largest, 4);
  return value;
}

NDL_INLINE int32_t ndl_sum(const int8_t *code, size_t d) {
  int32_t sum = 0;
  for (size_t j = 0; j < d; j++) sum += code[j];
  return sum;
}

NDL_INLINE int32_t ndl_squared_norm(const int8_t *code, size_t d) {
  int32_t sum = 0;
  for (size_t j = 0; j < d; j++) sum += (int32_t)code[j] * code[j];
  return sum;
}

// Each of them once more for wider registers, which change no bit of the result.
#if defined(__x86_64__)
#define NDL_WIDE(type, name, parameters, arguments)                                       \
  __attribute__((target("avx2"))) static type ndl_##name##_avx2 parameters {              \
    return ndl_##name arguments;                                                          \
  }                                                                                       \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))) static type \
      ndl_##name##_avx512 parameters {                                                    \
    return ndl_##name arguments;                                                          \
  }
#define NDL_CALL(name, arguments)                                            \
  (ndl_level_current() >= NDL_LEVEL_AVX512 ? ndl_##name##_avx512 arguments   \
   : ndl_level_current() >= NDL_LEVEL_AVX2 ? ndl_##name##_avx2 arguments     \
                                           : ndl_##name arguments)
#else
#define NDL_WIDE(type, name, parameters, arguments)
#define NDL_CALL(name, arguments) ndl_##name arguments
#endif

NDL_WIDE(void, rotate, (float *x, size_t d, const uint8_t *signs), (x, d, signs))
NDL_WIDE(
    size_t, encode, (const float *x, size_t d, float inverse, uint8_t *codes),
    (x, d, inverse, codes))
NDL_WIDE(float, largest, (const float *x, size_t d), (x, d))
NDL_WIDE(int32_t, sum, (const int8_t *code, size_t d), (code, d))
NDL_WIDE(int32_t, squared_norm, (const int8_t *code, size_t d), (code, d))

void ndl_rotate_f32(float *x, size_t d, const uint8_t *signs) { NDL_CALL(rotate, (x, d, signs)); }

size_t ndl_encode_f32(const float *x, size_t d, float inverse, uint8_t *codes) {
  return NDL_CALL(encode, (x, d, inverse, codes));
}

float ndl_largest_f32(const float *x, size_t d) { return NDL_CALL(largest, (x, d)); }

void ndl_code_split(const uint8_t *code, size_t blocks, uint8_t *upper, uint8_t *lower) {
  for (size_t left = blocks * 32; left > 0;) {
    size_t half = left >= 64 ? 64 : 32;
    for (size_t j = 0; j < half; j++) {
      uint8_t a = code[j], b = code[half + j];
      upper[j] = (uint8_t)((a >> 4) | (b & 0xf0));
      lower[j] = (uint8_t)((a & 15) | (b << 4));
    }
    code += 2 * half;
    upper += half;
    lower += half;
    left -= half;
  }
}

void ndl_code_join(const uint8_t *upper, const uint8_t *lower, size_t blocks, uint8_t *code) {
  for (size_t left = blocks * 32; left > 0;) {
    size_t half = left >= 64 ? 64 : 32;
    for (size_t j = 0; j < half; j++) {
      code[j] = (uint8_t)((upper[j] << 4) | (lower[j] & 15));
      code[half + j] = (uint8_t)((upper[j] & 0xf0) | (lower[j] >> 4));
    }
    code += 2 * half;
    upper += half;
    lower += half;
    left -= half;
  }
}

int32_t ndl_code_sum(const int8_t *code, size_t d) { return NDL_CALL(sum, (code, d)); }

int32_t ndl_code_squared_norm(const int8_t *code, size_t d) {
  return NDL_CALL(squared_norm, (code, d));
}
