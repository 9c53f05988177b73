// The reference: what every other level must equal.
#define NDL_TARGET
#define NDL_HOP(name) ndl_hop_##name##_scalar

#include <stddef.h>
#include <stdint.h>

static inline int32_t ndl_hop_dot_scalar(const uint8_t *row, const int8_t *query, uint32_t blocks) {
  int32_t sum = 0;
  for (size_t j = 0; j < (size_t)blocks * 64; j++) sum += (int32_t)row[j] * query[j];
  return sum;
}

static inline void ndl_hop_dots4_scalar(
    const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const int8_t *query,
    uint32_t blocks, int32_t *dots) {
  dots[0] = ndl_hop_dot_scalar(a, query, blocks);
  dots[1] = ndl_hop_dot_scalar(b, query, blocks);
  dots[2] = ndl_hop_dot_scalar(c, query, blocks);
  dots[3] = ndl_hop_dot_scalar(d, query, blocks);
}

static inline int32_t ndl_hop_nibbles_scalar(
    const uint8_t *row, const int8_t *query, uint32_t blocks) {
  int32_t sum = 0;
  for (size_t left = (size_t)blocks * 32; left > 0;) {
    size_t half = left >= 64 ? 64 : 32;
    for (size_t j = 0; j < half; j++)
      sum += (int32_t)(row[j] & 15) * query[j] + (int32_t)(row[j] >> 4) * query[half + j];
    row += half;
    query += 2 * half;
    left -= half;
  }
  return sum;
}

static inline void ndl_hop_nibbles4_scalar(
    const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const int8_t *query,
    uint32_t blocks, int32_t *dots) {
  dots[0] = ndl_hop_nibbles_scalar(a, query, blocks);
  dots[1] = ndl_hop_nibbles_scalar(b, query, blocks);
  dots[2] = ndl_hop_nibbles_scalar(c, query, blocks);
  dots[3] = ndl_hop_nibbles_scalar(d, query, blocks);
}

#include "hop_body.h"
