// Fails to compile when a structure of the interface changes its layout: programs that are compiled
// already would read other fields. New fields go to the end of a structure, and only there.
#include "CNeedletail.h"

#define IS_AT(structure, field, offset) \
  _Static_assert(offsetof(structure, field) == (offset), #structure "." #field " has moved")
#define IS_AT_LEAST(structure, size) \
  _Static_assert(sizeof(structure) >= (size), #structure " has become smaller")

_Static_assert(sizeof(void *) == 8 && sizeof(float) == 4, "64-bit machines with IEEE floats");

IS_AT(needletail_build_options, metric, 4);
IS_AT(needletail_build_options, dimensions, 8);
IS_AT(needletail_build_options, seed, 32);
IS_AT(needletail_build_options, rows, 40);
IS_AT(needletail_build_options, mode, 48);
IS_AT(needletail_build_options, threads, 52);
IS_AT_LEAST(needletail_build_options, 56);

// Parts and queries are fixed for ever: they come in arrays, or carry no size.
_Static_assert(sizeof(needletail_rows) == 40, "needletail_rows is fixed");
_Static_assert(sizeof(needletail_queries) == 40, "needletail_queries is fixed");
IS_AT(needletail_rows, element, 32);
IS_AT(needletail_queries, element, 32);

IS_AT(needletail_open_options, verification, 20);
IS_AT_LEAST(needletail_open_options, 24);

IS_AT(needletail_search_options, ef, 8);
IS_AT(needletail_search_options, recall, 16);
IS_AT(needletail_search_options, rerank, 24);
IS_AT(needletail_search_options, evaluation_limit, 32);
IS_AT_LEAST(needletail_search_options, 40);

IS_AT(needletail_search_statistics, hops, 8);
IS_AT_LEAST(needletail_search_statistics, 40);

IS_AT(needletail_information, dimensions, 8);
IS_AT(needletail_information, rows, 48);
IS_AT(needletail_information, quantizer_bytes, 88);
IS_AT(needletail_information, is_tuned, 96);
IS_AT(needletail_information, mode, 100);
IS_AT_LEAST(needletail_information, 104);

IS_AT(needletail_tune_options, queries, 16);
IS_AT(needletail_tune_options, milliseconds, 24);
IS_AT_LEAST(needletail_tune_options, 32);
