// All float kernels of one level over f32 and bf16 rows, or over f16 rows when NDL_HALVES is defined.
// The level defines NDL_VEC, NDL_WIDTH, NDL_TARGET, NDL_SUFFIX, the sums, NDL_QUERY(_TAIL),
// NDL_LOAD_<TYPE>(_TAIL) for its types, NDL_STEP_L2 and NDL_STEP_IP.

#ifndef NDL_HALVES

#define NDL_ROW float
#define NDL_LOAD NDL_LOAD_F32
#define NDL_LOAD_TAIL NDL_LOAD_F32_TAIL
#define NDL_KERNEL ndl_l2_f32
#define NDL_STEP NDL_STEP_L2
#include "float_template.h"
#undef NDL_KERNEL
#undef NDL_STEP
#define NDL_KERNEL ndl_ip_f32
#define NDL_STEP NDL_STEP_IP
#include "float_template.h"
#undef NDL_KERNEL
#undef NDL_STEP
#undef NDL_LOAD
#undef NDL_LOAD_TAIL
#undef NDL_ROW

#define NDL_ROW uint16_t
#define NDL_LOAD NDL_LOAD_BF16
#define NDL_LOAD_TAIL NDL_LOAD_BF16_TAIL
#define NDL_KERNEL ndl_l2_bf16
#define NDL_STEP NDL_STEP_L2
#include "float_template.h"
#undef NDL_KERNEL
#undef NDL_STEP
#define NDL_KERNEL ndl_ip_bf16
#define NDL_STEP NDL_STEP_IP
#include "float_template.h"
#undef NDL_KERNEL
#undef NDL_STEP
#undef NDL_LOAD
#undef NDL_LOAD_TAIL
#undef NDL_ROW

#else

#define NDL_ROW uint16_t
#define NDL_LOAD NDL_LOAD_F16
#define NDL_LOAD_TAIL NDL_LOAD_F16_TAIL
#define NDL_KERNEL ndl_l2_f16
#define NDL_STEP NDL_STEP_L2
#include "float_template.h"
#undef NDL_KERNEL
#undef NDL_STEP
#define NDL_KERNEL ndl_ip_f16
#define NDL_STEP NDL_STEP_IP
#include "float_template.h"
#undef NDL_KERNEL
#undef NDL_STEP
#undef NDL_LOAD
#undef NDL_LOAD_TAIL
#undef NDL_ROW

#endif
