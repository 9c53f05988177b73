// Which function does what at which level.
#include "ndl_internal.h"

NDL_DECLARE_FLOAT_LEVEL(scalar);
NDL_DECLARE_F16_LEVEL(scalar);
NDL_DECLARE_CODE_LEVEL(scalar);
NDL_DECLARE_CONVERT_LEVEL(scalar);
NDL_DECLARE_CONVERT_F16_LEVEL(scalar);

NDL_TABLE(ndl_table_scalar, NDL_LEVEL_SCALAR, scalar, scalar, scalar, scalar, scalar);

#if defined(__x86_64__)

NDL_DECLARE_FLOAT_LEVEL(avx2);
NDL_DECLARE_FLOAT_LEVEL(avx2_fma);
NDL_DECLARE_F16_LEVEL(avx2_f16c);
NDL_DECLARE_F16_LEVEL(avx2_fma_f16c);
NDL_DECLARE_CODE_LEVEL(avx2);
NDL_DECLARE_CONVERT_LEVEL(avx2);
NDL_DECLARE_CONVERT_F16_LEVEL(avx2_f16c);

// Without F16C, f16 rows fall to scalar.
NDL_TABLE(ndl_table_avx2, NDL_LEVEL_AVX2, avx2, scalar, avx2, avx2, scalar);
NDL_TABLE(ndl_table_avx2_f16c, NDL_LEVEL_AVX2, avx2, avx2_f16c, avx2, avx2, avx2_f16c);
NDL_TABLE(ndl_table_avx2_fma, NDL_LEVEL_AVX2, avx2_fma, scalar, avx2, avx2, scalar);
NDL_TABLE(
    ndl_table_avx2_fma_f16c, NDL_LEVEL_AVX2, avx2_fma, avx2_fma_f16c, avx2, avx2, avx2_f16c);

NDL_DECLARE_FLOAT_LEVEL(avx512);
NDL_DECLARE_F16_LEVEL(avx512);
NDL_DECLARE_CODE_LEVEL(avx512);
NDL_DECLARE_CODE_LEVEL(avx512vnni);
NDL_DECLARE_CONVERT_LEVEL(avx512);
NDL_DECLARE_CONVERT_F16_LEVEL(avx512);

// AVX-512 F has its own multiply-add and half conversions.
NDL_TABLE(ndl_table_avx512, NDL_LEVEL_AVX512, avx512, avx512, avx512, avx512, avx512);
NDL_TABLE(
    ndl_table_avx512vnni, NDL_LEVEL_AVX512_VNNI, avx512, avx512, avx512vnni, avx512, avx512);

#elif defined(__aarch64__)

NDL_DECLARE_FLOAT_LEVEL(neon);
NDL_DECLARE_F16_LEVEL(neon);
NDL_DECLARE_CODE_LEVEL(neon);
NDL_DECLARE_CONVERT_LEVEL(neon);
NDL_DECLARE_CONVERT_F16_LEVEL(neon);

NDL_TABLE(ndl_table_neon, NDL_LEVEL_NEON, neon, neon, neon, neon, neon);

#endif
