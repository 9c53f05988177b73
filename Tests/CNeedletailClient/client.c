#include "CNeedletailClient.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

static _Thread_local char failure[4096];

const char *client_fail(const char *file, int line, const char *what) {
  snprintf(failure, sizeof failure, "%s:%d: %s; last error: %s", file, line, what,
           needletail_last_error());
  return failure;
}

int client_message_has(const char *part) { return strstr(needletail_last_error(), part) != NULL; }

float *client_rows(size_t count, uint64_t seed) {
  float *rows = malloc(count * DIMENSIONS * sizeof *rows);
  if (!rows) abort();
  for (size_t i = 0; i < count * DIMENSIONS; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    rows[i] = (float)(int32_t)(seed >> 32) / 2147483648.0f;
  }
  return rows;
}

char *client_path(const char *directory, const char *name) {
  size_t length = strlen(directory) + strlen(name) + 2;
  char *path = malloc(length);
  if (!path) abort();
  snprintf(path, length, "%s/%s", directory, name);
  return path;
}

needletail_index *client_index(const char *directory, const float *rows, int32_t metric) {
  needletail_build_options options = NEEDLETAIL_BUILD_OPTIONS_INIT;
  options.dimensions = DIMENSIONS;
  options.metric = metric;
  options.threads = 2;
  needletail_rows part = {.components = rows, .count = ROWS};
  char *path = client_path(directory, "index");
  needletail_index *index = NULL;
  needletail_build(path, &options, &part, 1, NULL, &index);
  free(path);
  return index;
}

static const char *check_the_library_says_what_it_is(const char *directory) {
  (void)directory;
  EXPECT(needletail_abi_version() == NEEDLETAIL_ABI_VERSION);
  EXPECT(strlen(needletail_version()) >= 5);
  EXPECT(strlen(needletail_kernel_level()) >= 4);
  EXPECT(needletail_last_error() != NULL);
  EXPECT(strcmp(needletail_status_name(NEEDLETAIL_OK), "ok") == 0);
  EXPECT(strcmp(needletail_status_name(NEEDLETAIL_IO), "io") == 0);
  EXPECT(strcmp(needletail_status_name(NEEDLETAIL_OTHER), "other") == 0);
  EXPECT(strcmp(needletail_status_name(-1), "unknown") == 0);
  EXPECT(strcmp(needletail_status_name(15), "unknown") == 0);
  return NULL;
}

static const char *check_a_row_finds_itself(const char *directory) {
  float *rows = client_rows(ROWS, 1);
  needletail_index *index = client_index(directory, rows, NEEDLETAIL_L2);
  EXPECT(index != NULL);
  uint64_t ids[5], found = 0;
  float distances[5];
  needletail_search_statistics statistics = NEEDLETAIL_SEARCH_STATISTICS_INIT;
  for (size_t i = 0; i < ROWS; i++) {
    EXPECT_OK(needletail_search(
        index, rows + i * DIMENSIONS, DIMENSIONS, 5, NULL, ids, distances, &found, &statistics));
    EXPECT(found == 5 && ids[0] == i && distances[0] == 0);
    EXPECT(distances[0] <= distances[1] && distances[3] <= distances[4]);
    EXPECT(statistics.evaluations > 5 && statistics.limited_queries == 0);
  }
  needletail_close(index);
  needletail_close(NULL);
  free(rows);
  return NULL;
}

static const char *check_missing_answers_are_marked(const char *directory) {
  float *rows = client_rows(ROWS, 2);
  needletail_build_options options = NEEDLETAIL_BUILD_OPTIONS_INIT;
  options.dimensions = DIMENSIONS;
  options.metric = NEEDLETAIL_COSINE;
  uint64_t names[3] = {7, 0, UINT64_MAX - 1};
  needletail_rows parts[2] = {{.components = rows, .ids = names, .count = 3}, {.count = 0}};
  char *path = client_path(directory, "small");
  needletail_index *index = NULL;
  EXPECT_OK(needletail_build(path, &options, parts, 2, NULL, &index));
  free(path);
  uint64_t ids[10], found[2] = {99, 99};
  float distances[10];
  needletail_queries queries = {.components = rows, .count = 2, .dimensions = DIMENSIONS};
  EXPECT_OK(needletail_search_batch(index, &queries, 5, NULL, ids, distances, found, NULL));
  EXPECT(found[0] == 3 && found[1] == 3 && ids[0] == 7 && ids[5] == 0);
  for (size_t q = 0; q < 2; q++) {
    for (size_t i = 3; i < 5; i++) {
      EXPECT(ids[q * 5 + i] == NEEDLETAIL_NO_ID && isinf(distances[q * 5 + i]));
    }
  }
  EXPECT_OK(needletail_search(
      index, rows + 2 * DIMENSIONS, DIMENSIONS, 5, NULL, ids, distances, NULL, NULL));
  EXPECT(ids[0] == UINT64_MAX - 1 && ids[4] == NEEDLETAIL_NO_ID && isinf(distances[4]));
  uint64_t all[3];
  EXPECT_OK(needletail_get_ids(index, all, 3));
  EXPECT(all[0] == 0 && all[1] == 7 && all[2] == UINT64_MAX - 1);
  EXPECT_ERROR(NEEDLETAIL_INVALID_CONFIGURATION, "capacity is 2", needletail_get_ids(index, all, 2));
  needletail_close(index);
  free(rows);
  return NULL;
}

static const char *check_turbo_mode_is_another_layout(const char *directory) {
  enum { K = 5 };
  float *rows = client_rows(ROWS, 10);
  needletail_build_options options = NEEDLETAIL_BUILD_OPTIONS_INIT;
  options.dimensions = DIMENSIONS;
  options.metric = NEEDLETAIL_L2;
  needletail_rows part = {.components = rows, .count = ROWS};
  needletail_information information[2] = {NEEDLETAIL_INFORMATION_INIT, NEEDLETAIL_INFORMATION_INIT};
  for (int32_t mode = NEEDLETAIL_MODE_COMPACT; mode <= NEEDLETAIL_MODE_TURBO; mode++) {
    options.mode = mode;
    char *path = client_path(directory, mode == NEEDLETAIL_MODE_TURBO ? "turbo" : "compact");
    needletail_index *index = NULL;
    EXPECT_OK(needletail_build(path, &options, &part, 1, NULL, &index));
    needletail_close(index);
    EXPECT_OK(needletail_open(path, NULL, &index));
    free(path);
    EXPECT_OK(needletail_get_information(index, &information[mode - 1]));
    EXPECT(information[mode - 1].mode == mode);
    uint64_t ids[K];
    float distances[K];
    for (uint64_t i = 0; i < ROWS; i += 37) {
      EXPECT_OK(needletail_search(
          index, rows + i * DIMENSIONS, DIMENSIONS, K, NULL, ids, distances, NULL, NULL));
      EXPECT(ids[0] == i && distances[0] == 0);
    }
    needletail_close(index);
  }
  EXPECT(information[1].code_bytes > 2 * information[0].code_bytes);
  free(rows);
  return NULL;
}

static const char *check_batches_give_what_single_calls_give(const char *directory) {
  enum { K = 70, QUERIES = 64 };
  float *rows = client_rows(ROWS, 3);
  float *wanted = client_rows(QUERIES, 4);
  needletail_index *index = client_index(directory, rows, NEEDLETAIL_COSINE);
  EXPECT(index != NULL);
  uint64_t *ids = calloc(QUERIES * K, sizeof *ids), one[K];
  float *distances = calloc(QUERIES * K, sizeof *distances), alone[K];
  if (!ids || !distances) abort();
  needletail_search_options options = NEEDLETAIL_SEARCH_OPTIONS_INIT;
  options.ef = 80;
  for (uint32_t threads = 0; threads < 4; threads++) {
    for (uint64_t limit = 0; limit < 1000000; limit += 900000) {
      options.threads = threads == 3 ? UINT32_MAX : threads;
      options.evaluation_limit = limit;
      needletail_queries queries = {
          .components = wanted, .count = QUERIES, .dimensions = DIMENSIONS};
      needletail_search_statistics all = NEEDLETAIL_SEARCH_STATISTICS_INIT;
      EXPECT_OK(needletail_search_batch(index, &queries, K, &options, ids, distances, NULL, &all));
      uint64_t evaluations = 0;
      for (size_t q = 0; q < QUERIES; q++) {
        needletail_search_statistics each = NEEDLETAIL_SEARCH_STATISTICS_INIT;
        EXPECT_OK(needletail_search(
            index, wanted + q * DIMENSIONS, DIMENSIONS, K, &options, one, alone, NULL, &each));
        EXPECT(memcmp(one, ids + q * K, sizeof one) == 0);
        EXPECT(memcmp(alone, distances + q * K, sizeof alone) == 0);
        evaluations += each.evaluations;
      }
      EXPECT(all.evaluations == evaluations && all.limited_queries == 0);
    }
  }
  free(ids);
  free(distances);
  needletail_close(index);
  free(rows);
  free(wanted);
  return NULL;
}

static const char *check_limits_are_told(const char *directory) {
  float *rows = client_rows(ROWS, 5);
  needletail_index *index = client_index(directory, rows, NEEDLETAIL_L2);
  EXPECT(index != NULL);
  needletail_search_options options = NEEDLETAIL_SEARCH_OPTIONS_INIT;
  options.evaluation_limit = 40;
  uint64_t ids[8];
  float distances[8];
  needletail_search_statistics statistics = NEEDLETAIL_SEARCH_STATISTICS_INIT;
  EXPECT_OK(needletail_search(
      index, rows, DIMENSIONS, 1, &options, ids, distances, NULL, &statistics));
  EXPECT(statistics.limited_queries == 1);
  needletail_queries queries = {.components = rows, .count = 8, .dimensions = DIMENSIONS};
  EXPECT_OK(needletail_search_batch(index, &queries, 1, &options, ids, distances, NULL, &statistics));
  EXPECT(statistics.limited_queries == 8);
  needletail_close(index);
  free(rows);
  return NULL;
}

static const char *check_elements_and_strides(const char *directory) {
  uint8_t bytes[ROWS][16];
  float floats[ROWS][4];
  for (size_t i = 0; i < ROWS; i++) {
    for (size_t j = 0; j < 16; j++) bytes[i][j] = (uint8_t)((i * (2 * j + 7)) % 251);
    for (size_t j = 0; j < 4; j++) floats[i][j] = bytes[i][j];
  }
  needletail_build_options options = NEEDLETAIL_BUILD_OPTIONS_INIT;
  options.dimensions = 4;
  options.metric = NEEDLETAIL_L2;
  needletail_rows part = {
      .components = bytes, .count = ROWS, .row_stride = 16, .element = NEEDLETAIL_UINT8};
  char *path = client_path(directory, "bytes");
  needletail_index *index = NULL;
  EXPECT_OK(needletail_build(path, &options, &part, 1, NULL, &index));
  uint64_t ids[ROWS], others[ROWS];
  float distances[ROWS];
  needletail_queries queries = {.components = bytes, .count = ROWS, .dimensions = 4,
                                .row_stride = 16, .element = NEEDLETAIL_UINT8};
  EXPECT_OK(needletail_search_batch(index, &queries, 1, NULL, ids, distances, NULL, NULL));
  for (size_t i = 0; i < ROWS; i++) EXPECT(distances[i] == 0);
  queries.components = floats;
  queries.row_stride = 0;
  queries.element = NEEDLETAIL_FLOAT32;
  EXPECT_OK(needletail_search_batch(index, &queries, 1, NULL, others, distances, NULL, NULL));
  EXPECT(memcmp(ids, others, sizeof ids) == 0);

  uint64_t wanted[2] = {17, 3};
  float vectors[8];
  EXPECT_OK(needletail_get_vectors(index, wanted, 2, vectors));
  EXPECT(memcmp(vectors, floats[17], 16) == 0 && memcmp(vectors + 4, floats[3], 16) == 0);
  wanted[1] = ROWS;
  EXPECT_ERROR(NEEDLETAIL_NOT_FOUND, "600", needletail_get_vectors(index, wanted, 2, vectors));
  EXPECT_ERROR(NEEDLETAIL_INVALID_CONFIGURATION, "components is NULL",
               needletail_get_vectors(index, wanted, 2, NULL));
  EXPECT_ERROR(NEEDLETAIL_INVALID_CONFIGURATION, "ids is NULL",
               needletail_get_vectors(index, NULL, 2, vectors));
  EXPECT_ERROR(NEEDLETAIL_CAPACITY_EXCEEDED, "count",
               needletail_get_vectors(index, wanted, UINT64_MAX, vectors));
  EXPECT_ERROR(NEEDLETAIL_CAPACITY_EXCEEDED, "ids",
               needletail_get_vectors(index, wanted, INT64_MAX, vectors));
  EXPECT_OK(needletail_get_vectors(index, NULL, 0, NULL));
  needletail_close(index);

  needletail_information information = NEEDLETAIL_INFORMATION_INIT;
  needletail_open_options opening = NEEDLETAIL_OPEN_OPTIONS_INIT;
  opening.verification = NEEDLETAIL_VERIFY_FULL;
  opening.codes = opening.graph = opening.ids = NEEDLETAIL_PLACE_MAPPED;
  EXPECT_OK(needletail_open(path, &opening, &index));
  EXPECT_OK(needletail_get_information(index, &information));
  EXPECT(information.dimensions == 4 && information.count == ROWS && information.m == 16);
  EXPECT(information.metric == NEEDLETAIL_L2 && information.ef_construction == 320);
  EXPECT(information.seed == 1 && information.codes == NEEDLETAIL_CODES_INT8);
  EXPECT(information.code_bytes > 0 && information.graph_bytes > 0 && information.id_bytes > 0);
  EXPECT(information.struct_size == sizeof information);
  needletail_close(index);
  free(path);
  return NULL;
}

static const char *check_builds_repeat(const char *directory) {
  float *rows = client_rows(ROWS, 6);
  needletail_build_options options = NEEDLETAIL_BUILD_OPTIONS_INIT;
  options.dimensions = DIMENSIONS;
  options.metric = NEEDLETAIL_INNER_PRODUCT;
  options.seed = 0;
  options.m = 4;
  options.ef_construction = 32;
  options.rows = NEEDLETAIL_KEEP_NONE;
  uint64_t ids[2][ROWS];
  for (uint32_t i = 0; i < 2; i++) {
    char *path = client_path(directory, i == 0 ? "first" : "second");
    options.threads = 1 + i;
    // In one part, and in three.
    needletail_rows parts[3] = {{.components = rows, .count = i == 0 ? ROWS : 100},
                                {.components = rows + 100 * DIMENSIONS, .count = 1},
                                {.components = rows + 101 * DIMENSIONS, .count = ROWS - 101}};
    needletail_index *index = NULL;
    EXPECT_OK(needletail_build(path, &options, parts, i == 0 ? 1 : 3, NULL, &index));
    needletail_information information = NEEDLETAIL_INFORMATION_INIT;
    EXPECT_OK(needletail_get_information(index, &information));
    EXPECT(information.seed == 0 && information.m == 4 && information.ef_construction == 32);
    EXPECT(information.rows == NEEDLETAIL_KEEP_NONE && information.row_bytes == 0);
    needletail_queries queries = {.components = rows, .count = ROWS, .dimensions = DIMENSIONS};
    float distances[ROWS];
    EXPECT_OK(needletail_search_batch(index, &queries, 1, NULL, ids[i], distances, NULL, NULL));
    float vector[DIMENSIONS];
    EXPECT_ERROR(NEEDLETAIL_NOT_FOUND, "keeps no precise rows",
                 needletail_get_vectors(index, ids[i], 1, vector));
    needletail_close(index);
    free(path);
  }
  EXPECT(memcmp(ids[0], ids[1], sizeof ids[0]) == 0);
  free(rows);
  return NULL;
}

static const char *check_a_build_can_be_cancelled(const char *directory) {
  float *rows = client_rows(ROWS, 7);
  needletail_monitor *monitor = needletail_monitor_create();
  uint64_t done = 1, total = 1;
  EXPECT_OK(needletail_monitor_progress(monitor, &done, &total));
  EXPECT(done == 0 && total == 0);
  needletail_monitor_cancel(monitor);
  needletail_build_options options = NEEDLETAIL_BUILD_OPTIONS_INIT;
  options.dimensions = DIMENSIONS;
  options.metric = NEEDLETAIL_L2;
  needletail_rows part = {.components = rows, .count = ROWS};
  char *path = client_path(directory, "never");
  needletail_index *index = (needletail_index *)monitor;
  EXPECT_ERROR(NEEDLETAIL_CANCELLED, "cancelled",
               needletail_build(path, &options, &part, 1, monitor, &index));
  EXPECT(index == NULL);
  EXPECT_ERROR(NEEDLETAIL_NOT_FOUND, "never", needletail_open(path, NULL, &index));
  EXPECT_OK(needletail_monitor_progress(monitor, NULL, NULL));
  EXPECT_ERROR(NEEDLETAIL_INVALID_CONFIGURATION, "monitor is NULL",
               needletail_monitor_progress(NULL, &done, &total));
  needletail_monitor_cancel(NULL);
  needletail_monitor_destroy(monitor);
  needletail_monitor_destroy(NULL);
  free(path);
  free(rows);
  return NULL;
}

static const char *check_a_tuned_index_knows_its_recall(const char *directory) {
  float *rows = client_rows(ROWS, 9);
  needletail_index *index = client_index(directory, rows, NEEDLETAIL_L2), *tuned = NULL;
  EXPECT(index != NULL);
  needletail_search_options options = NEEDLETAIL_SEARCH_OPTIONS_INIT;
  options.recall = 0.9f;
  uint64_t ids[5];
  float distances[5];
  EXPECT_ERROR(NEEDLETAIL_NOT_FOUND, "tune",
               needletail_search(index, rows, DIMENSIONS, 5, &options, ids, distances, NULL, NULL));
  needletail_tune_options tuning = NEEDLETAIL_TUNE_OPTIONS_INIT;
  needletail_queries queries = {.components = rows, .count = 100, .dimensions = DIMENSIONS};
  needletail_monitor *monitor = needletail_monitor_create();
  tuning.threads = 2;
  tuning.k = 5;
  tuning.queries = &queries;
  EXPECT_OK(needletail_tune(index, &tuning, monitor, &tuned));
  needletail_information information = NEEDLETAIL_INFORMATION_INIT;
  EXPECT_OK(needletail_get_information(index, &information));
  EXPECT(information.is_tuned == 0);
  EXPECT_OK(needletail_get_information(tuned, &information));
  EXPECT(information.is_tuned == 1 && information.count == ROWS);
  EXPECT_OK(needletail_search(tuned, rows, DIMENSIONS, 5, &options, ids, distances, NULL, NULL));
  EXPECT(ids[0] == 0);
  needletail_close(index);
  needletail_close(tuned);
  char *path = client_path(directory, "index");
  EXPECT_OK(needletail_open(path, NULL, &index));
  EXPECT_OK(needletail_get_information(index, &information));
  EXPECT(information.is_tuned == 1);

  needletail_monitor_cancel(monitor);
  EXPECT_ERROR(NEEDLETAIL_CANCELLED, "cancelled", needletail_tune(index, NULL, monitor, &tuned));
  EXPECT(tuned == NULL);
  needletail_monitor_destroy(monitor);
  needletail_close(index);
  free(path);
  free(rows);
  return NULL;
}

typedef struct seat {
  const needletail_index *index;
  const float *rows;
  uint64_t number;
  char failure[2048];
} seat;

static const char *search_and_fail(const seat *taken) {
  uint64_t ids[3];
  float distances[3];
  char mine[64];
  for (size_t i = 0; i < 300; i++) {
    size_t row = (i * 7 + taken->number) % ROWS;
    EXPECT_OK(needletail_search(taken->index, taken->rows + row * DIMENSIONS, DIMENSIONS, 3, NULL, ids,
                                distances, NULL, NULL));
    EXPECT(ids[0] == row && distances[0] == 0);
    // Every thread has a message of its own.
    uint64_t wrong = 1000 + taken->number * 1000 + i;
    snprintf(mine, sizeof mine, "%llu components", (unsigned long long)wrong);
    EXPECT(needletail_search(taken->index, taken->rows, wrong, 3, NULL, ids, distances, NULL, NULL) ==
           NEEDLETAIL_DIMENSION_MISMATCH);
    EXPECT(client_message_has(mine));
    if (i % 100 == 0) {
      needletail_search_options options = NEEDLETAIL_SEARCH_OPTIONS_INIT;
      options.threads = 2;
      uint64_t many[40];
      float far[40];
      needletail_queries queries = {.components = taken->rows, .count = 40, .dimensions = DIMENSIONS};
      EXPECT_OK(
          needletail_search_batch(taken->index, &queries, 1, &options, many, far, NULL, NULL));
      for (size_t q = 0; q < 40; q++) EXPECT(many[q] == q);
    }
  }
  return NULL;
}

static void *take_seat(void *raw) {
  seat *mine = raw;
  const char *found = search_and_fail(mine);
  // The text belongs to this thread, which ends now.
  snprintf(mine->failure, sizeof mine->failure, "%s", found ? found : "");
  return NULL;
}

static const char *check_threads_share_an_index(const char *directory) {
  enum { THREADS = 4 };
  float *rows = client_rows(ROWS, 8);
  needletail_index *index = client_index(directory, rows, NEEDLETAIL_L2);
  EXPECT(index != NULL);
  pthread_t threads[THREADS];
  seat seats[THREADS];
  for (uint64_t i = 0; i < THREADS; i++) {
    seats[i] = (seat){.index = index, .rows = rows, .number = i};
    EXPECT(pthread_create(&threads[i], NULL, take_seat, &seats[i]) == 0);
  }
  for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (size_t i = 0; i < THREADS; i++) {
    if (seats[i].failure[0]) return client_fail(__FILE__, __LINE__, seats[i].failure);
  }
  needletail_close(index);
  free(rows);
  return NULL;
}

static const struct {
  const char *name;
  const char *(*run)(const char *directory);
} checks[] = {
    {"the library says what it is", check_the_library_says_what_it_is},
    {"a row finds itself", check_a_row_finds_itself},
    {"missing answers are marked", check_missing_answers_are_marked},
    {"turbo mode is another layout", check_turbo_mode_is_another_layout},
    {"batches give what single calls give", check_batches_give_what_single_calls_give},
    {"limits are told", check_limits_are_told},
    {"elements and strides", check_elements_and_strides},
    {"builds repeat", check_builds_repeat},
    {"a build can be cancelled", check_a_build_can_be_cancelled},
    {"a tuned index knows its recall", check_a_tuned_index_knows_its_recall},
    {"threads share an index", check_threads_share_an_index},
    {"errors of build", check_errors_of_build},
    {"errors of rows", check_errors_of_rows},
    {"errors of open", check_errors_of_open},
    {"errors of search", check_errors_of_search},
    {"errors of batch", check_errors_of_batch},
    {"errors of tuning", check_errors_of_tuning},
    {"sizes of structures", check_sizes_of_structures},
};

size_t client_check_count(void) { return sizeof checks / sizeof checks[0]; }

const char *client_check_name(size_t number) {
  return number < client_check_count() ? checks[number].name : "";
}

const char *client_check_run(size_t number, const char *directory) {
  return number < client_check_count() ? checks[number].run(directory) : "no such check";
}
