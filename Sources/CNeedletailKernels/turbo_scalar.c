// The reference: what every other level must equal.
#define NDL_TARGET
#define NDL_HOP(name) ndl_turbo_##name##_scalar

#include "include/ndl_turbo.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

static inline int32_t ndl_turbo_dot_scalar(
    const uint8_t *row, const int8_t *query, uint32_t blocks) {
  int32_t sum = 0;
  for (size_t j = 0; j < (size_t)blocks * 64; j++) sum += (int32_t)row[j] * query[j];
  return sum;
}

static inline uint32_t ndl_turbo_scan_scalar(
    const uint8_t *bits, uint32_t groups, const ndl_hop_query *query, const uint8_t *factors,
    float own, float limit, float *estimates) {
  uint32_t sums[NDL_TURBO_LANES] = {0};
  for (uint32_t g = 0; g < groups; g++) {
    const uint8_t *table = query->table + 16 * (size_t)g;
    for (uint32_t i = 0; i < 16; i++) {
      uint8_t both = bits[16 * (size_t)g + i];
      sums[i] += table[both & 15];
      sums[16 + i] += table[both >> 4];
    }
  }
  uint32_t mask = 0;
  for (uint32_t i = 0; i < NDL_TURBO_LANES; i++) {
    union { uint32_t i; float f; } both, factor, sum;
    memcpy(&both, factors + 4 * i, 4);
    factor.i = both.i << 16;
    sum.i = both.i & 0xffff0000u;
    float product = query->table_scale * (float)sums[i];
    float sign = query->table_base + product;
    float share = factor.f * sign;
    float rest = sum.f + share;
    estimates[i] = own + rest;
    mask |= (uint32_t)(estimates[i] < limit) << i;
  }
  return mask;
}

#include "turbo_body.h"
