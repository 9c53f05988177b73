// The other side of needletail_last_error(), for the implementation only.
#ifndef NEEDLETAIL_MESSAGE_H
#define NEEDLETAIL_MESSAGE_H

#include "CNeedletail.h"

#if defined(__cplusplus)
extern "C" {
#endif

// Keeps a message for this thread. One that is too long is cut between two characters.
#if defined(__GNUC__)
__attribute__((visibility("hidden")))
#endif
void needletail_keep_message(const char *NEEDLETAIL_NONNULL text);

#if defined(__cplusplus)
}
#endif

#endif
