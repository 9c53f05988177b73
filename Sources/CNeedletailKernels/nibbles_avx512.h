// The products of four rows of nibbles, for either kind of AVX-512. The including file defines NDL_TARGET,
// NDL_HOP, NDL_NIBBLES(sum, v, low, high) and `halves`.

// The last half line of an odd number of blocks is read as a whole one, without the bytes behind it.
NDL_TARGET static inline void NDL_HOP(nibbles4)(
    const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const int8_t *query,
    uint32_t blocks, int32_t *dots) {
  __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
  size_t j = 0;
  for (; j + 64 <= (size_t)blocks * 32; j += 64) {
    __m512i low = _mm512_loadu_si512(query + 2 * j), high = _mm512_loadu_si512(query + 2 * j + 64);
    s0 = NDL_NIBBLES(s0, _mm512_loadu_si512(a + j), low, high);
    s1 = NDL_NIBBLES(s1, _mm512_loadu_si512(b + j), low, high);
    s2 = NDL_NIBBLES(s2, _mm512_loadu_si512(c + j), low, high);
    s3 = NDL_NIBBLES(s3, _mm512_loadu_si512(d + j), low, high);
  }
  if (j < (size_t)blocks * 32) {
    const __mmask16 half = 0xff;
    __m512i low = _mm512_maskz_loadu_epi32(half, query + 2 * j);
    __m512i high = _mm512_maskz_loadu_epi32(half, query + 2 * j + 32);
    s0 = NDL_NIBBLES(s0, _mm512_maskz_loadu_epi32(half, a + j), low, high);
    s1 = NDL_NIBBLES(s1, _mm512_maskz_loadu_epi32(half, b + j), low, high);
    s2 = NDL_NIBBLES(s2, _mm512_maskz_loadu_epi32(half, c + j), low, high);
    s3 = NDL_NIBBLES(s3, _mm512_maskz_loadu_epi32(half, d + j), low, high);
  }
  __m256i pairs = _mm256_hadd_epi32(
      _mm256_hadd_epi32(NDL_HOP(halves)(s0), NDL_HOP(halves)(s1)),
      _mm256_hadd_epi32(NDL_HOP(halves)(s2), NDL_HOP(halves)(s3)));
  __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  _mm_storeu_si128((__m128i *)dots, sums);
}
