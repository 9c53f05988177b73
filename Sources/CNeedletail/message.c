// The last message of each thread, in memory that exists before any error does: saying that there is no
// memory must not need memory.
#include "needletail_message.h"

#include <string.h>

enum { CAPACITY = 2048 };

static _Thread_local char message[CAPACITY];

const char *needletail_last_error(void) { return message; }

void needletail_keep_message(const char *text) {
  size_t length = strlen(text);
  if (length >= CAPACITY) {
    length = CAPACITY - 1;
    // A byte 10xxxxxx continues a character: go back to where one begins.
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
  }
  memmove(message, text, length);
  message[length] = '\0';
}
