// One float kernel in its three shapes. Included once per (op, row type, level) with these defined:
//   NDL_KERNEL  the name, ndl_l2_f32     NDL_SUFFIX  _avx2 and so on      NDL_TARGET  the attribute
//   NDL_ROW  component type              NDL_VEC  vector of NDL_WIDTH floats
//   NDL_LOAD(p), NDL_LOAD_TAIL(p, n)     the row's components as floats; a tail has 1...NDL_WIDTH-1,
//   NDL_QUERY(p), NDL_QUERY_TAIL(p, n)   reads no more than n and fills with zeros
//   NDL_STEP(acc, q, x), NDL_ADD(a, b), NDL_ZERO(), NDL_SUM(v), NDL_SUM4(a, b, c, d, out)
//
// Two accumulators per row hide the latency of the addition, and four rows share one horizontal sum.
// One row takes the same steps in the same order as four, so that its bits do not depend on the shape.

#define NDL_F(part) NDL_PASTE(NDL_KERNEL, part, NDL_SUFFIX)

NDL_INLINE NDL_TARGET NDL_VEC NDL_F(_sums)(const float *query, const NDL_ROW *x, size_t d) {
  NDL_VEC a = NDL_ZERO(), b = NDL_ZERO();
  size_t j = 0;
  for (; j + 2 * NDL_WIDTH <= d; j += 2 * NDL_WIDTH) {
    a = NDL_STEP(a, NDL_QUERY(query + j), NDL_LOAD(x + j));
    b = NDL_STEP(b, NDL_QUERY(query + j + NDL_WIDTH), NDL_LOAD(x + j + NDL_WIDTH));
  }
  if (j + NDL_WIDTH <= d) {
    a = NDL_STEP(a, NDL_QUERY(query + j), NDL_LOAD(x + j));
    j += NDL_WIDTH;
  }
  if (j < d) b = NDL_STEP(b, NDL_QUERY_TAIL(query + j, d - j), NDL_LOAD_TAIL(x + j, d - j));
  return NDL_ADD(a, b);
}

NDL_INLINE NDL_TARGET void NDL_F(_four)(
    const float *query, const NDL_ROW *x0, const NDL_ROW *x1, const NDL_ROW *x2, const NDL_ROW *x3,
    size_t d, float *out) {
  NDL_VEC a0 = NDL_ZERO(), a1 = NDL_ZERO(), a2 = NDL_ZERO(), a3 = NDL_ZERO();
  NDL_VEC b0 = NDL_ZERO(), b1 = NDL_ZERO(), b2 = NDL_ZERO(), b3 = NDL_ZERO();
  size_t j = 0;
  for (; j + 2 * NDL_WIDTH <= d; j += 2 * NDL_WIDTH) {
    NDL_VEC p = NDL_QUERY(query + j), q = NDL_QUERY(query + j + NDL_WIDTH);
    a0 = NDL_STEP(a0, p, NDL_LOAD(x0 + j));
    a1 = NDL_STEP(a1, p, NDL_LOAD(x1 + j));
    a2 = NDL_STEP(a2, p, NDL_LOAD(x2 + j));
    a3 = NDL_STEP(a3, p, NDL_LOAD(x3 + j));
    b0 = NDL_STEP(b0, q, NDL_LOAD(x0 + j + NDL_WIDTH));
    b1 = NDL_STEP(b1, q, NDL_LOAD(x1 + j + NDL_WIDTH));
    b2 = NDL_STEP(b2, q, NDL_LOAD(x2 + j + NDL_WIDTH));
    b3 = NDL_STEP(b3, q, NDL_LOAD(x3 + j + NDL_WIDTH));
  }
  if (j + NDL_WIDTH <= d) {
    NDL_VEC p = NDL_QUERY(query + j);
    a0 = NDL_STEP(a0, p, NDL_LOAD(x0 + j));
    a1 = NDL_STEP(a1, p, NDL_LOAD(x1 + j));
    a2 = NDL_STEP(a2, p, NDL_LOAD(x2 + j));
    a3 = NDL_STEP(a3, p, NDL_LOAD(x3 + j));
    j += NDL_WIDTH;
  }
  if (j < d) {
    size_t n = d - j;
    NDL_VEC q = NDL_QUERY_TAIL(query + j, n);
    b0 = NDL_STEP(b0, q, NDL_LOAD_TAIL(x0 + j, n));
    b1 = NDL_STEP(b1, q, NDL_LOAD_TAIL(x1 + j, n));
    b2 = NDL_STEP(b2, q, NDL_LOAD_TAIL(x2 + j, n));
    b3 = NDL_STEP(b3, q, NDL_LOAD_TAIL(x3 + j, n));
  }
  NDL_SUM4(NDL_ADD(a0, b0), NDL_ADD(a1, b1), NDL_ADD(a2, b2), NDL_ADD(a3, b3), out);
}

NDL_TARGET float NDL_F(_row)(const float *query, const void *row, size_t d) {
  return NDL_SUM(NDL_F(_sums)(query, row, d));
}

NDL_TARGET void NDL_F(_block)(
    const float *query, const void *rows, size_t stride, size_t count, size_t d, float *out) {
  const char *x = rows;
  size_t i = 0;
  for (; i + 4 <= count; i += 4, x += 4 * stride)
    NDL_F(_four)(
        query, (const void *)x, (const void *)(x + stride), (const void *)(x + 2 * stride),
        (const void *)(x + 3 * stride), d, out + i);
  for (; i < count; i++, x += stride) out[i] = NDL_SUM(NDL_F(_sums)(query, (const void *)x, d));
}

NDL_TARGET void NDL_F(_gather)(
    const float *query, const void *rows, size_t stride, const uint32_t *ordinals, size_t count,
    size_t d, float *out) {
  const char *x = rows;
  size_t bytes = d * sizeof(NDL_ROW), ahead = 0, i = 0;
  for (; i + 4 <= count; i += 4) {
    for (; ahead < count && ahead < i + 4 + NDL_PREFETCH_ROWS; ahead++)
      ndl_prefetch(x + (size_t)ordinals[ahead] * stride, bytes);
    NDL_F(_four)(
        query, (const void *)(x + (size_t)ordinals[i] * stride),
        (const void *)(x + (size_t)ordinals[i + 1] * stride),
        (const void *)(x + (size_t)ordinals[i + 2] * stride),
        (const void *)(x + (size_t)ordinals[i + 3] * stride), d, out + i);
  }
  for (; i < count; i++)
    out[i] = NDL_SUM(NDL_F(_sums)(query, (const void *)(x + (size_t)ordinals[i] * stride), d));
}

#undef NDL_F
