// What a hop needs on every instruction set, and the arithmetic that is stored: fixed order, no
// contraction.
#include "include/ndl_hop.h"
#include "include/CNeedletailKernels.h"

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
  uint32_t n = 0;
  const uint64_t tag = epoch << NDL_ROWS_PER_VISITED_WORD;
  for (uint32_t i = 0; i < degree; i++) {
    uint32_t ordinal = links[i];
    if (ordinal >= count) break;
    uint64_t *word = visited + ordinal / NDL_ROWS_PER_VISITED_WORD;
    uint64_t bit = 1ull << (ordinal % NDL_ROWS_PER_VISITED_WORD);
    uint64_t seen = *word >> NDL_ROWS_PER_VISITED_WORD == epoch ? *word : tag;
    ordinals[n] = ordinal;
    n += (seen & bit) == 0;
    *word = seen | bit;
  }
  return n;
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
  // The new keys that fit: the total is cut at the capacity, from the far end.
  uint32_t room = capacity - size, left = size, right = n;
  uint32_t excess = n > room ? n - room : 0;
  for (; excess > 0; excess--) {
    if (right == 0) break;
    if (left > 0 && pool[left - 1] > keys[right - 1]) left--;
    else right--;
  }
  uint32_t total = left + right;
  uint32_t at = total;
  while (right > 0) {
    if (left > 0 && pool[left - 1] > keys[right - 1]) pool[--at] = pool[--left];
    else pool[--at] = keys[--right];
  }
  *lowest = left;
  return total;
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

// The first three stages of a transform, on eight components at a time.
NDL_INLINE void ndl_hadamard8(float *x) {
  float a[8], b[8];
  for (int i = 0; i < 4; i++) {
    a[i] = x[2 * i] + x[2 * i + 1];
    a[i + 4] = x[2 * i] - x[2 * i + 1];
  }
  for (int i = 0; i < 8; i += 4) {
    b[i] = a[i] + a[i + 1];
    b[i + 1] = a[i] - a[i + 1];
    b[i + 2] = a[i + 2] + a[i + 3];
    b[i + 3] = a[i + 2] - a[i + 3];
  }
  // b holds, by index: sums of pairs low and high (0, 2), their differences (1, 3); from 4 on the same of
  // the differences of the first stage.
  x[0] = b[0] + b[2];
  x[4] = b[0] - b[2];
  x[2] = b[1] + b[3];
  x[6] = b[1] - b[3];
  x[1] = b[4] + b[6];
  x[5] = b[4] - b[6];
  x[3] = b[5] + b[7];
  x[7] = b[5] - b[7];
}

NDL_INLINE void ndl_hadamard(float *x, size_t n, float scale) {
  size_t first = 1;
  if (n >= 8) {
    for (size_t start = 0; start < n; start += 8) ndl_hadamard8(x + start);
    first = 8;
  }
  for (size_t half = first; half < n; half *= 2) {
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

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void ndl_rotate_avx2(
    float *x, size_t d, const uint8_t *signs) {
  ndl_rotate(x, d, signs);
}
#endif

void ndl_rotate_f32(float *x, size_t d, const uint8_t *signs) {
#if defined(__x86_64__)
  if (ndl_level_current() >= NDL_LEVEL_AVX2) {
    ndl_rotate_avx2(x, d, signs);
    return;
  }
#endif
  ndl_rotate(x, d, signs);
}

size_t ndl_encode_f32(const float *x, size_t d, float inverse, uint8_t *codes) {
  size_t clamped = 0;
  for (size_t j = 0; j < d; j++) {
    float value = x[j] * inverse;
    float rounded = value < 0 ? value - 0.5f : value + 0.5f;
    // The comparisons are this way round so that a NaN becomes a number.
    float above = rounded > -127.5f ? rounded : -127.0f;
    float bounded = above < 127.5f ? above : 127.0f;
    clamped += rounded > 128.0f || rounded < -128.0f;
    codes[j] = (uint8_t)((int32_t)bounded + 128);
  }
  return clamped;
}

int32_t ndl_code_sum(const int8_t *code, size_t d) {
  int32_t sum = 0;
  for (size_t j = 0; j < d; j++) sum += code[j];
  return sum;
}

int32_t ndl_code_squared_norm(const int8_t *code, size_t d) {
  int32_t sum = 0;
  for (size_t j = 0; j < d; j++) sum += (int32_t)code[j] * code[j];
  return sum;
}
