// What a C program sees of Needletail, as checks by name. They run inside `swift test`, where sanitizers
// look on, and as a program of their own against the shared library (.ci/c-check).
#ifndef CNEEDLETAILCLIENT_H
#define CNEEDLETAILCLIENT_H

#include <stddef.h>

// The number of checks, and the name of each.
size_t client_check_count(void);
const char *client_check_name(size_t number);

// Runs a check in an empty directory of its own. Returns NULL when all is as it should be; otherwise the
// place and what was found, valid until the next check of this thread.
const char *client_check_run(size_t number, const char *directory);

#endif
