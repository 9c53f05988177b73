// Which instructions this machine has, and the table of functions that follows from it.
#include "ndl_internal.h"

#include <stdatomic.h>
#include <stdlib.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)

// The register state that the operating system saves (XCR0); 0 when it does not say.
static uint64_t ndl_saved_state(uint32_t leaf1_ecx) {
  if ((leaf1_ecx >> 27 & 1) == 0) return 0;  // OSXSAVE
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static uint32_t ndl_detect(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  uint64_t saved = ndl_saved_state(c);
  // Without SSE and AVX state no vector register of 256 bits survives a context switch.
  if ((saved & 0x6) != 0x6 || (c >> 28 & 1) == 0) return 0;
  uint32_t features = 0;
  if (c >> 12 & 1) features |= NDL_FEATURE_FMA;
  if (c >> 29 & 1) features |= NDL_FEATURE_F16C;
  uint32_t a7, b7, c7, d7;
  if (!__get_cpuid_count(7, 0, &a7, &b7, &c7, &d7)) return features;
  if (b7 >> 5 & 1) features |= NDL_FEATURE_AVX2;
  // The upper halves, the upper sixteen registers and the masks.
  if ((saved & 0xe0) != 0xe0) return features;
  // F, DQ, BW, VL; and BMI2, whose shifts the walk uses on these levels.
  uint32_t wanted = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31 | 1u << 8;
  if ((b7 & wanted) != wanted) return features;
  features |= NDL_FEATURE_AVX512;
  if (c7 >> 11 & 1) features |= NDL_FEATURE_AVX512_VNNI;
  if (c7 >> 1 & 1) features |= NDL_FEATURE_AVX512_VBMI;
  if (a7 >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1))
    features |= NDL_FEATURE_AVX512_BF16;
  return features;
}

#elif defined(__aarch64__)

static uint32_t ndl_detect(void) {
#if defined(__APPLE__)
  return NDL_FEATURE_NEON_DOTPROD;  // every arm64 Mac
#elif defined(__linux__)
  return getauxval(AT_HWCAP) >> 20 & 1 ? NDL_FEATURE_NEON_DOTPROD : 0;  // HWCAP_ASIMDDP
#else
  return 0;
#endif
}

#else

static uint32_t ndl_detect(void) { return 0; }

#endif

// The caches below may be filled by two threads at once: both write the same value.

uint32_t ndl_features(void) {
  static _Atomic uint32_t cached = UINT32_MAX;
  uint32_t features = atomic_load_explicit(&cached, memory_order_relaxed);
  if (features == UINT32_MAX) {
    features = ndl_detect();
    atomic_store_explicit(&cached, features, memory_order_relaxed);
  }
  return features;
}

int ndl_has_fma(void) { return (ndl_features() & NDL_FEATURE_FMA) != 0; }
int ndl_has_f16c(void) { return (ndl_features() & NDL_FEATURE_F16C) != 0; }
int ndl_has_avx512_vnni(void) { return (ndl_features() & NDL_FEATURE_AVX512_VNNI) != 0; }

const char *ndl_level_name(ndl_level level) {
  switch (level) {
    case NDL_LEVEL_AVX2: return "avx2";
    case NDL_LEVEL_AVX512: return "avx512";
    case NDL_LEVEL_AVX512_VNNI: return "avx512vnni";
    case NDL_LEVEL_NEON: return "neon";
    default: return "scalar";
  }
}

int ndl_level_is_available(ndl_level level, uint32_t features) {
  uint32_t avx512 = NDL_FEATURE_AVX2 | NDL_FEATURE_AVX512;
  uint32_t needed;
  switch (level) {
    case NDL_LEVEL_SCALAR: needed = 0; break;
    case NDL_LEVEL_AVX2: needed = NDL_FEATURE_AVX2; break;
    case NDL_LEVEL_AVX512: needed = avx512; break;
    case NDL_LEVEL_AVX512_VNNI: needed = avx512 | NDL_FEATURE_AVX512_VNNI; break;
    case NDL_LEVEL_NEON: needed = NDL_FEATURE_NEON_DOTPROD; break;
    default: return 0;
  }
  return (features & needed) == needed;
}

ndl_level ndl_level_choose(uint32_t features, const char *NDL_NULLABLE forced) {
  ndl_level start = NDL_LEVEL_AVX512_VNNI;
  if (ndl_level_is_available(NDL_LEVEL_NEON, features)) start = NDL_LEVEL_NEON;
  if (forced != NULL) {
    for (int i = 0; i < NDL_LEVEL_COUNT; i++)
      if (strcmp(forced, ndl_level_name((ndl_level)i)) == 0) start = (ndl_level)i;
  }
  // NEON stands directly above scalar; the levels of x86 form a ladder.
  int level = (int)start;
  while (level > 0 && !ndl_level_is_available((ndl_level)level, features))
    level = level == NDL_LEVEL_NEON ? NDL_LEVEL_SCALAR : level - 1;
  return (ndl_level)level;
}

ndl_level ndl_level_current(void) {
  static _Atomic int cached = -1;
  int level = atomic_load_explicit(&cached, memory_order_relaxed);
  if (level >= 0) return (ndl_level)level;
  int chosen = (int)ndl_level_choose(ndl_features(), getenv("NEEDLETAIL_ISA"));
  // The first to finish decides for all, should the environment change in between.
  if (atomic_compare_exchange_strong_explicit(
          &cached, &level, chosen, memory_order_relaxed, memory_order_relaxed))
    return (ndl_level)chosen;
  return (ndl_level)level;
}

const ndl_kernel_table *NDL_NULLABLE ndl_kernels_for(ndl_level level) {
  return ndl_kernels_for_features(level, UINT32_MAX);
}

const ndl_kernel_table *NDL_NULLABLE ndl_kernels_for_features(ndl_level level, uint32_t features) {
  features &= ndl_features();
  if (!ndl_level_is_available(level, features)) return NULL;
  switch (level) {
#if defined(__x86_64__)
    case NDL_LEVEL_AVX2:
      if (features & NDL_FEATURE_FMA)
        return features & NDL_FEATURE_F16C ? &ndl_table_avx2_fma_f16c : &ndl_table_avx2_fma;
      return features & NDL_FEATURE_F16C ? &ndl_table_avx2_f16c : &ndl_table_avx2;
    case NDL_LEVEL_AVX512: return &ndl_table_avx512;
    case NDL_LEVEL_AVX512_VNNI: return &ndl_table_avx512vnni;
#elif defined(__aarch64__)
    case NDL_LEVEL_NEON: return &ndl_table_neon;
#endif
    default: return &ndl_table_scalar;
  }
}

const ndl_kernel_table *ndl_kernels(void) {
  const ndl_kernel_table *table = ndl_kernels_for(ndl_level_current());
  return table != NULL ? table : &ndl_table_scalar;
}

void ndl_convert_f16_f32(const uint16_t *in, float *out, size_t count) {
  ndl_kernels()->convert_f16_f32(in, out, count);
}
void ndl_convert_bf16_f32(const uint16_t *in, float *out, size_t count) {
  ndl_kernels()->convert_bf16_f32(in, out, count);
}
void ndl_convert_u8_f32(const uint8_t *in, float *out, size_t count) {
  ndl_kernels()->convert_u8_f32(in, out, count);
}
void ndl_convert_i8_f32(const int8_t *in, float *out, size_t count) {
  ndl_kernels()->convert_i8_f32(in, out, count);
}
void ndl_convert_f32_f16(const float *in, uint16_t *out, size_t count) {
  ndl_kernels()->convert_f32_f16(in, out, count);
}
void ndl_convert_f32_bf16(const float *in, uint16_t *out, size_t count) {
  ndl_kernels()->convert_f32_bf16(in, out, count);
}
