// The scalar level: what every other level is tested against, and what runs where nothing else does.
#include "ndl_internal.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#define NDL_IDENTITY(x) (x)

// block and gather from row.
#define NDL_SCALAR_SHAPES(kernel, query_type, result)                                         \
  void kernel##_block_scalar(                                                                 \
      const query_type *query, const void *rows, size_t stride, size_t count, size_t d,       \
      result *out) {                                                                          \
    for (size_t i = 0; i < count; i++)                                                        \
      out[i] = kernel##_row_scalar(query, (const char *)rows + i * stride, d);                \
  }                                                                                           \
  void kernel##_gather_scalar(                                                                \
      const query_type *query, const void *rows, size_t stride, const uint32_t *ordinals,     \
      size_t count, size_t d, result *out) {                                                  \
    for (size_t i = 0; i < count; i++) {                                                      \
      const char *row = (const char *)rows + (size_t)ordinals[i] * stride;                    \
      out[i] = kernel##_row_scalar(query, row, d);                                            \
    }                                                                                         \
  }

#define NDL_SCALAR_FLOAT(type, component, widen)                                              \
  float ndl_l2_##type##_row_scalar(const float *query, const void *row, size_t d) {           \
    const component *x = row;                                                                 \
    float sum = 0;                                                                            \
    for (size_t j = 0; j < d; j++) {                                                          \
      float difference = query[j] - widen(x[j]);                                              \
      sum += difference * difference;                                                         \
    }                                                                                         \
    return sum;                                                                               \
  }                                                                                           \
  float ndl_ip_##type##_row_scalar(const float *query, const void *row, size_t d) {           \
    const component *x = row;                                                                 \
    float sum = 0;                                                                            \
    for (size_t j = 0; j < d; j++) sum += query[j] * widen(x[j]);                             \
    return sum;                                                                               \
  }                                                                                           \
  NDL_SCALAR_SHAPES(ndl_l2_##type, float, float)                                              \
  NDL_SCALAR_SHAPES(ndl_ip_##type, float, float)

// The sums run in uint32_t: mixed pairs can pass INT32_MAX, and unsigned arithmetic is defined there.
#define NDL_SCALAR_CODES(pair, row_type, query_type)                                          \
  int32_t ndl_l2_##pair##_row_scalar(const void *query, const void *row, size_t d) {          \
    const query_type *q = query;                                                              \
    const row_type *x = row;                                                                  \
    uint32_t sum = 0;                                                                         \
    for (size_t j = 0; j < d; j++) {                                                          \
      int32_t difference = (int32_t)q[j] - (int32_t)x[j];                                     \
      sum += (uint32_t)(difference * difference);                                             \
    }                                                                                         \
    return (int32_t)sum;                                                                      \
  }                                                                                           \
  int32_t ndl_ip_##pair##_row_scalar(const void *query, const void *row, size_t d) {          \
    const query_type *q = query;                                                              \
    const row_type *x = row;                                                                  \
    uint32_t sum = 0;                                                                         \
    for (size_t j = 0; j < d; j++) sum += (uint32_t)((int32_t)q[j] * (int32_t)x[j]);          \
    return (int32_t)sum;                                                                      \
  }                                                                                           \
  NDL_SCALAR_SHAPES(ndl_l2_##pair, void, int32_t)                                             \
  NDL_SCALAR_SHAPES(ndl_ip_##pair, void, int32_t)

NDL_SCALAR_FLOAT(f32, float, NDL_IDENTITY)
NDL_SCALAR_FLOAT(f16, uint16_t, ndl_scalar_f16_f32)
NDL_SCALAR_FLOAT(bf16, uint16_t, ndl_scalar_bf16_f32)

NDL_SCALAR_CODES(u8u8, uint8_t, uint8_t)
NDL_SCALAR_CODES(u8i8, uint8_t, int8_t)
NDL_SCALAR_CODES(i8u8, int8_t, uint8_t)
NDL_SCALAR_CODES(i8i8, int8_t, int8_t)

#define NDL_SCALAR_WIDEN(name, component, widen)                                              \
  void name##_scalar(const void *in, float *out, size_t count) {                              \
    const component *x = in;                                                                  \
    for (size_t j = 0; j < count; j++) out[j] = widen(x[j]);                                  \
  }
#define NDL_SCALAR_NARROW(name, narrow)                                                       \
  void name##_scalar(const float *in, uint16_t *out, size_t count) {                          \
    for (size_t j = 0; j < count; j++) out[j] = narrow(in[j]);                                \
  }

NDL_SCALAR_WIDEN(ndl_convert_f16_f32, uint16_t, ndl_scalar_f16_f32)
NDL_SCALAR_WIDEN(ndl_convert_bf16_f32, uint16_t, ndl_scalar_bf16_f32)
NDL_SCALAR_WIDEN(ndl_convert_u8_f32, uint8_t, (float))
NDL_SCALAR_WIDEN(ndl_convert_i8_f32, int8_t, (float))
NDL_SCALAR_NARROW(ndl_convert_f32_f16, ndl_scalar_f32_f16)
NDL_SCALAR_NARROW(ndl_convert_f32_bf16, ndl_scalar_f32_bf16)
