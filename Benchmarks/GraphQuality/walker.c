// One plain best-first walk over the lowest level of a graph, in exact Float distances.
//
// Nothing here knows whose graph it is: every engine's links are walked by these lines, from the same
// row, so that what differs is the graph. Compiled by walker.py when it is first needed.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  float distance;
  uint32_t row;
  uint32_t expanded;
} candidate;

// −(x·y), or the squared Euclidean distance: in eight sums, so that the compiler can use its registers.
static float distance(const float *x, const float *y, int64_t dimensions, int product) {
  float sums[8] = {0};
  int64_t j = 0;
  if (product) {
    for (; j + 8 <= dimensions; j += 8)
      for (int lane = 0; lane < 8; lane++) sums[lane] -= x[j + lane] * y[j + lane];
    for (; j < dimensions; j++) sums[0] -= x[j] * y[j];
  } else {
    for (; j + 8 <= dimensions; j += 8)
      for (int lane = 0; lane < 8; lane++) {
        float difference = x[j + lane] - y[j + lane];
        sums[lane] += difference * difference;
      }
    for (; j < dimensions; j++) sums[0] += (x[j] - y[j]) * (x[j] - y[j]);
  }
  float sum = 0;
  for (int lane = 0; lane < 8; lane++) sum += sums[lane];
  return sum;
}

// Nearer first, ties by row.
static int before(candidate a, float distance, uint32_t row) {
  return a.distance < distance || (a.distance == distance && a.row < row);
}

// The place of a candidate in the sorted pool.
static int64_t place(const candidate *pool, int64_t count, float distance, uint32_t row) {
  int64_t low = 0;
  while (low < count) {
    int64_t middle = (low + count) / 2;
    if (before(pool[middle], distance, row)) low = middle + 1; else count = middle;
  }
  return low;
}

// Walks for every query and writes the `k` nearest rows found (−1 where there are fewer).
//
//   rows     [n, dimensions]   links  [n, degree], rows; ends at the first value that is not below n
//   queries  [count, dimensions]   starts [count], the row where the walk of each query begins
//   found    [count, k]            evaluations, hops [count]: distances computed, rows whose links were read
//
// Returns 0, or 1 when there is no memory.
int needletail_walk(const float *rows, int64_t n, int64_t dimensions, int product,
                    const uint32_t *links, int64_t degree, const float *queries, int64_t count,
                    const uint32_t *starts, int64_t width, int64_t k, int32_t *found,
                    int64_t *evaluations, int64_t *hops) {
  candidate *pool = malloc((size_t)(width + 1) * sizeof *pool);
  uint32_t *visited = calloc((size_t)n, sizeof *visited);
  if (!pool || !visited) {
    free(pool);
    free(visited);
    return 1;
  }
  for (int64_t q = 0; q < count; q++) {
    const float *query = queries + q * dimensions;
    uint32_t mark = (uint32_t)q + 1;
    int64_t size = 1, next = 0;
    pool[0] = (candidate){distance(query, rows + starts[q] * dimensions, dimensions, product),
                          starts[q], 0};
    visited[starts[q]] = mark;
    evaluations[q] = 1;
    hops[q] = 0;
    while (next < size) {
      if (pool[next].expanded) {
        next++;
        continue;
      }
      pool[next].expanded = 1;
      hops[q]++;
      const uint32_t *row = links + (int64_t)pool[next].row * degree;
      for (int64_t i = 0; i < degree && row[i] < n; i++) {
        if (visited[row[i]] == mark) continue;
        visited[row[i]] = mark;
        evaluations[q]++;
        float d = distance(query, rows + row[i] * dimensions, dimensions, product);
        if (size == width && !before((candidate){d, row[i], 0}, pool[size - 1].distance,
                                     pool[size - 1].row))
          continue;
        int64_t at = place(pool, size, d, row[i]);
        memmove(pool + at + 1, pool + at, (size_t)(size - at) * sizeof *pool);
        pool[at] = (candidate){d, row[i], 0};
        if (size < width) size++;
        if (at < next) next = at;
      }
    }
    for (int64_t i = 0; i < k; i++) found[q * k + i] = i < size ? (int32_t)pool[i].row : -1;
  }
  free(pool);
  free(visited);
  return 0;
}
