// Every way to call wrongly that a library can notice.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

#define INVALID NEEDLETAIL_INVALID_CONFIGURATION
#define TOO_MUCH NEEDLETAIL_CAPACITY_EXCEEDED

static needletail_build_options good_options(void) {
  needletail_build_options options = NEEDLETAIL_BUILD_OPTIONS_INIT;
  options.dimensions = DIMENSIONS;
  options.metric = NEEDLETAIL_L2;
  return options;
}

const char *check_errors_of_build(const char *directory) {
  float *rows = client_rows(8, 1);
  char *path = client_path(directory, "index");
  needletail_rows part = {.components = rows, .count = 8};
  needletail_build_options options = good_options();

#define BUILD() needletail_build(path, &options, &part, 1, NULL, NULL)
#define WITH(status, field, value, text) \
  do { \
    options = good_options(); \
    options.field = (value); \
    EXPECT_ERROR(status, text, BUILD()); \
  } while (0)

  EXPECT_ERROR(INVALID, "path is NULL", needletail_build(NULL, &options, &part, 1, NULL, NULL));
  EXPECT_ERROR(INVALID, "path is empty", needletail_build("", &options, &part, 1, NULL, NULL));
  EXPECT_ERROR(INVALID, "UTF-8", needletail_build("a\xff", &options, &part, 1, NULL, NULL));
  EXPECT_ERROR(INVALID, "options is NULL", needletail_build(path, NULL, &part, 1, NULL, NULL));
  EXPECT_ERROR(INVALID, "parts is NULL", needletail_build(path, &options, NULL, 1, NULL, NULL));
  EXPECT_ERROR(TOO_MUCH, "part_count",
               needletail_build(path, &options, &part, UINT64_MAX, NULL, NULL));
  EXPECT_ERROR(TOO_MUCH, "parts", needletail_build(path, &options, &part, INT64_MAX, NULL, NULL));

  WITH(INVALID, metric, 0, "metric is 0");
  WITH(INVALID, metric, 4, "metric is 4");
  WITH(INVALID, metric, -1, "metric is -1");
  WITH(INVALID, dimensions, 0, "dimensions is 0");
  WITH(TOO_MUCH, dimensions, 16385, "16384");
  WITH(TOO_MUCH, dimensions, UINT64_MAX, "dimensions");
  WITH(INVALID, m, 1, "m is 1");
  WITH(TOO_MUCH, m, 129, "m is 129");
  WITH(TOO_MUCH, m, UINT64_MAX, "options->m");
  WITH(TOO_MUCH, ef_construction, INT64_MAX, "efConstruction");
  WITH(TOO_MUCH, ef_construction, UINT64_MAX, "ef_construction");
  WITH(INVALID, rows, 5, "options->rows is 5");
  WITH(INVALID, codes, -2, "options->codes is -2");
  WITH(INVALID, mode, 3, "options->mode is 3");
  options = good_options();
  options.mode = NEEDLETAIL_MODE_TURBO;
  options.m = 8;
  EXPECT_ERROR(INVALID, "m is 8", BUILD());
  options.m = 16;
  options.metric = NEEDLETAIL_INNER_PRODUCT;
  EXPECT_ERROR(INVALID, "inner product", BUILD());
  WITH(INVALID, struct_size, 0, "NEEDLETAIL_BUILD_OPTIONS_INIT");
  WITH(INVALID, struct_size, sizeof options - 1, "struct_size");
  WITH(INVALID, struct_size, UINT32_MAX, "struct_size");
  options = good_options();
  options.codes = NEEDLETAIL_CODES_NONE;
  options.rows = NEEDLETAIL_KEEP_NONE;
  EXPECT_ERROR(INVALID, "neither", BUILD());

  // None of these left anything behind.
  options = good_options();
  options.threads = UINT32_MAX;
  EXPECT_OK(BUILD());
  EXPECT_ERROR(NEEDLETAIL_ALREADY_EXISTS, "exists", BUILD());
  char *nowhere = client_path(directory, "no/such/place");
  needletail_index *index = NULL;
  EXPECT(needletail_build(nowhere, &options, &part, 1, NULL, &index) != NEEDLETAIL_OK);
  EXPECT(index == NULL && client_message_has("no/such"));
  free(nowhere);
  free(path);
  free(rows);
  return NULL;
#undef BUILD
#undef WITH
}

const char *check_errors_of_rows(const char *directory) {
  float *rows = client_rows(8, 1);
  char *path = client_path(directory, "index");
  needletail_build_options options = good_options();
  uint64_t ids[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  needletail_rows part;

#define WITH(status, field, value, text) \
  do { \
    part = (needletail_rows){.components = rows, .ids = ids, .count = 8}; \
    part.field = (value); \
    EXPECT_ERROR(status, text, needletail_build(path, &options, &part, 1, NULL, NULL)); \
  } while (0)

  WITH(INVALID, components, NULL, "components is NULL for 8 rows");
  WITH(INVALID, components, (const char *)rows + 1, "multiple of 4");
  WITH(INVALID, ids, (const uint64_t *)(const void *)((const char *)ids + 4), "parts[0].ids");
  WITH(INVALID, row_stride, DIMENSIONS * 4 - 4, "row_stride is 44");
  WITH(INVALID, row_stride, DIMENSIONS * 4 + 2, "row_stride is 50");
  WITH(TOO_MUCH, row_stride, UINT64_MAX, "row_stride");
  WITH(TOO_MUCH, row_stride, (uint64_t)INT64_MAX & ~(uint64_t)3, "parts[0]");
  WITH(INVALID, element, 4, "element is 4");
  WITH(INVALID, element, -1, "element is -1");
  WITH(INVALID, reserved, 1, "reserved");
  WITH(TOO_MUCH, count, UINT64_MAX, "count");
  WITH(TOO_MUCH, count, INT64_MAX, "count");
  WITH(TOO_MUCH, count, (uint64_t)1 << 31, "2147483648");

  ids[5] = 2;
  WITH(NEEDLETAIL_ALREADY_EXISTS, components, rows, "id 2");
  ids[5] = NEEDLETAIL_NO_ID;
  WITH(INVALID, components, rows, "ids[5]");
  ids[5] = 5;
  rows[13] = NAN;
  WITH(NEEDLETAIL_NON_FINITE_COMPONENT, components, rows, "component 1");
  rows[13] = -INFINITY;
  WITH(NEEDLETAIL_NON_FINITE_COMPONENT, components, rows, "Row 1");
  rows[13] = 3e38f;
  WITH(NEEDLETAIL_NON_FINITE_COMPONENT, components, rows, "squared norm");
  memset(rows + 2 * DIMENSIONS, 0, DIMENSIONS * 4);
  rows[13] = 0.5f;
  options.metric = NEEDLETAIL_COSINE;
  WITH(NEEDLETAIL_ZERO_VECTOR, components, rows, "Row 2");

  // Ids that are counted through the parts meet the caller's own.
  needletail_rows parts[2] = {{.components = rows, .ids = ids + 1, .count = 2},
                              {.components = rows + 3 * DIMENSIONS, .count = 2}};
  EXPECT_ERROR(NEEDLETAIL_ALREADY_EXISTS, "id 2",
               needletail_build(path, &options, parts, 2, NULL, NULL));
  // No rows at all make an index that finds nothing.
  needletail_index *index = NULL;
  EXPECT_OK(needletail_build(path, &options, NULL, 0, NULL, &index));
  uint64_t found = 9, id;
  float distance;
  EXPECT_OK(needletail_search(index, rows, DIMENSIONS, 1, NULL, &id, &distance, &found, NULL));
  EXPECT(found == 0 && id == NEEDLETAIL_NO_ID && isinf(distance));
  needletail_queries queries = {.components = rows, .count = 1, .dimensions = DIMENSIONS};
  EXPECT_OK(needletail_search_batch(index, &queries, 1, NULL, &id, &distance, &found, NULL));
  EXPECT(found == 0 && id == NEEDLETAIL_NO_ID);
  EXPECT_OK(needletail_get_ids(index, NULL, 0));
  needletail_close(index);
  free(path);
  free(rows);
  return NULL;
#undef WITH
}

const char *check_errors_of_open(const char *directory) {
  float *rows = client_rows(ROWS, 1);
  needletail_index *index = client_index(directory, rows, NEEDLETAIL_L2);
  EXPECT(index != NULL);
  needletail_close(index);
  char *path = client_path(directory, "index");
  char *other = client_path(directory, "other");
  EXPECT_ERROR(INVALID, "path is NULL", needletail_open(NULL, NULL, &index));
  EXPECT_ERROR(INVALID, "index is NULL", needletail_open(path, NULL, NULL));
  index = (needletail_index *)(void *)path;
  EXPECT_ERROR(NEEDLETAIL_NOT_FOUND, "other", needletail_open(other, NULL, &index));
  EXPECT(index == NULL);
  EXPECT(needletail_open(directory, NULL, &index) != NEEDLETAIL_OK && index == NULL);

  needletail_open_options options;
#define WITH(field, value, text) \
  do { \
    options = (needletail_open_options)NEEDLETAIL_OPEN_OPTIONS_INIT; \
    options.field = (value); \
    EXPECT_ERROR(INVALID, text, needletail_open(path, &options, &index)); \
  } while (0)
  WITH(codes, 3, "options->codes is 3");
  WITH(graph, -1, "options->graph is -1");
  WITH(rows, 9, "options->rows is 9");
  WITH(ids, 3, "options->ids is 3");
  WITH(verification, 2, "options->verification is 2");
  WITH(struct_size, 0, "NEEDLETAIL_OPEN_OPTIONS_INIT");
#undef WITH

  needletail_information information = NEEDLETAIL_INFORMATION_INIT;
  EXPECT_ERROR(INVALID, "index is NULL", needletail_get_information(NULL, &information));
  EXPECT_OK(needletail_open(path, NULL, &index));
  EXPECT_ERROR(INVALID, "information is NULL", needletail_get_information(index, NULL));
  information.struct_size = 8;
  EXPECT_ERROR(INVALID, "INFORMATION_INIT", needletail_get_information(index, &information));
  uint64_t ids[1];
  EXPECT_ERROR(INVALID, "index is NULL", needletail_get_ids(NULL, ids, 1));
  EXPECT_ERROR(INVALID, "ids is NULL", needletail_get_ids(index, NULL, ROWS));
  EXPECT_ERROR(INVALID, "index is NULL", needletail_get_vectors(NULL, ids, 1, rows));
  needletail_close(index);
  free(path);
  free(other);
  free(rows);
  return NULL;
}

const char *check_errors_of_search(const char *directory) {
  float *rows = client_rows(ROWS, 1);
  needletail_index *index = client_index(directory, rows, NEEDLETAIL_COSINE);
  EXPECT(index != NULL);
  uint64_t ids[4], found = 0;
  float distances[4], zeros[DIMENSIONS] = {0};

#define SEARCH(query, k, options) \
  needletail_search(index, query, DIMENSIONS, k, options, ids, distances, &found, NULL)
  EXPECT_ERROR(INVALID, "index is NULL",
               needletail_search(NULL, rows, DIMENSIONS, 4, NULL, ids, distances, NULL, NULL));
  EXPECT_ERROR(INVALID, "query is NULL", SEARCH(NULL, 4, NULL));
  EXPECT_ERROR(INVALID, "ids is NULL",
               needletail_search(index, rows, DIMENSIONS, 4, NULL, NULL, distances, NULL, NULL));
  EXPECT_ERROR(INVALID, "distances is NULL",
               needletail_search(index, rows, DIMENSIONS, 4, NULL, ids, NULL, NULL, NULL));
  EXPECT_ERROR(INVALID, "query is at",
               SEARCH((const float *)(const void *)((const char *)rows + 2), 4, NULL));
  EXPECT_ERROR(INVALID, "k is 0", SEARCH(rows, 0, NULL));
  EXPECT_ERROR(TOO_MUCH, "k is 1048577", SEARCH(rows, 1048577, NULL));
  EXPECT_ERROR(TOO_MUCH, "k is 18446744073709551615", SEARCH(rows, UINT64_MAX, NULL));
  EXPECT_ERROR(NEEDLETAIL_DIMENSION_MISMATCH, "11 components",
               needletail_search(index, rows, 11, 4, NULL, ids, distances, NULL, NULL));
  EXPECT_ERROR(TOO_MUCH, "dimensions",
               needletail_search(index, rows, UINT64_MAX, 4, NULL, ids, distances, NULL, NULL));
  EXPECT_ERROR(NEEDLETAIL_ZERO_VECTOR, "zero", SEARCH(zeros, 4, NULL));
  zeros[3] = NAN;
  EXPECT_ERROR(NEEDLETAIL_NON_FINITE_COMPONENT, "3", SEARCH(zeros, 4, NULL));

  needletail_search_options options;
#define WITH(status, field, value, text) \
  do { \
    options = (needletail_search_options)NEEDLETAIL_SEARCH_OPTIONS_INIT; \
    options.field = (value); \
    EXPECT_ERROR(status, text, SEARCH(rows, 4, &options)); \
  } while (0)
  WITH(TOO_MUCH, ef, 1048577, "1048577");
  WITH(TOO_MUCH, ef, UINT64_MAX, "options->ef");
  WITH(INVALID, recall, NAN, "recall is nan");
  WITH(INVALID, recall, -0.5f, "recall is -0.5");
  WITH(INVALID, recall, 1.5f, "recall is 1.5");
  options = (needletail_search_options)NEEDLETAIL_SEARCH_OPTIONS_INIT;
  options.ef = 64;
  options.recall = 0.9f;
  EXPECT_ERROR(INVALID, "one of them", SEARCH(rows, 4, &options));
  WITH(INVALID, reserved, 1, "reserved");
  WITH(INVALID, rerank, -2, "rerank is -2");
  WITH(TOO_MUCH, rerank, INT64_MAX, "rerank");
  WITH(INVALID, struct_size, 3, "NEEDLETAIL_SEARCH_OPTIONS_INIT");
#undef WITH
  options = (needletail_search_options)NEEDLETAIL_SEARCH_OPTIONS_INIT;
  options.rerank = NEEDLETAIL_RERANK_NONE;
  options.evaluation_limit = UINT64_MAX;
  options.threads = UINT32_MAX;
  EXPECT_OK(SEARCH(rows, 4, &options));
  options.rerank = 1;
  EXPECT_OK(SEARCH(rows, 4, &options));
  EXPECT(found == 4 && ids[0] == 0);
#undef SEARCH
  needletail_close(index);
  free(rows);
  return NULL;
}

const char *check_errors_of_batch(const char *directory) {
  float *rows = client_rows(ROWS, 1);
  needletail_index *index = client_index(directory, rows, NEEDLETAIL_L2);
  EXPECT(index != NULL);
  uint64_t ids[8];
  float distances[8];
  needletail_queries queries;

#define SEARCH(k) needletail_search_batch(index, &queries, k, NULL, ids, distances, NULL, NULL)
#define WITH(status, field, value, text) \
  do { \
    queries = \
        (needletail_queries){.components = rows, .count = 4, .dimensions = DIMENSIONS}; \
    queries.field = (value); \
    EXPECT_ERROR(status, text, SEARCH(2)); \
  } while (0)
  WITH(INVALID, components, NULL, "components is NULL for 4");
  WITH(INVALID, components, (const char *)rows + 3, "multiple of 4");
  WITH(NEEDLETAIL_DIMENSION_MISMATCH, dimensions, 13, "13 components");
  WITH(NEEDLETAIL_DIMENSION_MISMATCH, dimensions, UINT64_MAX, "18446744073709551615");
  WITH(INVALID, row_stride, 4, "row_stride is 4");
  WITH(INVALID, element, 17, "element is 17");
  WITH(INVALID, reserved, 1, "reserved");
  WITH(TOO_MUCH, count, UINT64_MAX, "count");
  WITH(TOO_MUCH, count, INT64_MAX, "queries");
  WITH(TOO_MUCH, count, (uint64_t)1 << 40, "1099511627776");
  queries = (needletail_queries){.components = rows, .count = 4, .dimensions = DIMENSIONS};
  EXPECT_ERROR(INVALID, "queries is NULL",
               needletail_search_batch(index, NULL, 2, NULL, ids, distances, NULL, NULL));
  EXPECT_ERROR(INVALID, "k is 0", SEARCH(0));
  EXPECT_ERROR(TOO_MUCH, "k is", SEARCH(UINT64_MAX));
  EXPECT_ERROR(INVALID, "found is at",
               needletail_search_batch(index, &queries, 2, NULL, ids, distances,
                                       (uint64_t *)(void *)((char *)ids + 1), NULL));
  // One bad query fails the call, and is named.
  rows[3 * DIMENSIONS + 2] = NAN;
  EXPECT_ERROR(NEEDLETAIL_NON_FINITE_COMPONENT, "Query 3", SEARCH(2));
  queries.count = 0;
  queries.components = NULL;
  EXPECT_OK(SEARCH(2));
#undef SEARCH
#undef WITH
  needletail_close(index);
  free(rows);
  return NULL;
}

const char *check_errors_of_tuning(const char *directory) {
  float *rows = client_rows(ROWS, 1);
  needletail_index *index = client_index(directory, rows, NEEDLETAIL_L2), *tuned = NULL;
  EXPECT(index != NULL);
  EXPECT_ERROR(INVALID, "index is NULL", needletail_tune(NULL, NULL, NULL, &tuned));
  EXPECT_ERROR(INVALID, "tuned is NULL", needletail_tune(index, NULL, NULL, NULL));
  needletail_tune_options options;
  needletail_queries queries;
#define WITH(status, structure, field, value, text) \
  do { \
    queries = \
        (needletail_queries){.components = rows, .count = 4, .dimensions = DIMENSIONS}; \
    options = (needletail_tune_options)NEEDLETAIL_TUNE_OPTIONS_INIT; \
    options.queries = &queries; \
    structure.field = (value); \
    EXPECT_ERROR(status, text, needletail_tune(index, &options, NULL, &tuned)); \
    EXPECT(tuned == NULL); \
  } while (0)
  WITH(INVALID, options, struct_size, 5, "NEEDLETAIL_TUNE_OPTIONS_INIT");
  WITH(TOO_MUCH, options, k, UINT64_MAX, "options->k");
  WITH(INVALID, options, queries, (const needletail_queries *)(const void *)((char *)rows + 4), "");
  WITH(INVALID, queries, components, NULL, "options->queries.components is NULL");
  WITH(NEEDLETAIL_DIMENSION_MISMATCH, queries, dimensions, 3, "3 components");
  WITH(INVALID, queries, element, 9, "element is 9");
  WITH(INVALID, queries, reserved, 9, "reserved");
  WITH(TOO_MUCH, queries, count, UINT64_MAX, "count");
  rows[5] = NAN;
  WITH(NEEDLETAIL_NON_FINITE_COMPONENT, queries, reserved, 0, "5");
#undef WITH
  needletail_close(index);
  free(rows);
  return NULL;
}

const char *check_sizes_of_structures(const char *directory) {
  float *rows = client_rows(ROWS, 1);
  needletail_index *index = client_index(directory, rows, NEEDLETAIL_L2);
  EXPECT(index != NULL);
  // As a program would be that was compiled against a later header.
  struct {
    needletail_search_options known;
    uint64_t later;
  } options = {NEEDLETAIL_SEARCH_OPTIONS_INIT, 0};
  options.known.struct_size = sizeof options;
  uint64_t id;
  float distance;
  EXPECT_OK(
      needletail_search(index, rows, DIMENSIONS, 1, &options.known, &id, &distance, NULL, NULL));
  options.later = (uint64_t)1 << 56;
  EXPECT_ERROR(
      NEEDLETAIL_UNSUPPORTED_FORMAT, "byte 47",
      needletail_search(index, rows, DIMENSIONS, 1, &options.known, &id, &distance, NULL, NULL));

  struct {
    needletail_information known;
    uint64_t later;
  } information = {NEEDLETAIL_INFORMATION_INIT, 99};
  information.known.struct_size = sizeof information;
  EXPECT_OK(needletail_get_information(index, &information.known));
  EXPECT(information.known.count == ROWS && information.later == 0);
  EXPECT(information.known.struct_size == sizeof information);
  needletail_close(index);
  free(rows);
  return NULL;
}
