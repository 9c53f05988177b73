// Float kernels for AVX2 with FMA.
#if defined(__x86_64__)
#define NDL_TARGET __attribute__((target("avx2,fma")))
#define NDL_SUFFIX _avx2_fma
#define NDL_MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#include "float_avx2.h"
#endif
