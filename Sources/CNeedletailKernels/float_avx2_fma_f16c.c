// Kernels over f16 rows for AVX2 with FMA and F16C.
#if defined(__x86_64__)
#define NDL_HALVES
#define NDL_TARGET __attribute__((target("avx2,fma,f16c")))
#define NDL_SUFFIX _avx2_fma_f16c
#define NDL_MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#include "float_avx2.h"
#endif
