// Kernels over f16 rows for AVX2 with F16C, without FMA.
#if defined(__x86_64__)
#define NDL_HALVES
#define NDL_TARGET __attribute__((target("avx2,f16c")))
#define NDL_SUFFIX _avx2_f16c
#define NDL_MULTIPLY_ADD(a, b, c) _mm256_add_ps(_mm256_mul_ps(a, b), c)
#include "float_avx2.h"
#endif
