// Float kernels for AVX2 without FMA.
#if defined(__x86_64__)
#define NDL_TARGET __attribute__((target("avx2")))
#define NDL_SUFFIX _avx2
#define NDL_MULTIPLY_ADD(a, b, c) _mm256_add_ps(_mm256_mul_ps(a, b), c)
#include "float_avx2.h"
#endif
