// The system's OpenBLAS, found through pkg-config. No code of ours.
#include <cblas.h>
