// One kernel over byte codes in its three shapes, with exact int32 results. Included once per (op,
// pair, level) with these defined:
//   NDL_KERNEL  the name, ndl_ip_u8i8    NDL_SUFFIX  _avx2 and so on      NDL_TARGET  the attribute
//   NDL_VEC  accumulator of int32        NDL_BYTES  what a load of NDL_WIDTH codes gives
//   NDL_LOAD(p), NDL_LOAD_TAIL(p, n)     row codes; a tail has 1...NDL_WIDTH-1, reads no more than n
//   NDL_QUERY(p), NDL_QUERY_TAIL(p, n)   query codes; both tails are filled with zeros
//   NDL_STEP(acc, q, x), NDL_ADD(a, b), NDL_ZERO(), NDL_SUM(v), NDL_SUM4(a, b, c, d, out)
//   NDL_CORRECTION(query, d)             added to each result; depends on the query only
//
// As in the float kernels, four rows share one horizontal sum.

#define NDL_F(part) NDL_PASTE(NDL_KERNEL, part, NDL_SUFFIX)

NDL_INLINE NDL_TARGET NDL_VEC NDL_F(_sums)(const uint8_t *query, const uint8_t *x, size_t d) {
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
    const uint8_t *query, const uint8_t *x0, const uint8_t *x1, const uint8_t *x2,
    const uint8_t *x3, size_t d, int32_t *out) {
  NDL_VEC a0 = NDL_ZERO(), a1 = NDL_ZERO(), a2 = NDL_ZERO(), a3 = NDL_ZERO();
  size_t j = 0;
  for (; j + NDL_WIDTH <= d; j += NDL_WIDTH) {
    NDL_BYTES q = NDL_QUERY(query + j);
    a0 = NDL_STEP(a0, q, NDL_LOAD(x0 + j));
    a1 = NDL_STEP(a1, q, NDL_LOAD(x1 + j));
    a2 = NDL_STEP(a2, q, NDL_LOAD(x2 + j));
    a3 = NDL_STEP(a3, q, NDL_LOAD(x3 + j));
  }
  if (j < d) {
    size_t n = d - j;
    NDL_BYTES q = NDL_QUERY_TAIL(query + j, n);
    a0 = NDL_STEP(a0, q, NDL_LOAD_TAIL(x0 + j, n));
    a1 = NDL_STEP(a1, q, NDL_LOAD_TAIL(x1 + j, n));
    a2 = NDL_STEP(a2, q, NDL_LOAD_TAIL(x2 + j, n));
    a3 = NDL_STEP(a3, q, NDL_LOAD_TAIL(x3 + j, n));
  }
  NDL_SUM4(a0, a1, a2, a3, out);
}

// The sum wraps as the vectors do: the bits are exact, see the header.
NDL_INLINE int32_t NDL_F(_wrap)(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

NDL_TARGET int32_t NDL_F(_row)(const void *query, const void *row, size_t d) {
  int32_t correction = NDL_CORRECTION(query, d);
  return NDL_F(_wrap)(NDL_SUM(NDL_F(_sums)(query, row, d)), correction);
}

NDL_TARGET void NDL_F(_block)(
    const void *query, const void *rows, size_t stride, size_t count, size_t d, int32_t *out) {
  const uint8_t *x = rows;
  int32_t correction = NDL_CORRECTION(query, d);
  size_t i = 0;
  for (; i + 4 <= count; i += 4, x += 4 * stride) {
    NDL_F(_four)(query, x, x + stride, x + 2 * stride, x + 3 * stride, d, out + i);
    for (size_t r = i; r < i + 4; r++) out[r] = NDL_F(_wrap)(out[r], correction);
  }
  for (; i < count; i++, x += stride)
    out[i] = NDL_F(_wrap)(NDL_SUM(NDL_F(_sums)(query, x, d)), correction);
}

NDL_TARGET void NDL_F(_gather)(
    const void *query, const void *rows, size_t stride, const uint32_t *ordinals, size_t count,
    size_t d, int32_t *out) {
  const uint8_t *x = rows;
  int32_t correction = NDL_CORRECTION(query, d);
  size_t ahead = 0, i = 0;
  for (; i + 4 <= count; i += 4) {
    for (; ahead < count && ahead < i + 4 + NDL_PREFETCH_ROWS; ahead++)
      ndl_prefetch(x + (size_t)ordinals[ahead] * stride, d);
    NDL_F(_four)(
        query, x + (size_t)ordinals[i] * stride, x + (size_t)ordinals[i + 1] * stride,
        x + (size_t)ordinals[i + 2] * stride, x + (size_t)ordinals[i + 3] * stride, d, out + i);
    for (size_t r = i; r < i + 4; r++) out[r] = NDL_F(_wrap)(out[r], correction);
  }
  for (; i < count; i++) {
    NDL_VEC sums = NDL_F(_sums)(query, x + (size_t)ordinals[i] * stride, d);
    out[i] = NDL_F(_wrap)(NDL_SUM(sums), correction);
  }
}

#undef NDL_F
