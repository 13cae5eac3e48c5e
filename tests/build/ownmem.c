/* The four memory functions replaced by the caller's own. */
#include <stddef.h>

void *my_copy(void *dst, const void *src, size_t n);
void *my_move(void *dst, const void *src, size_t n);
void *my_set(void *dst, int value, size_t n);
int my_compare(const void *a, const void *b, size_t n);

#define LLMC_MEMCPY  my_copy
#define LLMC_MEMMOVE my_move
#define LLMC_MEMSET  my_set
#define LLMC_MEMCMP  my_compare
#define LLMC_IMPLEMENTATION
#include "../../llmc.h"
