// Counts heap allocations of the calling thread, for tests that claim to make none.
#ifndef CMALLOCCOUNT_H
#define CMALLOCCOUNT_H
#include <stdint.h>

// Allocations (malloc, calloc, realloc, aligned forms) this thread made so far.
uint64_t ndl_test_allocation_count(void);

#endif
