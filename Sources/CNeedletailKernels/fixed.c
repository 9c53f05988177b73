// Sums whose bits do not depend on the machine, and the selection step of the blocked scan. Plain C:
// the order is fixed lane by lane, so that a compiler may use vectors but may not change the result.
#include "ndl_internal.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#define NDL_LANES 8

NDL_INLINE double ndl_lane_sum(const double *l) {
  return ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]));
}

NDL_INLINE double ndl_fixed_dot(const float *a, const float *b, size_t count) {
  double lanes[NDL_LANES] = {0};
  size_t j = 0;
  for (; j + NDL_LANES <= count; j += NDL_LANES)
    for (size_t i = 0; i < NDL_LANES; i++) lanes[i] += (double)a[j + i] * (double)b[j + i];
  for (size_t i = 0; j + i < count; i++) lanes[i] += (double)a[j + i] * (double)b[j + i];
  return ndl_lane_sum(lanes);
}

// Wider registers change no bit: the lanes are the same, and nothing is contracted.
#if defined(__x86_64__)
__attribute__((target("avx2"))) static double ndl_fixed_dot_avx2(
    const float *a, const float *b, size_t count) {
  return ndl_fixed_dot(a, b, count);
}
__attribute__((target("avx2"))) static double ndl_fixed_squared_distance_avx2(
    const float *a, const float *b, size_t count);
#endif

double ndl_fixed_dot_f32(const float *a, const float *b, size_t count) {
#if defined(__x86_64__)
  if (ndl_level_current() >= NDL_LEVEL_AVX2) return ndl_fixed_dot_avx2(a, b, count);
#endif
  return ndl_fixed_dot(a, b, count);
}

double ndl_fixed_squared_norm_f32(const float *a, size_t count) {
  return ndl_fixed_dot_f32(a, a, count);
}

NDL_INLINE double ndl_fixed_squared_distance(const float *a, const float *b, size_t count) {
  double lanes[NDL_LANES] = {0};
  size_t j = 0;
  for (; j + NDL_LANES <= count; j += NDL_LANES)
    for (size_t i = 0; i < NDL_LANES; i++) {
      double difference = (double)a[j + i] - (double)b[j + i];
      lanes[i] += difference * difference;
    }
  for (size_t i = 0; j + i < count; i++) {
    double difference = (double)a[j + i] - (double)b[j + i];
    lanes[i] += difference * difference;
  }
  return ndl_lane_sum(lanes);
}

#if defined(__x86_64__)
static double ndl_fixed_squared_distance_avx2(const float *a, const float *b, size_t count) {
  return ndl_fixed_squared_distance(a, b, count);
}
#endif

double ndl_fixed_squared_distance_f32(const float *a, const float *b, size_t count) {
#if defined(__x86_64__)
  if (ndl_level_current() >= NDL_LEVEL_AVX2) return ndl_fixed_squared_distance_avx2(a, b, count);
#endif
  return ndl_fixed_squared_distance(a, b, count);
}

size_t ndl_select_f32(
    const float *products, const float *bias, const float *scale, const float *slack, float error,
    float threshold, size_t count, uint32_t *rows, float *bounds) {
  enum { group = 32 };
  size_t found = 0;
  float bound[group];
  for (size_t start = 0; start < count; start += group) {
    size_t length = count - start < group ? count - start : group;
    uint32_t any = 0;
    if (length == group) {
      // Most groups hold nothing; finding that out takes no branch per row.
      for (size_t i = 0; i < group; i++) {
        size_t j = start + i;
        bound[i] = (bias[j] + scale[j] * products[j]) - slack[j] * error;
        any |= bound[i] > threshold ? 0 : 1;
      }
    } else {
      for (size_t i = 0; i < length; i++) {
        size_t j = start + i;
        bound[i] = (bias[j] + scale[j] * products[j]) - slack[j] * error;
      }
      any = 1;
    }
    if (any == 0) continue;
    for (size_t i = 0; i < length; i++) {
      rows[found] = (uint32_t)(start + i);
      bounds[found] = bound[i];
      found += bound[i] > threshold ? 0 : 1;
    }
  }
  return found;
}
