// Needletail for C and for every language that can call C: build an index, open it, search it.
//
//   needletail_build_options options = NEEDLETAIL_BUILD_OPTIONS_INIT;
//   options.dimensions = 384;
//   options.metric = NEEDLETAIL_COSINE;
//   needletail_rows rows = {.components = base, .count = 100000};  // float32, row after row
//   needletail_index *index = NULL;
//   if (needletail_build("words.needletail", &options, &rows, 1, NULL, &index) != NEEDLETAIL_OK)
//     fprintf(stderr, "%s\n", needletail_last_error());
//   uint64_t ids[10];
//   float distances[10];
//   uint64_t found = 0;
//   needletail_search(index, query, 384, 10, NULL, ids, distances, &found, NULL);
//   needletail_close(index);
//
// Errors. Every call that can fail returns a needletail_status: 0 is success. What went wrong, with
// numbers and advice, is in needletail_last_error() of the same thread. Null pointers, misaligned
// pointers, impossible counts, NaN and options out of range are such errors, never a crash. What cannot
// be checked is undefined, as everywhere in C: a pointer to less memory than the counts say, a handle
// that was closed. After an error, output handles are NULL and output buffers are unspecified.
//
// Threads. Any number of threads may use one index, one set of options and one monitor at once. The one
// exception: needletail_close and needletail_monitor_destroy come after all other calls on their handle
// have returned. A call uses no thread but its caller's unless its options say so. The others sleep between
// calls, keep the memory of their searches, and end after some ten seconds without work; they have the affinity
// and priority of the thread that first needed them, and no signals. A forked child starts its own. Do not
// unload the library while they may sleep.
//
// Ownership. Buffers belong to the caller and are used during the call only: nothing that you pass is
// kept. Handles come from this library and go back to it through the call named at their type. Strings
// that this library returns belong to it.
//
// Structures begin with their own size, which the *_INIT macros fill in, so that programs and libraries
// of different ages understand each other: fields that are missing are 0, and 0 means the default.
// Set a structure by its macro, or clear it and set struct_size (and a seed).
#ifndef CNEEDLETAIL_H
#define CNEEDLETAIL_H

#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define NEEDLETAIL_NULLABLE _Nullable
#define NEEDLETAIL_NONNULL _Nonnull
#else
#define NEEDLETAIL_NULLABLE
#define NEEDLETAIL_NONNULL
#endif

#if defined(__cplusplus)
extern "C" {
#endif

// MARK: The library

// The version of what this header declares. It rises when a program that was compiled against an older
// header must be compiled anew; additions do not raise it.
#define NEEDLETAIL_ABI_VERSION 1u

// The version of the library that is loaded. Compare it with NEEDLETAIL_ABI_VERSION before anything else.
uint32_t needletail_abi_version(void);

// The library's version, e.g. "0.1.0".
const char *NEEDLETAIL_NONNULL needletail_version(void);

// The instruction set of the kernels in this process: scalar, avx2, avx512, avx512vnni or neon. The
// environment's NEEDLETAIL_ISA forces a lower one.
const char *NEEDLETAIL_NONNULL needletail_kernel_level(void);

// MARK: Errors

// What became of a call. More codes may be added.
typedef int32_t needletail_status;

enum {
  NEEDLETAIL_OK = 0,
  // An argument or option is missing, out of its range, or contradicts another.
  NEEDLETAIL_INVALID_CONFIGURATION = 1,
  // Vectors do not have as many components as the index.
  NEEDLETAIL_DIMENSION_MISMATCH = 2,
  // A component is NaN or infinite, or a squared norm overflows float.
  NEEDLETAIL_NON_FINITE_COMPONENT = 3,
  // A vector of zeros under NEEDLETAIL_COSINE.
  NEEDLETAIL_ZERO_VECTOR = 4,
  // A file, directory, id or component does not exist.
  NEEDLETAIL_NOT_FOUND = 5,
  // An id or a target directory exists already.
  NEEDLETAIL_ALREADY_EXISTS = 6,
  // Somebody else holds the index for writing.
  NEEDLETAIL_LOCKED = 7,
  // The bytes, or the fields of a structure, are of a version that this library does not know.
  NEEDLETAIL_UNSUPPORTED_FORMAT = 8,
  // The bytes contradict themselves, their length or their checksum.
  NEEDLETAIL_CORRUPTED = 9,
  // More was asked for than a fixed limit allows.
  NEEDLETAIL_CAPACITY_EXCEEDED = 10,
  // More memory would be needed than a budget allows.
  NEEDLETAIL_OVER_BUDGET = 11,
  // A monitor cancelled the work; nothing of it remains.
  NEEDLETAIL_CANCELLED = 12,
  // The operating system refused a file operation or memory.
  NEEDLETAIL_IO = 13,
  // An error of a kind that this interface has no code for; see the message.
  NEEDLETAIL_OTHER = 14,
};

// What went wrong in the last call of this thread that failed: one sentence in UTF-8 with the numbers,
// the place and what to do. Empty when none failed yet. Never NULL. Calls that succeed leave it as it
// is. Valid until the next call of this thread that fails; at most 2047 bytes, longer ones are cut.
const char *NEEDLETAIL_NONNULL needletail_last_error(void);

// The name of a status, e.g. "dimensionMismatch"; "unknown" for a number that is none.
const char *NEEDLETAIL_NONNULL needletail_status_name(needletail_status status);

// MARK: Words

// How far apart two vectors are. Distances are float, and lower is nearer under each.
enum {
  NEEDLETAIL_L2 = 1,             // sum of squared differences
  NEEDLETAIL_INNER_PRODUCT = 2,  // minus the inner product
  NEEDLETAIL_COSINE = 3,         // 1 - cosine, 0 to 2; vectors are normalised for you
};

// How components are stored in the caller's memory.
enum {
  NEEDLETAIL_FLOAT32 = 0,  // aligned to 4 bytes
  NEEDLETAIL_FLOAT16 = 1,  // IEEE 754 half precision, aligned to 2 bytes
  NEEDLETAIL_UINT8 = 2,
  NEEDLETAIL_INT8 = 3,
};

// How an index keeps rows for the precise ranking of the best candidates. Whole numbers of a byte under
// L2 and inner product are kept in the codes without loss, whatever is asked for here.
enum {
  NEEDLETAIL_KEEP_DEFAULT = 0,   // float32
  NEEDLETAIL_KEEP_FLOAT32 = 1,   // 4 bytes per component, 2 where half precision holds all of them
  NEEDLETAIL_KEEP_BFLOAT16 = 2,  // 2 bytes, 8 bits of precision
  NEEDLETAIL_KEEP_FLOAT16 = 3,   // 2 bytes, 11 bits of precision, up to 65504
  NEEDLETAIL_KEEP_NONE = 4,      // distances are estimates, and rows cannot be given back
};

// What a walk through the index compares.
enum {
  NEEDLETAIL_CODES_DEFAULT = 0,  // int4 or int8, as a trial on the finished graph decides
  NEEDLETAIL_CODES_INT8 = 1,     // one byte per component
  NEEDLETAIL_CODES_NONE = 2,     // the rows as they are kept
  NEEDLETAIL_CODES_INT4 = 3,     // one byte per component, of which the walk reads the upper half
};

// How what a walk reads is laid out.
enum {
  NEEDLETAIL_MODE_AUTO = 0,     // what suits the rows; compact for all that was measured so far
  NEEDLETAIL_MODE_COMPACT = 1,  // codes apart from links: the least memory
  // A row with its links and one bit per component of each neighbour: one read a hop, for four times the
  // memory of codes and links. For L2 and cosine, codes default or int8, and an m that is a multiple of 16.
  // Rows of whole numbers are not coded without loss here: if rows are not kept, their distances are
  // estimates and they cannot be given back, as they can under L2 in compact mode. If rows are kept, they
  // come on top of the fourfold codes and links.
  NEEDLETAIL_MODE_TURBO = 2,
};

// The id that fills the places of answers that are missing. No row may have it.
#define NEEDLETAIL_NO_ID UINT64_MAX

// MARK: Monitors

// A view of a build or a tuning that is at work, and the way to stop it. Made by
// needletail_monitor_create, given back by needletail_monitor_destroy.
typedef struct needletail_monitor needletail_monitor;

// Makes a monitor for one piece of work. Never NULL.
needletail_monitor *NEEDLETAIL_NONNULL needletail_monitor_create(void);

// Gives a monitor back; NULL is allowed. No work may be using it.
void needletail_monitor_destroy(needletail_monitor *NEEDLETAIL_NULLABLE monitor);

// Asks the work to stop soon: it then returns NEEDLETAIL_CANCELLED and leaves nothing behind. May be
// called from any thread and, unlike the other calls, from a signal handler. NULL is allowed.
void needletail_monitor_cancel(needletail_monitor *NEEDLETAIL_NULLABLE monitor);

// How far the work has come in its present phase. `total` is 0 while it is not known; `done` and
// `total` may be NULL.
needletail_status needletail_monitor_progress(
    const needletail_monitor *NEEDLETAIL_NULLABLE monitor, uint64_t *NEEDLETAIL_NULLABLE done,
    uint64_t *NEEDLETAIL_NULLABLE total);

// MARK: Building

// An index that is open for searching. Made by needletail_build and needletail_open, given back by
// needletail_close.
typedef struct needletail_index needletail_index;

// What shapes an index. The same options, rows and ids give the same bytes, for any number of threads.
typedef struct needletail_build_options {
  uint32_t struct_size;
  int32_t metric;            // NEEDLETAIL_L2, …; there is no default
  uint64_t dimensions;       // components per vector, 1 to 16384; there is no default
  uint64_t m;                // links of a row per upper level, 2 to 128; 0: 16
  uint64_t ef_construction;  // candidates looked at when a row is linked; 0: 320, and 200 under inner product
  uint64_t seed;             // of everything random, taken as it is; the macro sets 1
  int32_t rows;              // NEEDLETAIL_KEEP_…
  int32_t codes;             // NEEDLETAIL_CODES_…
  int32_t mode;              // NEEDLETAIL_MODE_…
  uint32_t threads;          // the most threads that build; 0: 1, the caller's own
} needletail_build_options;

#define NEEDLETAIL_BUILD_OPTIONS_INIT \
  { (uint32_t)sizeof(needletail_build_options), 0, 0, 0, 0, 1, 0, 0, 0, 0 }

// Rows in the caller's memory, as many components each as the options have dimensions.
typedef struct needletail_rows {
  const void *NEEDLETAIL_NULLABLE components;  // the first row; NULL only where count is 0
  // One id for each row, none of them twice; aligned to 8 bytes. NULL: the number of the row, counted
  // from 0 through all parts.
  const uint64_t *NEEDLETAIL_NULLABLE ids;
  uint64_t count;
  uint64_t row_stride;  // bytes from one row to the next, a multiple of the component; 0: no gap
  int32_t element;      // NEEDLETAIL_FLOAT32, …
  uint32_t reserved;    // 0
} needletail_rows;

// Builds an index of all rows of all parts and publishes it at `path`: a directory that does not exist
// yet and whose parent does. It appears whole when everything is on disk, or not at all.
//
//   path       UTF-8
//   options    required
//   parts      `part_count` runs of rows; read during the call only, and not copied
//   monitor    sees the progress and may cancel; NULL: none
//   index      receives the index, open for searching; NULL: it is only built
//
// Cost: about count * ef_construction * m comparisons. Codes, links and ids are in memory meanwhile.
needletail_status needletail_build(
    const char *NEEDLETAIL_NULLABLE path,
    const needletail_build_options *NEEDLETAIL_NULLABLE options,
    const needletail_rows *NEEDLETAIL_NULLABLE parts, uint64_t part_count,
    needletail_monitor *NEEDLETAIL_NULLABLE monitor,
    needletail_index *NEEDLETAIL_NULLABLE *NEEDLETAIL_NULLABLE index);

// MARK: Opening

// Where a component lies while an index is open.
enum {
  NEEDLETAIL_PLACE_DEFAULT = 0,
  NEEDLETAIL_PLACE_RESIDENT = 1,  // in memory of the process, in huge pages where the system has them
  NEEDLETAIL_PLACE_MAPPED = 2,    // in the file's pages: opening costs nothing
};

// What is checked before an index is open.
enum {
  NEEDLETAIL_VERIFY_STRUCTURE = 0,  // damage may give wrong answers, never a crash
  NEEDLETAIL_VERIFY_FULL = 1,       // every byte and every link
};

// How an index is opened.
typedef struct needletail_open_options {
  uint32_t struct_size;
  int32_t codes;         // NEEDLETAIL_PLACE_…; default resident
  int32_t graph;         // links; default resident. In turbo mode those of level 0 lie where the codes do
  int32_t rows;          // precise rows; default mapped: a few are read per query
  int32_t ids;           // default resident
  int32_t verification;  // NEEDLETAIL_VERIFY_…
} needletail_open_options;

#define NEEDLETAIL_OPEN_OPTIONS_INIT \
  { (uint32_t)sizeof(needletail_open_options), 0, 0, 0, 0, 0 }

// Opens the index at `path` (UTF-8). `options` may be NULL. Cost: reads what is placed resident.
needletail_status needletail_open(
    const char *NEEDLETAIL_NULLABLE path,
    const needletail_open_options *NEEDLETAIL_NULLABLE options,
    needletail_index *NEEDLETAIL_NULLABLE *NEEDLETAIL_NULLABLE index);

// Gives an index back; NULL is allowed. No other call may be using it. The files stay.
void needletail_close(needletail_index *NEEDLETAIL_NULLABLE index);

// MARK: Looking

// What is known about an index.
typedef struct needletail_information {
  uint32_t struct_size;
  int32_t metric;
  uint64_t dimensions;
  uint64_t count;
  uint64_t m;
  uint64_t ef_construction;
  uint64_t seed;
  int32_t rows;   // NEEDLETAIL_KEEP_…
  int32_t codes;  // NEEDLETAIL_CODES_…
  // Bytes by component, as they are in the file.
  uint64_t code_bytes;
  uint64_t graph_bytes;
  uint64_t row_bytes;
  uint64_t id_bytes;
  uint64_t quantizer_bytes;
  uint32_t is_tuned;  // 1: searches may ask for a recall
  int32_t mode;       // NEEDLETAIL_MODE_COMPACT or _TURBO
} needletail_information;

#define NEEDLETAIL_INFORMATION_INIT \
  { (uint32_t)sizeof(needletail_information), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

// Fills in as many fields as the structure's size has room for.
needletail_status needletail_get_information(
    const needletail_index *NEEDLETAIL_NULLABLE index,
    needletail_information *NEEDLETAIL_NULLABLE information);

// Writes all ids, ascending. `capacity` is the room in `ids`, at least the index's count.
needletail_status needletail_get_ids(
    const needletail_index *NEEDLETAIL_NULLABLE index, uint64_t *NEEDLETAIL_NULLABLE ids,
    uint64_t capacity);

// Writes the vectors of `count` ids as they were added, row after row: [count, dimensions] floats.
// NEEDLETAIL_NOT_FOUND when an id is not in the index, or the index keeps no rows.
needletail_status needletail_get_vectors(
    const needletail_index *NEEDLETAIL_NULLABLE index, const uint64_t *NEEDLETAIL_NULLABLE ids,
    uint64_t count, float *NEEDLETAIL_NULLABLE components);

// MARK: Searching

// How queries are answered.
typedef struct needletail_search_options {
  uint32_t struct_size;
  uint32_t threads;  // the most threads of a batch; 0: 1, the caller's own
  // Width of the window of candidates: more finds more and takes longer. 0: 64, or what `recall` needs.
  uint64_t ef;
  // The share of right answers to aim at, above 0 and at most 1: the fastest setting that reached it
  // when the index was tuned. NEEDLETAIL_NOT_FOUND where it was not. 0: not given. Not together with `ef`.
  float recall;
  uint32_t reserved;          // 0
  // Candidates that are ranked anew on the precise rows: 0 as many as the codes leave open, otherwise
  // this many, at least k; NEEDLETAIL_RERANK_NONE: none, distances are then estimates.
  int64_t rerank;
  uint64_t evaluation_limit;  // the most comparisons of a query's walk; 0: no limit
} needletail_search_options;

#define NEEDLETAIL_RERANK_NONE (-1)
#define NEEDLETAIL_SEARCH_OPTIONS_INIT \
  { (uint32_t)sizeof(needletail_search_options), 0, 0, 0.0f, 0, 0, 0 }

// What searches cost, summed over the queries of a call.
typedef struct needletail_search_statistics {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t hops;            // rows whose links were followed
  uint64_t evaluations;     // comparisons of a query with a row
  uint64_t reranked_rows;   // candidates ranked anew on the precise rows
  uint64_t limited_queries; // queries that evaluation_limit cut short
} needletail_search_statistics;

#define NEEDLETAIL_SEARCH_STATISTICS_INIT \
  { (uint32_t)sizeof(needletail_search_statistics), 0, 0, 0, 0, 0 }

// Finds the k vectors nearest to one query.
//
//   query        [dimensions] floats; normalised here under cosine
//   dimensions   as the index has them: a check against mixing things up
//   k            answers asked for, 1 to 1048576
//   options      NULL: the defaults
//   ids          [k] output; nearest first, ties by id; NEEDLETAIL_NO_ID where an answer is missing
//   distances    [k] output; infinity where an answer is missing
//   found        receives the number of answers; fewer than k where the index has fewer rows. May be NULL
//   statistics   receives what the search cost; may be NULL
//
// Allocates nothing after the first search of its thread, unless k is over 64 or a search is larger
// than any before.
needletail_status needletail_search(
    const needletail_index *NEEDLETAIL_NULLABLE index, const float *NEEDLETAIL_NULLABLE query,
    uint64_t dimensions, uint64_t k, const needletail_search_options *NEEDLETAIL_NULLABLE options,
    uint64_t *NEEDLETAIL_NULLABLE ids, float *NEEDLETAIL_NULLABLE distances,
    uint64_t *NEEDLETAIL_NULLABLE found,
    needletail_search_statistics *NEEDLETAIL_NULLABLE statistics);

// Queries in the caller's memory.
typedef struct needletail_queries {
  const void *NEEDLETAIL_NULLABLE components;  // the first query; NULL only where count is 0
  uint64_t count;
  uint64_t dimensions;
  uint64_t row_stride;  // bytes from one query to the next, a multiple of the component; 0: no gap
  int32_t element;      // NEEDLETAIL_FLOAT32, …
  uint32_t reserved;    // 0
} needletail_queries;

// Finds the k vectors nearest to each of many queries, on as many threads as the options say.
//
//   ids, distances   [count, k] output, row-major; missing answers as in needletail_search
//   found            [count] output: the number of answers of each query; may be NULL
//   statistics       receives the sums; may be NULL
//
// All queries are answered, or the call fails and names the first bad one.
needletail_status needletail_search_batch(
    const needletail_index *NEEDLETAIL_NULLABLE index,
    const needletail_queries *NEEDLETAIL_NULLABLE queries, uint64_t k,
    const needletail_search_options *NEEDLETAIL_NULLABLE options, uint64_t *NEEDLETAIL_NULLABLE ids,
    float *NEEDLETAIL_NULLABLE distances, uint64_t *NEEDLETAIL_NULLABLE found,
    needletail_search_statistics *NEEDLETAIL_NULLABLE statistics);

// MARK: Tuning

// How an index is tuned.
typedef struct needletail_tune_options {
  uint32_t struct_size;
  uint32_t threads;  // the most threads that search; 0: 1, the caller's own
  uint64_t k;        // recall is measured at so many answers; 0: 10
  // Queries like those to come. NULL: rows of the index serve, each kept out of its own search. Where
  // queries are unlike rows, as users are unlike items, give queries.
  const needletail_queries *NEEDLETAIL_NULLABLE queries;
  uint64_t milliseconds;  // after these no further measurement begins; 0: 30 000
} needletail_tune_options;

#define NEEDLETAIL_TUNE_OPTIONS_INIT \
  { (uint32_t)sizeof(needletail_tune_options), 0, 0, NULL, 0 }

// Measures which setting reaches which recall on this machine, and keeps that in the index's directory
// for every search by recall to come.
//
//   options   NULL: the defaults
//   monitor   sees the progress and may cancel; NULL: none
//   tuned     receives a handle over the same files that knows the settings. The handle `index` stays as
//             it is; both are given back
//
// Cost: one exact search for 500 to 4000 queries, and about a dozen approximate ones each.
needletail_status needletail_tune(
    const needletail_index *NEEDLETAIL_NULLABLE index,
    const needletail_tune_options *NEEDLETAIL_NULLABLE options,
    needletail_monitor *NEEDLETAIL_NULLABLE monitor,
    needletail_index *NEEDLETAIL_NULLABLE *NEEDLETAIL_NULLABLE tuned);

#if defined(__cplusplus)
}
#endif

#endif
