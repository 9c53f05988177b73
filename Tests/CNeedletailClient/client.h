// Shared by the checks.
#ifndef CLIENT_H
#define CLIENT_H

#include <CNeedletail.h>

enum { DIMENSIONS = 12, ROWS = 600 };

// Remembers a failure and leaves the check.
const char *client_fail(const char *file, int line, const char *what);

#define EXPECT(condition) \
  do { \
    if (!(condition)) return client_fail(__FILE__, __LINE__, #condition); \
  } while (0)

#define EXPECT_OK(call) EXPECT((call) == NEEDLETAIL_OK)

// Expects a status, and a message that says something about `part`.
#define EXPECT_ERROR(status, part, call) \
  do { \
    if ((call) != (status) || !client_message_has(part)) \
      return client_fail(__FILE__, __LINE__, #call " gives " #status ", naming " part); \
  } while (0)

int client_message_has(const char *part);

// `count` rows of DIMENSIONS components from -1 to 1, the same for the same seed. To be freed.
float *client_rows(size_t count, uint64_t seed);

// `directory` + "/" + `name`. To be freed.
char *client_path(const char *directory, const char *name);

// Builds an index of ROWS rows with their own numbers as ids and opens it; NULL when that fails.
needletail_index *client_index(const char *directory, const float *rows, int32_t metric);

const char *check_errors_of_build(const char *directory);
const char *check_errors_of_rows(const char *directory);
const char *check_errors_of_open(const char *directory);
const char *check_errors_of_search(const char *directory);
const char *check_errors_of_batch(const char *directory);
const char *check_errors_of_tuning(const char *directory);
const char *check_sizes_of_structures(const char *directory);

#endif
