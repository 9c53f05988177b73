// Compares the NEON kernels with scalar at every length 0...257, with an unreadable page behind the
// last row. Built and run for arm64 by .ci/neon-check; not a part of the Swift tests.
#include "CNeedletailKernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROWS = 11, LONGEST = 257, GATHERED = 13 };

static long failures = 0, comparisons = 0;

static void check(int holds, const char *what, size_t d) {
  comparisons++;
  if (holds) return;
  if (failures++ < 20) fprintf(stderr, "%s differs at length %zu\n", what, d);
}

static uint64_t state = 1;

static uint32_t draw(void) {
  state += 0x9e3779b97f4a7c15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (uint32_t)((z ^ (z >> 31)) >> 32);
}

static float draw_float(void) { return (float)draw() * 0x1p-31f - 1; }

// The last `count` bytes before a page that may not be touched.
static char *guarded(size_t count) {
  static char *end = NULL;
  if (end == NULL) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = 1u << 16;
    char *start = mmap(
        NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED || mprotect(start + room, page, PROT_NONE) != 0) {
      perror("guard page");
      exit(2);
    }
    end = start + room;
  }
  return end - count;
}

static const uint32_t ordinals[GATHERED] = {10, 3, 3, 0, 9, 1, 2, 10, 8, 7, 6, 5, 4};

// `size` bytes a component; halves are finite.
static void check_float(
    const char *name, const ndl_float_kernels *scalar, const ndl_float_kernels *neon, size_t size,
    int half, int l2) {
  for (size_t d = 0; d <= LONGEST; d++) {
    size_t stride = (d + 1) * size;
    char *rows = guarded((ROWS - 1) * stride + d * size);
    float query[LONGEST], values[LONGEST];
    double bound[ROWS];
    for (size_t j = 0; j < d; j++) query[j] = draw_float();
    for (size_t r = 0; r < ROWS; r++) {
      uint16_t halves[LONGEST];
      for (size_t j = 0; j < d; j++) values[j] = draw_float();
      if (half == 1) {
        ndl_kernels_for(NDL_LEVEL_SCALAR)->convert_f32_f16(values, halves, d);
        ndl_kernels_for(NDL_LEVEL_SCALAR)->convert_f16_f32(halves, values, d);
      } else if (half == 2) {
        ndl_kernels_for(NDL_LEVEL_SCALAR)->convert_f32_bf16(values, halves, d);
        ndl_kernels_for(NDL_LEVEL_SCALAR)->convert_bf16_f32(halves, values, d);
      }
      memcpy(rows + r * stride, half ? (void *)halves : (void *)values, d * size);
      bound[r] = 0;
      for (size_t j = 0; j < d; j++) {
        double q = query[j], x = values[j];
        bound[r] += l2 ? (q - x) * (q - x) : fabs(q * x);
      }
      bound[r] *= (double)d * 0x1p-23;
    }
    float expected[ROWS], block[ROWS], gathered[GATHERED];
    scalar->block(query, rows, stride, ROWS, d, expected);
    neon->block(query, rows, stride, ROWS, d, block);
    neon->gather(query, rows, stride, ordinals, GATHERED, d, gathered);
    for (size_t r = 0; r < ROWS; r++) {
      check(fabs((double)block[r] - (double)expected[r]) <= bound[r], name, d);
      check(neon->row(query, rows + r * stride, d) == block[r], name, d);
    }
    for (size_t i = 0; i < GATHERED; i++) check(gathered[i] == block[ordinals[i]], name, d);
  }
}

static void check_codes(
    const char *name, const ndl_code_kernels *scalar, const ndl_code_kernels *neon) {
  static const uint8_t extremes[4] = {0x80, 0x7f, 0xff, 0x00};
  for (size_t d = 0; d <= LONGEST; d++) {
    for (int extreme = 0; extreme < 2; extreme++) {
      size_t stride = d + 1, bytes = (ROWS - 1) * stride + d;
      uint8_t *rows = (uint8_t *)guarded(bytes), query[LONGEST];
      for (size_t j = 0; j < d; j++) query[j] = (uint8_t)draw();
      for (size_t j = 0; j < bytes; j++) rows[j] = (uint8_t)draw();
      if (extreme) {
        for (size_t j = 0; j < d; j++) query[j] = extremes[draw() & 3];
        for (size_t j = 0; j < bytes; j++) rows[j] = extremes[draw() & 3];
      }
      int32_t expected[ROWS], block[ROWS], gathered[GATHERED];
      scalar->block(query, rows, stride, ROWS, d, expected);
      neon->block(query, rows, stride, ROWS, d, block);
      neon->gather(query, rows, stride, ordinals, GATHERED, d, gathered);
      for (size_t r = 0; r < ROWS; r++) {
        check(block[r] == expected[r], name, d);
        check(neon->row(query, rows + r * stride, d) == expected[r], name, d);
      }
      for (size_t i = 0; i < GATHERED; i++) check(gathered[i] == expected[ordinals[i]], name, d);
    }
  }
}

static void check_conversions(const ndl_kernel_table *scalar, const ndl_kernel_table *neon) {
  enum { ALL = 65536 };
  static uint16_t halves[ALL], back[2][ALL];
  static uint8_t bytes[ALL];
  static float wide[2][ALL];
  for (size_t i = 0; i < ALL; i++) halves[i] = (uint16_t)i, bytes[i] = (uint8_t)i;
#define WIDEN(op, in)                                              \
  scalar->op(in, wide[0], ALL);                                    \
  neon->op(in, wide[1], ALL);                                      \
  for (size_t i = 0; i < ALL; i++)                                 \
    check(memcmp(&wide[0][i], &wide[1][i], 4) == 0, #op, i);       \
  for (size_t n = 0; n <= LONGEST; n++) {                          \
    memset(wide[1], 0x55, sizeof wide[1]);                         \
    neon->op(in, wide[1], n);                                      \
    uint32_t behind;                                               \
    memcpy(&behind, &wide[1][n], 4);                               \
    check(memcmp(wide[0], wide[1], 4 * n) == 0 && behind == 0x55555555u, #op, n); \
  }
#define NARROW(op)                                                 \
  for (int round = 0; round < 8; round++) {                        \
    for (size_t i = 0; i < ALL; i++) {                             \
      uint32_t bits = draw();                                      \
      memcpy(&wide[0][i], &bits, 4);                               \
      if (round & 1) wide[0][i] = draw_float() * 0x1p-14f;         \
      if (round & 2) wide[0][i] = draw_float() * 70000;            \
    }                                                              \
    scalar->op(wide[0], back[0], ALL);                             \
    neon->op(wide[0], back[1], ALL);                               \
    for (size_t i = 0; i < ALL; i++) check(back[0][i] == back[1][i], #op, i); \
  }
  WIDEN(convert_f16_f32, halves)
  WIDEN(convert_bf16_f32, halves)
  WIDEN(convert_u8_f32, bytes)
  WIDEN(convert_i8_f32, bytes)
  NARROW(convert_f32_f16)
  NARROW(convert_f32_bf16)
}

static void check_hops(void) {
  const ndl_hop_kernels *scalar = ndl_hop_kernels_for(NDL_LEVEL_SCALAR);
  const ndl_hop_kernels *neon = ndl_hop_kernels_for(NDL_LEVEL_NEON);
  check(scalar != neon, "hop: no NEON kernels", 0);
  enum { COUNT = 40, BLOCKS = 5 };
  static uint8_t codes[COUNT * BLOCKS * 64], lower[COUNT * BLOCKS * 32];
  static int8_t code[BLOCKS * 64];
  static int32_t norms[COUNT];
  static float terms[4 * COUNT];
  for (uint32_t blocks = 1; blocks <= BLOCKS; blocks++) {
    for (int finish = NDL_FINISH_PRODUCT; finish <= NDL_FINISH_REDUCED; finish++) {
      for (int width = NDL_WIDTH_BYTES; width <= NDL_WIDTH_SPLIT; width++) {
        for (size_t i = 0; i < sizeof codes; i++) codes[i] = (uint8_t)(1 + draw() % 255);
        for (size_t i = 0; i < sizeof lower; i++) lower[i] = (uint8_t)draw();
        for (size_t i = 0; i < sizeof code; i++) code[i] = (int8_t)((int)(draw() % 255) - 127);
        for (size_t i = 0; i < COUNT; i++) norms[i] = (int32_t)(draw() >> 8);
        for (size_t i = 0; i < 4 * COUNT; i++) terms[i] = draw_float();
        int whole = finish == NDL_FINISH_NORM || finish == NDL_FINISH_SCALED_NORM;
        ndl_hop_space space = {
            .codes = codes, .lower = lower,
            .terms = whole ? (const void *)norms : (const void *)terms, .count = COUNT,
            .blocks = blocks, .finish = (ndl_finish)finish, .width = (ndl_width)width};
        ndl_hop_query query = {
            .code = code, .zero = 128 * ndl_code_sum(code, blocks * 64), .offset = 77,
            .scale = 0.37f, .norm_scale = 1.91f, .factor = 0.83f, .norm = 5.5f, .delta = 0.21f};
        for (uint32_t n = 0; n <= COUNT; n++) {
          uint32_t rows[COUNT + NDL_HOP_SLACK];
          ndl_key a[COUNT + NDL_HOP_SLACK], b[COUNT + NDL_HOP_SLACK];
          for (uint32_t i = 0; i < n; i++) rows[i] = draw() % COUNT;
          scalar->score(&space, &query, rows, n, a);
          neon->score(&space, &query, rows, n, b);
          check(memcmp(a, b, n * sizeof *a) == 0, "hop score", n);
          if (n > 0)
            check(
                scalar->nearest(&space, &query, n, n / 2) == neon->nearest(&space, &query, n, n / 2),
                "hop nearest", n);
        }
      }
    }
  }
}

// Whole walks over rows with their neighbours' bits.
static void check_turbo(void) {
  const ndl_turbo_kernels *kernels[2] = {
      ndl_turbo_kernels_for(NDL_LEVEL_SCALAR), ndl_turbo_kernels_for(NDL_LEVEL_NEON)};
  check(kernels[0] != kernels[1], "turbo: no NEON kernels", 0);
  enum { COUNT = 200, BLOCKS = 5, DEGREE = 64, WIDTH = 50 };
  for (uint32_t blocks = 1; blocks <= BLOCKS; blocks++) {
    for (uint32_t degree = 32; degree <= DEGREE; degree += 32) {
      const size_t stride = ndl_turbo_stride(blocks, degree), d = blocks * 64 - 5;
      uint8_t *rows = calloc(COUNT, stride);
      static int8_t code[BLOCKS * 64];
      static float x[BLOCKS * 64];
      for (size_t j = 0; j < d; j++) {
        x[j] = draw_float() * 100;
        code[j] = (int8_t)x[j];
      }
      for (size_t j = d; j < blocks * 64; j++) code[j] = 0;
      for (size_t i = 0; i < COUNT; i++) {
        uint8_t *row = rows + i * stride;
        for (size_t j = 0; j < blocks * 64; j++) row[j] = j < d ? (uint8_t)(1 + draw() % 255) : 128;
        float terms[2] = {1, 0};
        for (size_t j = 0; j < d; j++) terms[1] += (float)((row[j] - 128) * (row[j] - 128));
        memcpy(row + ndl_turbo_terms_at(blocks, degree), terms, sizeof terms);
      }
      for (size_t i = 0; i < COUNT; i++) {
        uint8_t *row = rows + i * stride;
        for (uint32_t place = 0; place < degree; place++) {
          uint32_t link = draw() % COUNT;
          uint32_t factors = ndl_turbo_link(
              row, 1, rows + link * stride, 1, blocks, place % 32,
              row + blocks * 64 + place / 32 * (size_t)blocks * 256);
          memcpy(row + ndl_turbo_factors_at(blocks, degree) + place * 4, &factors, 4);
          memcpy(row + ndl_turbo_links_at(blocks, degree) + place * 4, &link, 4);
        }
      }
      static uint8_t tables[2][BLOCKS * 256];
      static ndl_key pools[2][WIDTH + 4 * DEGREE], bests[2][20];
      uint32_t sizes[2], hops[2];
      for (int level = 0; level < 2; level++) {
        float scale, base;
        kernels[level]->table(x, (uint32_t)d, blocks, tables[level], &scale, &base);
        ndl_hop_space space = {.codes = rows, .count = COUNT, .blocks = blocks, .degree = degree};
        ndl_hop_query query = {
            .code = code, .zero = 128 * ndl_code_sum(code, blocks * 64), .scale = 2, .norm = 7e4f,
            .table = tables[level], .table_scale = scale, .table_base = base};
        uint64_t visited[COUNT / 48 + 1] = {0};
        uint32_t ordinals[4 * DEGREE + NDL_HOP_SLACK];
        ndl_key keys[4 * DEGREE + NDL_HOP_SLACK];
        ndl_hop_links links = {.rows = ordinals, .degree = degree, .count = COUNT};
        ndl_hop_walk walk = {
            .pool = pools[level], .capacity = WIDTH, .window = WIDTH, .least = 5, .end = ~(ndl_key)0,
            .edge = ~(ndl_key)0, .size = 1, .visited = visited, .epoch = 1, .ordinals = ordinals,
            .keys = keys, .breadth = 1, .best = bests[level], .best_capacity = 20};
        walk.pool[0] = kernels[level]->nearest(&space, &query, 64, 3);
        uint32_t first = (uint32_t)walk.pool[0] >> 1;
        visited[first / 48] = 1ull << 48 | 1ull << first % 48;
        while (kernels[level]->gather(&space, &links, &walk) >= 0)
          kernels[level]->settle(&space, &query, &links, &walk);
        sizes[level] = walk.size;
        hops[level] = walk.hops;
      }
      check(memcmp(tables[0], tables[1], blocks * 256) == 0, "turbo table", d);
      check(sizes[0] == sizes[1] && hops[0] == hops[1] && hops[0] >= 20, "turbo hops", d);
      check(memcmp(pools[0], pools[1], sizes[0] * sizeof(ndl_key)) == 0, "turbo pool", d);
      check(memcmp(bests[0], bests[1], sizeof bests[0]) == 0, "turbo best", d);
      free(rows);
    }
  }
}

int main(int count, char **arguments) {
  const ndl_kernel_table *scalar = ndl_kernels_for(NDL_LEVEL_SCALAR);
  if (count > 1 && strcmp(arguments[1], "scalar") == 0) {
    int chosen = ndl_kernels() == scalar && ndl_kernels_for(NDL_LEVEL_NEON) == NULL;
    printf("Without the dot product: %s\n", ndl_level_name(ndl_level_current()));
    return chosen ? 0 : 1;
  }
  const ndl_kernel_table *neon = ndl_kernels_for(NDL_LEVEL_NEON);
  if (neon == NULL || ndl_kernels() != neon) {
    fprintf(stderr, "This processor has no dot-product instructions, or they were not found.\n");
    return 2;
  }
#define FLOATS(kernel, size, half, l2) \
  check_float(#kernel, &scalar->kernel, &neon->kernel, size, half, l2)
#define CODES(kernel) check_codes(#kernel, &scalar->kernel, &neon->kernel)
  FLOATS(l2_f32, 4, 0, 1);
  FLOATS(ip_f32, 4, 0, 0);
  FLOATS(l2_f16, 2, 1, 1);
  FLOATS(ip_f16, 2, 1, 0);
  FLOATS(l2_bf16, 2, 2, 1);
  FLOATS(ip_bf16, 2, 2, 0);
  CODES(l2_u8u8);
  CODES(l2_u8i8);
  CODES(l2_i8u8);
  CODES(l2_i8i8);
  CODES(ip_u8u8);
  CODES(ip_u8i8);
  CODES(ip_i8u8);
  CODES(ip_i8i8);
  check_conversions(scalar, neon);
  check_hops();
  check_turbo();
  printf("NEON against scalar: %ld comparisons, %ld failures\n", comparisons, failures);
  return failures == 0 ? 0 : 1;
}
