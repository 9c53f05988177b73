#include "include/CNeedletailKernels.h"
#include "include/ndl_turbo.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

extern const ndl_turbo_kernels ndl_turbo_kernels_scalar;
#if defined(__x86_64__)
extern const ndl_turbo_kernels ndl_turbo_kernels_avx2;
extern const ndl_turbo_kernels ndl_turbo_kernels_avx512;
#elif defined(__aarch64__)
extern const ndl_turbo_kernels ndl_turbo_kernels_neon;
#endif

const ndl_turbo_kernels *ndl_turbo_kernels_for(int level) {
  switch (level) {
#if defined(__x86_64__)
    case NDL_LEVEL_AVX512_VNNI:
    case NDL_LEVEL_AVX512: return &ndl_turbo_kernels_avx512;
    case NDL_LEVEL_AVX2: return &ndl_turbo_kernels_avx2;
#elif defined(__aarch64__)
    case NDL_LEVEL_NEON: return &ndl_turbo_kernels_neon;
#endif
    default: return &ndl_turbo_kernels_scalar;
  }
}

enum { NDL_TURBO_NO_NUMBER = 0xffff };

static uint32_t ndl_turbo_bfloat16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  // What is no number, or rounds beyond all of them.
  if ((bits & 0x7fffffffu) >= 0x7f7f8000u) return NDL_TURBO_NO_NUMBER;
  return (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}

// Sum and factor from |r|^2, <b, r> and <b, row>; zeros where bfloat16 cannot hold both of them, because
// one without the other would put the neighbour anywhere.
static uint32_t ndl_turbo_pack(double square, double signs, double own) {
  if (!(signs > 0)) return 0;
  uint32_t factor = ndl_turbo_bfloat16((float)(-2 * square / signs));
  if (factor == NDL_TURBO_NO_NUMBER) return 0;
  uint32_t bits = factor << 16;
  float rounded;
  memcpy(&rounded, &bits, 4);
  // From the rounded factor, so that what the row and the query share cancels.
  double product = (double)rounded * own;
  uint32_t sum = ndl_turbo_bfloat16((float)(square - product));
  return sum == NDL_TURBO_NO_NUMBER ? 0 : factor | sum << 16;
}

uint32_t ndl_turbo_link(
    const uint8_t *row, float row_factor, const uint8_t *neighbor, float neighbor_factor,
    uint32_t blocks, uint32_t place, uint8_t *bits) {
  const size_t d = (size_t)blocks * 64;
  const uint32_t shift = place < 16 ? 0 : 4;
  for (size_t j = 0; j < d; j += 4) {
    uint32_t nibble = 0;
    if (row_factor == neighbor_factor)
      for (size_t i = 0; i < 4; i++) nibble |= (uint32_t)(neighbor[j + i] > row[j + i]) << i;
    else
      for (size_t i = 0; i < 4; i++)
        nibble |= (uint32_t)(neighbor_factor * (float)((int32_t)neighbor[j + i] - 128) >
                             row_factor * (float)((int32_t)row[j + i] - 128)) << i;
    bits[j * 4 + place % 16] |= (uint8_t)(nibble << shift);
  }
  if (row_factor == neighbor_factor) {
    // Whole numbers: |r| <= 255 and d <= 16 384.
    int32_t square = 0, signs = 0, own = 0;
    for (size_t j = 0; j < d; j++) {
      int32_t r = (int32_t)neighbor[j] - row[j], c = (int32_t)row[j] - 128;
      square += r * r;
      signs += r > 0 ? r : -r;
      own += r > 0 ? c : -c;
    }
    double unit = row_factor;
    return ndl_turbo_pack(unit * unit * square, unit * signs, unit * own);
  }
  double square = 0, signs = 0, own = 0;
  for (size_t j = 0; j < d; j++) {
    float c = row_factor * (float)((int32_t)row[j] - 128);
    float y = neighbor_factor * (float)((int32_t)neighbor[j] - 128);
    double r = (double)y - c;
    square += r * r;
    signs += r > 0 ? r : -r;
    own += r > 0 ? c : -c;
  }
  return ndl_turbo_pack(square, signs, own);
}
